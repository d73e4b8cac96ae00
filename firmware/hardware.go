package firmware

import (
	"errors"
	"log/slog"
	"os"

	"golang.org/x/term"

	"chordophone/board"
	"chordophone/firmware/config"
	"chordophone/hal"
	"chordophone/hal/pins"
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
func openHardware(cfg config.Run, std Stdio, logs *logBook, log *slog.Logger) (*hardware, error) {
	name := cfg.Board
	if name == "" {
		name = "pipe"
		if term.IsTerminal(int(std.In.Fd())) && term.IsTerminal(int(std.Out.Fd())) {
			name = "term"
		}
	}
	if name != "pipe" && name != "term" {
		return openBoard(name, cfg, log)
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

// openBoard opens a board with wires. Its sound is that of the board if it has its
// own; a sound card that is not there does not keep the telephone from serving.
func openBoard(name string, cfg config.Run, log *slog.Logger) (*hardware, error) {
	b, err := board.Open(name)
	if err != nil {
		return nil, err
	}
	mic, ear := cfg.Mic, cfg.Ear
	if b.Audio != nil {
		mic, ear = "alsa:"+b.Audio.Capture, "alsa:"+b.Audio.Playback
	}
	audio, err := sound.Open(mic, ear)
	if err != nil && b.Audio != nil {
		log.Error("no sound", "err", err, "hint", "connect the board's sound card and start the telephone again")
		audio, err = sound.Open("none", "none")
	}
	if err != nil {
		return nil, err
	}
	return &hardware{panel: pins.Open(b, log), audio: audio}, nil
}
