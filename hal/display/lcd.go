package display

import (
	"strings"
	"time"

	"chordophone/hal"
)

// The eight lines of a PCF8574 and what the usual backpack connects them to; the upper
// four carry data. Read/write stays at write.
const (
	lcdData   = 1 << 0 // register select: a character, not a command
	lcdEnable = 1 << 2
	lcdLight  = 1 << 3
)

// lcd is a glass of characters, driven by halves of octets. periph's driver is not used:
// it sets the glass up for one line, waits too little, and takes fourteen transfers for
// a character, where one does for a row.
type lcd struct {
	bus           bus
	rows, columns int
	shown         []string
}

// newLCD sets a glass up. // HD44780U data sheet, figure 24
func newLCD(b bus, rows, columns int) (*lcd, error) {
	l := &lcd{bus: b, rows: rows, columns: columns, shown: make([]string, rows)}
	time.Sleep(50 * time.Millisecond) // after power came
	for _, step := range []struct {
		half byte
		wait time.Duration
	}{
		{0x3, 5 * time.Millisecond}, // whatever it was doing: eight lines
		{0x3, time.Millisecond},
		{0x3, time.Millisecond},
		{0x2, time.Millisecond}, // four lines
	} {
		if err := l.send(halves(nil, step.half<<4, 0)[:3]); err != nil {
			return nil, err
		}
		time.Sleep(step.wait)
	}
	for _, command := range []byte{
		0x28, // four lines of data, two of text, 5x8 dots
		0x08, // off
		0x01, // clear
		0x06, // write to the right
		0x0c, // on, no cursor
	} {
		if err := l.send(halves(nil, command, 0)); err != nil {
			return nil, err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return l, nil
}

// halves appends the transfers of one octet: each half is taken when enable falls.
func halves(to []byte, octet, mode byte) []byte {
	for _, half := range [...]byte{octet & 0xf0, octet << 4} {
		half |= mode | lcdLight
		to = append(to, half, half|lcdEnable, half)
	}
	return to
}

func (l *lcd) send(b []byte) error { return l.bus.Tx(0, b, nil) }

func (l *lcd) show(rows []string) error {
	for i, text := range rows {
		if l.shown[i] == text {
			continue
		}
		// The third row goes on where the first ends, the fourth where the second does.
		address := byte(i%2*0x40 + i/2*l.columns)
		b := halves(nil, 0x80|address, 0)
		n := 0
		for _, r := range text + strings.Repeat(" ", l.columns) {
			if n++; n > l.columns {
				break
			}
			b = halves(b, character(r), lcdData)
		}
		if err := l.send(b); err != nil {
			return err
		}
		l.shown[i] = text
	}
	return nil
}

// dim does nothing: this glass does not age.
func (l *lcd) dim(bool) error { return nil }

func (l *lcd) Close() error { return l.bus.Close() }

// Characters that the glass has elsewhere. // HD44780U data sheet, table 4, ROM code A00
var lcdCodes = map[rune]byte{
	'ä': 0xe1, 'ß': 0xe2, 'ö': 0xef, 'ü': 0xf5, 'ñ': 0xee, 'µ': 0xe4, '°': 0xdf, '÷': 0xfd, '→': 0x7e, '←': 0x7f,
	'█': 0xff, '·': 0xa5, '¥': '\\',
}

// plain are letters without their marks, which the glass has not.
var plain = strings.NewReplacer(pairs(
	"AÀÁÂÃÄÅĀĂĄ", "CÇĆČ", "DÐĎĐ", "EÈÉÊËĒĖĘĚ", "GĞ", "IÌÍÎÏİ", "LŁ", "NÑŃŇ", "OÒÓÔÕÖØŐ", "RŘ", "SŚŞŠ", "TŢŤ", "UÙÚÛÜŮŰ", "YÝ", "ZŹŻŽ",
	"aàáâãåāăą", "cçćč", "dðďđ", "eèéêëēėęě", "gğ", "iìíîïı", "lł", "nńň", "oòóôõøő", "rř", "sśşš", "tţť", "uùúûůű", "yýÿ", "zźżž",
	"-–—", "'‘’", "\"“”„", ".…•",
)...)

func pairs(groups ...string) (all []string) {
	for _, g := range groups {
		for _, r := range g[1:] {
			all = append(all, string(r), g[:1])
		}
	}
	return all
}

// character is the code of a character on the glass, a question mark for what it has
// not.
func character(r rune) byte {
	if code, ok := lcdCodes[r]; ok {
		return code
	}
	if i, ok := hal.Key(r).Contact(); ok {
		return '0' + byte(i+1)%10
	}
	s := plain.Replace(string(r))
	if len(s) == 1 && s[0] >= ' ' && s[0] < 0x7e && s[0] != '\\' { // 0x5c is the yen sign
		return s[0]
	}
	return '?'
}
