package firmware

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"chordophone/firmware/config"
	"chordophone/firmware/newcomer"
	"chordophone/firmware/tone"
	"chordophone/hal"
	"chordophone/overlay"
	"chordophone/overlay/discover"
	"chordophone/overlay/identity"
)

// newOffice is the name of an office that is founded on a keypad.
const newOffice = "office"

// settling is a telephone that belongs to no office while its owner finds it one.
type settling struct {
	panel hal.Panel
	voice *voice
	look  func(context.Context) ([]discover.Office, error) // takes seconds; nil: nobody can be seen
	join  func(ctx context.Context, code string) (*identity.Identity, []overlay.Peer, error)
	found func() (*identity.Identity, error)
	log   *slog.Logger
}

// outcome is what came of a try.
type outcome struct {
	id  *identity.Identity
	via []overlay.Peer
	err error
}

// settle has the owner of a new telephone find it an office, with its own keys.
func settle(ctx context.Context, cfg config.Run, hw *hardware, log *slog.Logger) (*identity.Identity, []overlay.Peer, error) {
	tones, err := tone.New(cfg.Country, hal.Rate)
	if err != nil {
		return nil, nil, err
	}
	wish, _ := strconv.Atoi(cfg.Extension) // checked by config
	s := &settling{
		panel: hw.panel, voice: newVoice(hw.audio, tones, log), log: log,
		join: func(ctx context.Context, code string) (*identity.Identity, []overlay.Peer, error) {
			c := cfg
			c.Join = config.Secret(code)
			return enrol(ctx, c, wish, log)
		},
		found: func() (*identity.Identity, error) { return identity.Found(newOffice, wish) },
	}
	if !cfg.NoDiscovery {
		s.look = func(ctx context.Context) ([]discover.Office, error) {
			ctx, cancel := context.WithTimeout(ctx, lookTime)
			defer cancel()
			return discover.Offices(ctx, log)
		}
	}
	log.Info("no office yet: lift the handset", "hint", "or see --found and --join")
	id, via, err := s.run(ctx)
	if err != nil {
		return nil, nil, err
	}
	return id, via, id.Save(cfg.Data)
}

// run is the loop round the newcomer's state machine. It returns when there is an
// office and the handset is back.
func (s *settling) run(ctx context.Context) (id *identity.Identity, via []overlay.Peer, err error) {
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seen, outcomes := make(chan newcomer.Seen), make(chan outcome, 1)
	beside.Go(func() { s.voice.run(ctx) })
	beside.Go(func() { s.watch(ctx, seen) })
	var (
		p     newcomer.Phone
		shown newcomer.View
		keys  = s.panel.Events()
	)
	for {
		if v := p.View(); !same(v, shown) {
			s.show(v)
			shown = v
		}
		if p.Over() {
			return id, via, nil
		}
		var ev newcomer.Event
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case key, ok := <-keys:
			if !ok {
				return nil, nil, errQuit
			}
			ev = newcomer.Input{Event: key}
		case ev = <-seen:
		case o := <-outcomes:
			if o.err != nil {
				s.log.Warn("no office", "err", o.err)
				ev = newcomer.Failed{Text: inShort(o.err)}
				break
			}
			id, via = o.id, o.via
			s.log.Info("member of an office", "office", id.Office(), "extension", id.Extension())
			ev = newcomer.Member{Office: id.Office(), Extension: strconv.Itoa(id.Extension())}
		}
		switch a := p.Step(ev).(type) {
		case newcomer.Join:
			beside.Go(func() {
				id, via, err := s.join(ctx, a.Code)
				outcomes <- outcome{id, via, err}
			})
		case newcomer.Found:
			id, err := s.found()
			outcomes <- outcome{id, nil, err}
		}
	}
}

func same(a, b newcomer.View) bool {
	return slices.Equal(a.Lines, b.Lines) && a.Lamp == b.Lamp && a.Tone == b.Tone && a.Open == b.Open
}

func (s *settling) show(v newcomer.View) {
	var picture hal.Picture
	picture[hal.LampLine] = v.Lamp
	if err := s.panel.Show(picture); err != nil {
		s.log.Warn("lamps", "err", err)
	}
	s.panel.Tell(hal.Lines{Lines: v.Lines})
	s.panel.Tell(hal.Sounding{Tone: v.Tone})
	s.voice.set(earpiece{open: v.Open, tone: v.Tone})
}

// lookAgain is the time between two looks at the network.
const lookAgain = 5 * time.Second

// watch tells who is there, again and again.
func (s *settling) watch(ctx context.Context, seen chan<- newcomer.Seen) {
	if s.look == nil {
		return
	}
	for {
		offices, err := s.look(ctx)
		if err != nil {
			s.log.Debug("offices", "err", err)
		}
		list := make([]newcomer.Office, len(offices))
		for i, o := range offices {
			list[i] = newcomer.Office{Name: o.Name, Open: o.Enrolling()}
		}
		select {
		case seen <- newcomer.Seen{Offices: list}:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return
		}
	}
}

// inShort is an error for a display.
func inShort(err error) string {
	switch {
	case errors.Is(err, identity.ErrWrongCode):
		return "wrong code"
	case errors.Is(err, identity.ErrEnrolmentClosed):
		return "closed: *73# there"
	case errors.Is(err, identity.ErrAlive):
		return "the old one is alive"
	case errors.Is(err, identity.ErrTaken):
		return "its number is taken"
	case errors.Is(err, identity.ErrReserved):
		return "code: other number"
	case errors.Is(err, identity.ErrUnreachable):
		return "nobody answers"
	case errors.Is(err, errNoOffice):
		return "no office in sight"
	}
	return "it failed: see log"
}
