package floating

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"chordophone/overlay/chord"
)

// Place is where the address is put: an Interface.
type Place interface {
	Put(lifetime time.Duration) error
	Remove() error
	Announce() error
}

// Config is what a Service is made of. All fields must be set.
type Config struct {
	Address netip.Addr
	Place   Place
	Views   <-chan chord.View
	Hold    func(held bool) // tells who serves at the address
	Log     *slog.Logger
}

// Service is the loop round a Holder.
type Service struct {
	cfg     Config
	holder  *Holder
	held    bool
	failing bool // said already
}

func New(cfg Config) *Service {
	return &Service{cfg: cfg, holder: NewHolder(Key(cfg.Address))}
}

// Run has the address while the ring says so, until ctx is cancelled.
func (s *Service) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Stop()
		if next := s.holder.Next(); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			s.step(Stop{})
			return nil
		case v := <-s.cfg.Views:
			s.step(Ring{v})
		case <-timer.C:
			s.step(Tick{})
		}
	}
}

func (s *Service) step(ev Event) {
	for _, a := range s.holder.Step(time.Now(), ev) {
		if err := s.do(a); err != nil {
			if !s.failing {
				s.cfg.Log.Warn("floating address", "action", a, "err", err)
			}
			s.failing = true
			if a == Take || a == Keep {
				s.step(Failed{}) // which comes to Release at most
				return
			}
		}
	}
}

func (s *Service) do(a Action) error {
	switch a {
	case Take:
		if err := s.cfg.Place.Put(lifetime); err != nil {
			return err
		}
		s.held, s.failing = true, false
		s.cfg.Log.Info("floating address taken", "address", s.cfg.Address)
		s.cfg.Hold(true)
	case Keep:
		return s.cfg.Place.Put(lifetime)
	case Announce:
		return s.cfg.Place.Announce()
	case Release:
		if !s.held { // it could not be taken
			return nil
		}
		s.held = false
		s.cfg.Hold(false)
		s.cfg.Log.Info("floating address released", "address", s.cfg.Address)
		return s.cfg.Place.Remove()
	}
	return nil
}
