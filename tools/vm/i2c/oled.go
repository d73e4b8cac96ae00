package i2c

// The size of a glass in dots, and the columns of memory that each controller has.
const (
	Width, Height = 128, 64
	pages         = Height / 8

	columnsSSD1306 = 128
	columnsSH1106  = 132
)

// OLED is a glass with an SSD1306 or, if it is set, a SH1106. // their data sheets, tables
// of commands
type OLED struct {
	SH1106 bool

	memory       [pages][columnsSH1106]byte
	page, column int
	start        int // the line of the memory that is on top
	mirrored     bool
	headOver     bool
	on           bool
	contrast     byte
}

// Forget is what a loss of power does: the memory is anything, the glass dark.
func (o *OLED) Forget() {
	*o = OLED{SH1106: o.SH1106}
	for p := range o.memory {
		for c := range o.memory[p] {
			o.memory[p][c] = 0xa5
		}
	}
}

// Write implements Chip.
func (o *OLED) Write(message []byte) {
	if len(message) == 0 {
		return
	}
	switch message[0] { // the control octet
	case 0x00:
		for rest := message[1:]; len(rest) > 0; {
			rest = rest[min(o.command(rest), len(rest)):]
		}
	case 0x40:
		for _, b := range message[1:] {
			o.dots(b)
		}
	}
}

// dots takes eight dots, one below the other.
func (o *OLED) dots(b byte) {
	o.memory[o.page][o.column] = b
	if o.column++; o.column < columnsSSD1306 || o.SH1106 && o.column < columnsSH1106 {
		return
	}
	o.column = 0
	if !o.SH1106 { // set up to go on at the next page
		o.page = (o.page + 1) % pages
	}
}

// command takes one command and returns how long it is.
func (o *OLED) command(b []byte) int {
	argument := byte(0)
	if len(b) > 1 {
		argument = b[1]
	}
	switch c := b[0]; {
	case c < 0x10:
		o.column = o.column&0xf0 | int(c)
	case c < 0x20:
		o.column = min(o.column&0x0f|int(c&0x0f)<<4, columnsSH1106-1)
	case c == 0x20 && !o.SH1106:
		return 2
	case (c == 0x21 || c == 0x22) && !o.SH1106:
		return 3
	case c >= 0x40 && c < 0x80:
		o.start = int(c & 0x3f)
	case c == 0x81:
		o.contrast = argument
		return 2
	case c == 0xa0 || c == 0xa1:
		o.mirrored = c == 0xa0
	case c == 0xc0 || c == 0xc8:
		o.headOver = c == 0xc0
	case c == 0xae || c == 0xaf:
		o.on = c == 0xaf
	case c >= 0xb0 && c < 0xb8:
		o.page = int(c & 7)
	case c == 0xa8, c == 0xd3, c == 0xd5, c == 0xd9, c == 0xda, c == 0xdb, c == 0x8d && !o.SH1106, c == 0xad && o.SH1106:
		return 2
	}
	return 1
}

// Seen is what somebody sees: eight rows of octets, of each the lowest bit on top.
func (o *OLED) Seen() []byte {
	seen := make([]byte, pages*Width)
	left := 0
	if o.SH1106 {
		left = (columnsSH1106 - Width) / 2
	}
	for y := range Height {
		for x := range Width {
			line, column := (y+o.start)%Height, x
			if o.headOver {
				line = Height - 1 - line
			}
			if o.mirrored {
				column = Width - 1 - x
			}
			if o.on && o.memory[line/8][left+column]>>(line%8)&1 == 1 {
				seen[y/8*Width+x] |= 1 << (y % 8)
			}
		}
	}
	return seen
}
