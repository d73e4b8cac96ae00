package pins

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"chordophone/board"
)

// The structure and the number are those a C compiler makes of linux/gpio.h.
func TestLineInfo(t *testing.T) {
	if n := unsafe.Sizeof(lineInfo{}); n != 256 || unsafe.Offsetof(lineInfo{}.flags) != 72 || uint64(ioctlLines) != 0xc100b405 {
		t.Errorf("%d octets, flags at %d, number %#x", n, unsafe.Offsetof(lineInfo{}.flags), uint64(ioctlLines))
	}
	if _, err := users("/dev/null"); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("%v", err)
	}
	if _, err := users("/dev/gpiochip-none"); err == nil {
		t.Error("a chip that is not there has users")
	}
}

// Whoever has a line of the board is named with the board's word for it, the chip, and
// what to do; nobody is blamed for lines that the board does not use, nor is the
// telephone for its own.
func TestBlame(t *testing.T) {
	const text = `name x
hook line=GPIO4
keypad rows=GPIO5,GPIO6 cols=GPIO16,GPIO22 keys=12/45
lamp line line=GPIO25
lamp message line=GPIO12 brightness=40
`
	b, err := board.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	busy := errors.New("line_request ioctl: device or resource busy")
	for _, c := range []struct {
		used map[board.Line]string
		want string
	}{
		{nil, busy.Error()},
		{map[board.Line]string{7: "spi0 CS1", 12: "pwm"}, busy.Error()},
		{map[board.Line]string{5: "pins.test@own", 25: "pins.test@own"}, busy.Error()},
		{map[board.Line]string{16: "spi0 CS0"}, `in use: keypad cols=GPIO16: GPIO16 of the chip pinctrl-x is used by "spi0 CS0" (end that program, or `},
		{map[board.Line]string{25: "", 4: "gpiomon"}, `in use: hook line=GPIO4: GPIO4 of the chip pinctrl-x is used by "gpiomon"; ` +
			`lamp line line=GPIO25: GPIO25 of the chip pinctrl-x is used by something else (`},
	} {
		err := blame(busy, "pinctrl-x", b, "pins.test@own", func(l board.Line) (string, bool) { by, used := c.used[l]; return by, used })
		if !strings.HasPrefix(err.Error(), c.want) || !errors.Is(err, busy) || errors.Is(err, errTaken) != strings.HasPrefix(c.want, "in use") {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}
