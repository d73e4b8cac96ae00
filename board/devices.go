package board

import (
	"fmt"
	"regexp"
	"strings"
)

// deviceForm is what the alsa package opens.
var deviceForm = regexp.MustCompile(`^(plug)?hw:[A-Za-z0-9_-]+(,[0-9]+)?$`)

// controlForm is how kernels call what makes a card louder, with _ for a blank.
var controlForm = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,40}$`)

func (p *parser) audio(args []string) error {
	f, err := fieldsOf(args, "capture", "playback", "rate", "speaker", "sidetone", "control", "volume")
	if err != nil {
		return err
	}
	for _, k := range []string{"capture", "playback"} {
		if !deviceForm.MatchString(f[k]) {
			return fmt.Errorf("%s=%s is not an ALSA device such as hw:1,0", k, f[k])
		}
	}
	rate, err := number(f, "rate", 48000, 8000, 192000)
	switch s := f["speaker"]; s {
	case "", "yes", "no":
	default:
		return fmt.Errorf("speaker=%s is not yes or no", s)
	}
	control, ok := f["control"]
	if ok && !controlForm.MatchString(control) {
		return fmt.Errorf("control=%s is not the name of a card's control such as Speaker (a blank is written _)", control)
	}
	side, err1 := number(f, "sidetone", 0, -40, -6)
	volume, err2 := number(f, "volume", 0, 1, 100)
	for _, err := range []error{err, err1, err2} {
		if err != nil {
			return err
		}
	}
	p.board.Audio = &Audio{
		Capture: f["capture"], Playback: f["playback"], Rate: rate, Speaker: f["speaker"] == "yes",
		SideTone: side, Control: strings.ReplaceAll(control, "_", " "), Volume: volume,
	}
	return nil
}

func (p *parser) display(args []string) error {
	f, err := fieldsOf(args, "driver", "bus", "address", "lines", "columns")
	if err != nil {
		return err
	}
	d := &Display{Driver: f["driver"]}
	address, columns, most := 0x3c, 21, 21 // characters of 6 by 13 dots on 128 by 64
	switch d.Driver {
	case "ssd1306", "sh1106":
	case "hd44780":
		address, columns, most = 0x27, 20, 40
	default:
		return fmt.Errorf("driver=%s is not ssd1306, sh1106 or hd44780", d.Driver)
	}
	address, err1 := number(f, "address", address, 0x08, 0x77)
	d.Address = uint16(address)
	var err2, err3, err4 error
	d.Bus, err2 = number(f, "bus", 1, 0, 31)
	d.Lines, err3 = number(f, "lines", 4, 1, 4)
	d.Columns, err4 = number(f, "columns", columns, 8, most)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return err
		}
	}
	p.board.Display = d
	return nil
}
