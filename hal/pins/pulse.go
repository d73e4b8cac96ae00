package pins

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chordophone/board"
)

// pwmRoot is where the kernel shows what makes pulses.
const pwmRoot = "/sys/class/pwm"

// pulsers are the ends of the names of the devices behind GPIO12 and GPIO13: all models
// up to the Pi 4, Pi 5. Their channels are the same.
var pulsers = [...]string{"20c000.pwm", "98000.pwm"}

var channels = map[board.Line]int{12: 0, 13: 1}

// appears is how long a channel may take to appear after it is asked for, and to
// become this user's.
const appears = time.Second

// pulse is an output that the computer switches on and off by itself.
type pulse struct {
	dir     string
	on, off string // nanoseconds of each period that the line is high
}

// openPulse takes the channel of a line, switched off.
func openPulse(root string, o board.Output) (*pulse, error) {
	chip, err := pulser(root)
	if err != nil {
		return nil, err
	}
	n := channels[o.Line]
	p := &pulse{dir: filepath.Join(chip, fmt.Sprintf("pwm%d", n))}
	if _, err := os.Stat(p.dir); err != nil {
		if err := put(chip, "export", strconv.Itoa(n)); err != nil {
			return nil, err
		}
	}
	period := int(time.Second) / o.PWM.Hertz
	on, off := period/100*o.PWM.Duty, 0
	if o.ActiveLow {
		on, off = period-on, period
	}
	p.on, p.off = strconv.Itoa(on), strconv.Itoa(off)
	for give := time.Now().Add(appears); ; time.Sleep(10 * time.Millisecond) {
		// A duty longer than the period is refused, hence first none.
		if err = put(p.dir, "duty_cycle", "0"); err == nil || time.Now().After(give) {
			break
		}
	}
	return p, errors.Join(err, put(p.dir, "period", strconv.Itoa(period)), p.set(false), put(p.dir, "enable", "1"))
}

// pulser is the directory of the device that pulses the header's lines.
func pulser(root string) (string, error) {
	chips, err := filepath.Glob(filepath.Join(root, "pwmchip*"))
	if err != nil {
		return "", err
	}
	for _, chip := range chips {
		device, err := os.Readlink(filepath.Join(chip, "device"))
		if err != nil {
			continue
		}
		for _, end := range pulsers {
			if strings.HasSuffix(device, end) {
				return chip, nil
			}
		}
	}
	return "", errors.New("nothing on this machine makes pulses")
}

func (p *pulse) set(on bool) error {
	if on {
		return put(p.dir, "duty_cycle", p.on)
	}
	return put(p.dir, "duty_cycle", p.off)
}

func put(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
