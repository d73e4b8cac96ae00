package display

import (
	"bytes"
	"errors"
	"image"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/ssd1306/image1bit"

	"chordophone/board"
)

// controller is what an SSD1306 or a SH1106 makes of what it is sent. // their data sheets,
// tables of commands
type controller struct {
	sh1106       bool
	ram          [8][132]byte
	page, column int
	startLine    int
	on           bool
	contrast     byte
	broken       error
	closed       bool
}

func (c *controller) String() string                  { return "controller" }
func (c *controller) SetSpeed(physic.Frequency) error { return errors.New("no") }
func (c *controller) Close() error                    { c.closed = true; return nil }

func (c *controller) Tx(_ uint16, w, r []byte) error {
	if c.broken != nil {
		return c.broken
	}
	switch w[0] {
	case 0x00:
		c.commands(w[1:])
	case 0x40:
		for _, b := range w[1:] {
			if c.column < len(c.ram[0]) {
				c.ram[c.page][c.column] = b
			}
			c.column++
		}
	}
	return nil
}

func (c *controller) commands(b []byte) {
	for i := 0; i < len(b); i++ {
		switch cmd := b[i]; {
		case cmd < 0x10:
			c.column = c.column&0xf0 | int(cmd)
		case cmd < 0x20:
			c.column = c.column&0x0f | int(cmd&0x0f)<<4
		case cmd == 0x20 && !c.sh1106:
			i++
		case (cmd == 0x21 || cmd == 0x22) && !c.sh1106:
			i += 2
		case cmd >= 0x40 && cmd < 0x80:
			c.startLine = int(cmd & 0x3f)
		case cmd == 0x81:
			i++
			c.contrast = b[i]
		case cmd == 0x8d && !c.sh1106, cmd == 0xa8, cmd == 0xd3, cmd == 0xd5, cmd == 0xd9, cmd == 0xda, cmd == 0xdb, cmd == 0xad && c.sh1106:
			i++
		case cmd == 0xae || cmd == 0xaf:
			c.on = cmd == 0xaf
		case cmd >= 0xb0 && cmd < 0xb8:
			c.page = int(cmd & 7)
		}
	}
}

// seen is what somebody sees on the glass.
func (c *controller) seen() *image1bit.VerticalLSB {
	img := image1bit.NewVerticalLSB(image.Rect(0, 0, width, height))
	left := 0
	if c.sh1106 {
		left = 2
	}
	for y := range height {
		for x := range width {
			row := (y + c.startLine) % height
			img.SetBit(x, y, image1bit.Bit(c.on && c.ram[row/8][left+x]>>(row%8)&1 == 1))
		}
	}
	return img
}

