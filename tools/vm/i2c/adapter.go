package i2c

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
)

// The device by its numbers, as Linux's driver i2c-tiny-usb knows it.
const (
	vendorID  = 0x0403
	productID = 0xc631
)

// Requests of USB. // USB 1.1, section 9.4
const (
	getStatus     = 0
	getDescriptor = 6

	deviceDescriptor        = 1
	configurationDescriptor = 2
)

// Requests of the driver, and its answers. // Linux: drivers/i2c/busses/i2c-tiny-usb.c
const (
	requestFunctions = 1
	requestDelay     = 2
	requestStatus    = 3
	requestTransfer  = 4 // to 7: whether it begins and ends a message

	plainI2C     = 1 // I2C_FUNC_I2C
	acknowledged = 1
	ignored      = 2

	vendorRequest = 0x40 // in the type
)

// Chip is a device on the bus that is only written to.
type Chip interface {
	// Write takes one message.
	Write(message []byte)
}

// Adapter is the bus. Its methods may be called from several goroutines.
type Adapter struct {
	listener net.Listener

	mu     sync.Mutex
	chips  map[uint16]Chip // by address
	silent bool            // nobody answers
	status byte            // of the last message
	failed error           // what QEMU said that was not understood
}

// Listen waits for a machine at a socket. The chips are on the bus by their addresses;
// they are called by one goroutine at a time, and by Look.
func Listen(path string, chips map[uint16]Chip) (*Adapter, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	a := &Adapter{listener: l, chips: chips}
	go a.follow()
	return a, nil
}

// Plug are QEMU's words for the adapter in a USB port.
func (a *Adapter) Plug(bus string) []string {
	return []string{
		"-chardev", "socket,id=i2c,path=" + a.listener.Addr().String(),
		"-device", "usb-redir,chardev=i2c,bus=" + bus,
	}
}

func (a *Adapter) follow() {
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			return
		}
		err = serve(conn, a)
		conn.Close()
		a.mu.Lock()
		a.failed = err
		a.mu.Unlock()
	}
}

// Close ends the bus.
func (a *Adapter) Close() error { return a.listener.Close() }

// Silence has no chip answer, or all again.
func (a *Adapter) Silence(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.silent = on
}

// Look calls a function while no chip is written to.
func (a *Adapter) Look(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// Failure is why the machine has no adapter any more, nil if it has or had none.
func (a *Adapter) Failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

var errRefused = errors.New("no such request")

// control implements device.
func (a *Adapter) control(c control, data []byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.Type&vendorRequest == 0 {
		return standard(c)
	}
	switch {
	case c.Request == requestFunctions:
		return binary.LittleEndian.AppendUint32(nil, plainI2C), nil
	case c.Request == requestDelay:
		return nil, nil
	case c.Request == requestStatus:
		return []byte{a.status}, nil
	case c.Request >= requestTransfer && c.Request < requestTransfer+4 && !c.in():
		a.status = ignored
		if chip := a.chips[c.Index]; chip != nil && !a.silent {
			a.status = acknowledged
			chip.Write(data)
		}
		return nil, nil
	}
	return nil, fmt.Errorf("%w: %+v", errRefused, c)
}

// standard answers what every device is asked.
func standard(c control) ([]byte, error) {
	switch {
	case c.Request == getStatus && c.in():
		return []byte{0, 0}, nil
	case c.Request == getDescriptor && c.Value>>8 == deviceDescriptor:
		return []byte{
			18, deviceDescriptor, 0x10, 0x01, vendor, 0, 0, maxPacket,
			vendorID & 0xff, vendorID >> 8, productID & 0xff, productID >> 8, 0x05, 0x02, 0, 0, 0, 1,
		}, nil
	case c.Request == getDescriptor && c.Value>>8 == configurationDescriptor:
		return []byte{
			9, configurationDescriptor, 18, 0, 1, 1, 0, 0x80, 50,
			9, 4, 0, 0, 0, vendor, 0, 0, 0, // its interface
		}, nil
	}
	return nil, fmt.Errorf("%w: %+v", errRefused, c)
}
