package display

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/physic"
)

// slave is the request that names the device on the bus. // linux/i2c-dev.h, I2C_SLAVE
const slave = 0x0703

// wire is one device on an I2C bus of the kernel: periph's own bus brings the drivers
// of everything else with it, and its display is always at address 0x3c.
type wire struct {
	f    *os.File
	name string
}

// openWire opens a bus for the device at an address.
func openWire(bus int, address uint16) (*wire, error) {
	name := fmt.Sprintf("/dev/i2c-%d", bus)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no %s (config.txt needs dtparam=i2c_arm=on, and the kernel i2c-dev)", name)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w (is this program in the group i2c?)", err)
	case err != nil:
		return nil, err
	}
	if err := unix.IoctlSetInt(int(f.Fd()), slave, int(address)); err != nil {
		return nil, errors.Join(fmt.Errorf("%s, address %#x: %w", name, address, err), f.Close())
	}
	return &wire{f, fmt.Sprintf("%s, address %#x", name, address)}, nil
}

// Tx implements i2c.Bus for a device that is only written to.
func (w *wire) Tx(_ uint16, out, in []byte) error {
	if len(in) > 0 {
		return errors.New("BUG: display: nothing is read from a display")
	}
	_, err := w.f.Write(out)
	if errors.Is(err, unix.EREMOTEIO) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ETIMEDOUT) {
		return fmt.Errorf("nothing answers at %s: %w", w.name, err)
	}
	return err
}

// SetSpeed implements i2c.Bus: the speed is that of config.txt.
func (w *wire) SetSpeed(physic.Frequency) error { return errors.New("the speed is the kernel's") }

func (w *wire) String() string { return w.name }

// Close gives the bus back.
func (w *wire) Close() error { return w.f.Close() }