// Each dot of a picture is where the picture has it on both controllers, also after
// another picture stood there.
func TestOLED(t *testing.T) {
	for _, driver := range []string{"ssd1306", "sh1106"} {
		c := &controller{sh1106: driver == "sh1106"}
		p := NewPainter()
		g, err := setUp(c, board.Display{Driver: driver, Lines: 4, Columns: 21}, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, rows := range [][]string{
			{"101 Büro", "ready", "", "3 messages"}, {"101 Büro", "ready", "", ""}, {"||||||||||||||||||||||||||", "Ñ"},
		} {
			if err := g.show(rows); err != nil {
				t.Fatal(err)
			}
			if want := p.Paint(rows); !bytes.Equal(c.seen().Pix, want.Pix) {
				t.Errorf("%s: %q is seen as\n%s\nwant\n%s", driver, rows, drawn(c.seen()), drawn(want))
			}
		}
		if err := g.dim(true); err != nil || c.contrast != dimmed {
			t.Error(c.contrast, err)
		}
		if err := g.dim(false); err != nil || c.contrast != bright {
			t.Error(c.contrast, err)
		}
		c.broken = errors.New("nothing answers")
		if err := g.show([]string{"a"}); !errors.Is(err, c.broken) {
			t.Error(err)
		}
		if _, err := setUp(c, board.Display{Driver: driver, Lines: 4}, p); !errors.Is(err, c.broken) {
			t.Error(err)
		}
	}
}

func drawn(img *image1bit.VerticalLSB) string {
	var b bytes.Buffer
	for y := range height {
		for x := range width {
			b.WriteByte(" #"[map[image1bit.Bit]int{image1bit.On: 1}[img.BitAt(x, y)]])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// characters is what an HD44780 behind a PCF8574 makes of what it is sent.
type characters struct {
	controller // of no use but for its methods
	was        byte
	eight      bool // takes eight bits at once
	halves     []byte
	address    int
	ram        [0x80]byte
	twoLines   bool
	light, on  bool
}

func (c *characters) Tx(_ uint16, w, r []byte) error {
	if c.broken != nil {
		return c.broken
	}
	for _, b := range w {
		if c.was&lcdEnable != 0 && b&lcdEnable == 0 {
			c.take(c.was)
		}
		c.was, c.light = b, b&lcdLight != 0
	}
	return nil
}

func (c *characters) take(b byte) {
	if c.eight {
		c.octet(b&0xf0, b&lcdData != 0)
		return
	}
	if c.halves = append(c.halves, b); len(c.halves) == 2 {
		c.octet(c.halves[0]&0xf0|c.halves[1]>>4, b&lcdData != 0)
		c.halves = nil
	}
}

func (c *characters) octet(b byte, data bool) {
	switch {
	case data:
		c.ram[c.address] = b
		c.address = (c.address + 1) % len(c.ram)
	case b&0x80 != 0:
		c.address = int(b & 0x7f)
	case b&0xe0 == 0x20:
		c.eight, c.twoLines = b&0x10 != 0, b&0x08 != 0
	case b&0xf8 == 0x08:
		c.on = b&0x04 != 0
	case b == 1:
		c.address = 0
		for i := range c.ram {
			c.ram[i] = ' '
		}
	}
}

func (c *characters) row(i, columns int) string {
	at := [...]int{0, 0x40, columns, 0x40 + columns}[i]
	return string(c.ram[at:][:columns])
}

func TestLCD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, start := range []characters{{eight: true}, {}, {halves: []byte{0}}} { // after power came; warm, and between two halves
			c := &start
			g, err := setUp(c, board.Display{Driver: "hd44780", Lines: 4, Columns: 20}, NewPainter())
			if err != nil {
				t.Fatal(err)
			}
			if c.eight || !c.twoLines || !c.on || !c.light {
				t.Fatalf("set up: %+v", c)
			}
			for _, rows := range [][]string{
				{"101 B\u00fcro      12:34", "ready", "Zo\u00eb \u0160\u00e1fr, \u20ac 5", "code 4821-9375"},
				{"101 B\u00fcro      12:35", "ready", "", "code 4821-9375 and more than fits"},
			} {
				if err := g.show(rows); err != nil {
					t.Fatal(err)
				}
			}
			for i, want := range []string{
				"101 B\xf5ro      12:35 ", "ready               ", "                    ", "code 4821-9375 and m",
			} {
				if got := c.row(i, 20); got != want {
					t.Errorf("row %d: %q, want %q", i, got, want)
				}
			}
		}
	})
}

func TestLCDCharacters(t *testing.T) {
	for in, want := range map[rune]byte{'a': 'a', 'ä': 0xe1, 'Ä': 'A', 'é': 'e', 'š': 's', '€': '?', '…': '.', '\n': '?', '\\': '?', '日': '?'} {
		if got := character(in); got != want {
			t.Errorf("%q is %#x, want %#x", in, got, want)
		}
	}
}

// What goes over the wire for one character of an LCD, octet by octet: address, then
// the character, each in two halves, each half with enable up and down.
func TestLCDWire(t *testing.T) {
	b := &i2ctest.Playback{Ops: []i2ctest.IO{{Addr: 0, W: []byte{
		0x88, 0x8c, 0x88, 0x08, 0x0c, 0x08, // 0x80: the first row
		0x49, 0x4d, 0x49, 0x19, 0x1d, 0x19, // 0x41: A
	}}}}
	l := &lcd{bus: b, rows: 1, columns: 1, shown: make([]string, 1)}
	if err := l.show([]string{"A"}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
