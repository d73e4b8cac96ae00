package firmware

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"chordophone/board"
	"chordophone/firmware/config"
	"chordophone/hal"
	"chordophone/hal/pipe"
	"chordophone/hal/sound"
	terminal "chordophone/hal/term"
)

// hardware is the telephone's body.
type hardware struct {
	panel hal.Panel
	audio *sound.Audio
}

// Close gives the body back.
func (h *hardware) Close() error {
	return errors.Join(h.panel.Close(), h.audio.Close())
}

// openHardware opens the board that the configuration names: the terminal if
// there is one, else the pipe.
func openHardware(cfg config.Run, std Stdio, logs *logBook) (*hardware, error) {
	name := cfg.Board
	if name == "" {
		name = "pipe"
		if term.IsTerminal(int(std.In.Fd())) && term.IsTerminal(int(std.Out.Fd())) {
			name = "term"
		}
	}
	if name != "pipe" && name != "term" {
		if _, err := board.Open(name); err != nil {
			return nil, err
		}
		return nil, hinted{fmt.Errorf("board %s: there is no driver for GPIO lines yet", name), "use --board term or --board pipe"}
	}
	audio, err := sound.Open(cfg.Mic, cfg.Ear)
	if err != nil {
		return nil, err
	}
	if name == "pipe" {
		return &hardware{panel: pipe.New(std.In, std.Out), audio: audio}, nil
	}
	panel, err := terminal.Open(std.In, std.Out, os.Environ())
	if err != nil {
		return nil, errors.Join(err, audio.Close())
	}
	logs.redirect(panel.Log())
	return &hardware{panel: panel, audio: audio}, nil
}
