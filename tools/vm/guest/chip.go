//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// chip is a GPIO chip of the kernel's simulator, with the lines of the 40-pin
// header. // Documentation/admin-guide/gpio/gpio-sim.rst
type chip struct {
	label  string
	config string // its folder in configfs
	device string // its folder in sysfs, with one for each line
}

const headerLines = 28

// newChip makes a chip that has that label, all lines open and pulled up.
func newChip(label string) (*chip, error) {
	c := &chip{label: label, config: filepath.Join("/sys/kernel/config/gpio-sim", label)}
	bank := filepath.Join(c.config, "bank")
	if err := os.MkdirAll(bank, 0o755); err != nil {
		return nil, err
	}
	files := [][2]string{{"num_lines", fmt.Sprint(headerLines)}, {"label", label}}
	for n := range headerLines {
		if err := os.Mkdir(filepath.Join(bank, fmt.Sprintf("line%d", n)), 0o755); err != nil {
			return nil, err
		}
		files = append(files, [2]string{fmt.Sprintf("line%d/name", n), fmt.Sprintf("GPIO%d", n)})
	}
	for _, f := range files {
		if err := write(filepath.Join(bank, f[0]), f[1]); err != nil {
			return nil, err
		}
	}
	return c, c.plug()
}

// plug connects the chip.
func (c *chip) plug() error {
	if err := write(filepath.Join(c.config, "live"), "1"); err != nil {
		return err
	}
	device, err1 := os.ReadFile(filepath.Join(c.config, "dev_name"))
	name, err2 := os.ReadFile(filepath.Join(c.config, "bank/chip_name"))
	if err1 != nil || err2 != nil {
		return fmt.Errorf("chip %s has no name: %v, %v", c.label, err1, err2)
	}
	c.device = filepath.Join("/sys/devices/platform", strings.TrimSpace(string(device)), strings.TrimSpace(string(name)))
	for n := range headerLines {
		if err := c.pull(n, true); err != nil {
			return err
		}
	}
	return nil
}

// unplug tears the chip off.
func (c *chip) unplug() error { return write(filepath.Join(c.config, "live"), "0") }

// pull puts an input line at a level.
func (c *chip) pull(line int, high bool) error {
	level := "pull-down"
	if high {
		level = "pull-up"
	}
	return write(filepath.Join(c.device, fmt.Sprintf("sim_gpio%d/pull", line)), level)
}

// high is whether a line is high, whoever drives it.
func (c *chip) high(line int) bool {
	b, err := os.ReadFile(filepath.Join(c.device, fmt.Sprintf("sim_gpio%d/value", line)))
	return err == nil && strings.TrimSpace(string(b)) == "1"
}

func write(path, text string) error {
	return os.WriteFile(path, []byte(text), 0o644)
}
