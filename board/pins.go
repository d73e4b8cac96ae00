package board

import (
	"fmt"
	"slices"
)

// pins are the pins of the GPIO lines on the 40-pin header of all models since the
// Raspberry Pi B+.
var pins = map[Line]int{
	0: 27, 1: 28, 2: 3, 3: 5, 4: 7, 5: 29, 6: 31, 7: 26, 8: 24, 9: 21,
	10: 19, 11: 23, 12: 32, 13: 33, 14: 8, 15: 10, 16: 36, 17: 11, 18: 12, 19: 35,
	20: 38, 21: 40, 22: 15, 23: 16, 24: 18, 25: 22, 26: 37, 27: 13,
}

// taken says what the machine itself needs a line for, "" if it is free.
func taken(l Line) string {
	switch {
	case l == 0 || l == 1:
		return "the EEPROM of HATs"
	case l == 2 || l == 3:
		return "the I2C bus"
	case l == 14 || l == 15:
		return "the serial console"
	case l >= 48:
		return "the SD card"
	case l >= 28:
		return "something that is not on the header"
	}
	return ""
}

// HeaderChips are the labels of the GPIO chips behind the 40-pin header: of a Pi 5, of a
// Pi 4, of all before. A board that names no chip is wired to that header.
var HeaderChips = [...]string{"pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"}

// onHeader says whether the lines of a chip are those of the header.
func onHeader(label string) bool { return label == "" || slices.Contains(HeaderChips[:], label) }

// claims records who uses which line.
type claims struct {
	by        map[Line]string
	elsewhere bool // the chip is not that of the header, and all its lines are free
}

func (c *claims) claim(l Line, user string) error {
	if by := taken(l); by != "" && !c.elsewhere {
		return fmt.Errorf("%v is needed by %s (use one of GPIO4 to GPIO13 and GPIO16 to GPIO27; a board file names another chip with chip label=)", l, by)
	}
	if other, ok := c.by[l]; ok {
		return fmt.Errorf("%v is already used by %s", l, other)
	}
	c.by[l] = user
	return nil
}
