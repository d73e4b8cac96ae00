package display

import (
	"image"
	"io"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/devices/v3/ssd1306"
)

// Contrast of a glass that somebody looks at, and of one at rest: its dots age with the
// light they gave.
const (
	bright = 0xff
	dimmed = 0x10
)

// oled is a glass of dots.
type oled struct {
	dots    *ssd1306.Dev
	painter *Painter
	bus     io.Closer
}

// bus is an i2c.Bus that can be closed.
type bus interface {
	i2c.Bus
	io.Closer
}

// newOLED sets a glass up. sh1106 says that it is one of 132 columns, of which the glass
// shows those in the middle.
func newOLED(b bus, p *Painter, sh1106 bool) (*oled, error) {
	var to i2c.Bus = b
	if sh1106 {
		to = shifted{b}
	}
	dots, err := ssd1306.NewI2C(to, &ssd1306.DefaultOpts)
	if err != nil {
		return nil, err
	}
	// A SH1106 takes the last column of an SSD1306's address range for its first line.
	return &oled{dots, p, b}, dots.SetDisplayStartLine(0)
}

func (o *oled) show(rows []string) error {
	return o.dots.Draw(image.Rect(0, 0, width, height), o.painter.Paint(rows), image.Point{})
}

func (o *oled) dim(on bool) error {
	if on {
		return o.dots.SetContrast(dimmed)
	}
	return o.dots.SetContrast(bright)
}

func (o *oled) Close() error { return o.bus.Close() }

// shifted moves pictures to the right by the columns that a SH1106 has to the left of
// its glass.
type shifted struct{ i2c.Bus }

const hiddenColumns = 2

// Tx rewrites the command that says where the next dots go: page, low and high half of
// the column.
func (s shifted) Tx(addr uint16, w, r []byte) error {
	if len(w) == 4 && w[0] == 0 && w[1]&0xf8 == 0xb0 {
		column := w[2]&0x0f | w[3]<<4 + hiddenColumns
		w = []byte{0, w[1], column & 0x0f, 0x10 | column>>4}
	}
	return s.Bus.Tx(addr, w, r)
}
