package firmware

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"golang.org/x/term"

	"chordophone/board"
	"chordophone/firmware/config"
	"chordophone/hal"
	"chordophone/hal/alsa"
	"chordophone/hal/display"
	"chordophone/hal/pins"
	"chordophone/hal/pipe"
	"chordophone/hal/sound"
	terminal "chordophone/hal/term"
)

// hardware is the telephone's body.
type hardware struct {
	panel hal.Panel
	audio *sound.Audio
	board *board.Board
	stop  func() // ends watch
}

// Close gives the body back.
func (h *hardware) Close() error {
	h.stop()
	return errors.Join(h.panel.Close(), h.audio.Close())
}

// boardName is the board that the configuration names: the terminal if there is one,
// else the pipe.
func boardName(cfg config.Run, std Stdio) string {
	switch {
	case cfg.Board != "":
		return cfg.Board
	case term.IsTerminal(int(std.In.Fd())) && term.IsTerminal(int(std.Out.Fd())):
		return "term"
	}
	return "pipe"
}

// openHardware opens the telephone's board.
func openHardware(cfg config.Run, std Stdio, logs *logBook, log *slog.Logger) (*hardware, error) {
	name := boardName(cfg, std)
	if name != "pipe" && name != "term" {
		return openBoard(name, cfg, log)
	}
	audio, err := sound.Open(cfg.Mic, cfg.Ear)
	if err != nil {
		return nil, err
	}
	h := &hardware{audio: audio, board: &board.Board{Name: name, Virtual: true}}
	if name == "pipe" {
		h.panel = pipe.New(std.In, std.Out)
	} else {
		panel, err := terminal.Open(std.In, std.Out, os.Environ())
		if err != nil {
			return nil, errors.Join(err, audio.Close())
		}
		logs.redirect(panel.Log())
		h.panel = panel
	}
	h.watch(log)
	return h, nil
}

// openBoard opens a board with wires. Its sound is that of the board if it has its
// own; a sound card that is not there does not keep the telephone from serving.
func openBoard(name string, cfg config.Run, log *slog.Logger) (*hardware, error) {
	b, err := board.Open(name)
	if err != nil {
		return nil, err
	}
	audio, err := openSound(b, cfg)
	if err != nil {
		return nil, err
	}
	h := &hardware{panel: pins.Open(b, log), audio: audio, board: b}
	if b.Display != nil {
		h.panel = display.With(h.panel, display.Open(*b.Display, log))
	}
	if b.RingerDevice != "" {
		h.panel = ringing{h.panel, audio}
	}
	h.watch(log)
	return h, nil
}

// openSound opens the sound of a board, or what the configuration names instead.
func openSound(b *board.Board, cfg config.Run) (audio *sound.Audio, err error) {
	if b.Audio == nil {
		audio, err = sound.Open(cfg.Mic, cfg.Ear)
	} else {
		audio, err = sound.OpenCard(sound.Card{
			Capture:  b.Audio.Capture,
			Playback: b.Audio.Playback,
			Speaker:  b.Audio.Speaker,
			SideTone: float64(b.Audio.SideTone),
			Control:  alsa.Control{Name: b.Audio.Control, Normal: b.Audio.Volume},
		})
	}
	if err != nil || b.RingerDevice == "" {
		return audio, err
	}
	if err := audio.AddRinger(b.RingerDevice); err != nil {
		return nil, errors.Join(err, audio.Close())
	}
	return audio, nil
}

// watch looks after the sound cards until Close.
func (h *hardware) watch(log *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.audio.Watch(ctx, log, func(f hal.Fault) { h.panel.Tell(f) })
	}()
	h.stop = func() {
		stop()
		<-done
	}
}

// ringing is a panel whose bell is a sound card.
type ringing struct {
	hal.Panel
	bell interface{ Ring(on bool) }
}

// Tell implements hal.Panel.
func (r ringing) Tell(n hal.Notice) {
	if ring, ok := n.(hal.Ringing); ok {
		r.bell.Ring(ring.On)
	}
	r.Panel.Tell(n)
}

// Findings implements hal.Inspector.
func (r ringing) Findings() []hal.Finding {
	if i, ok := r.Panel.(hal.Inspector); ok {
		return i.Findings()
	}
	return nil
}
