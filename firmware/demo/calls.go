package demo

import (
	"context"
	"fmt"
	"time"

	"chordophone/hal"
	"chordophone/hal/wav"
)

// soon is how long anything that should happen at once may take before the demo
// calls it missing.
const soon = 20 * time.Second

// is makes the usual conditions to expect.
func tone(name string) func(event) bool {
	return func(e event) bool { return e.Event == "tone" && e.Tone == name }
}

func state(name string) func(event) bool {
	return func(e event) bool { return e.Event == "call" && e.State == name }
}

func ended(peer string) func(event) bool {
	return func(e event) bool { return e.Event == "call" && e.State == "ended" && e.Peer == peer }
}

func rings(e event) bool  { return e.Event == "ring" && e.On }
func silent(e event) bool { return e.Event == "ring" && !e.On }

// dial lifts the handset and types number. It returns when the last key was
// pressed.
func (s *script) dial(ctx context.Context, p *phone, number string) (time.Time, error) {
	if _, err := p.do("off"); err != nil {
		return time.Time{}, err
	}
	heard, err := p.expect(ctx, "dial tone", soon, tone("dial"))
	if err != nil {
		return time.Time{}, err
	}
	s.say(heard.at, p.name, "lifts, hears dial tone, dials %s", number)
	return p.do("keys " + number + "#")
}

// connect has from call to, and to answer. It measures what people wait for.
func (s *script) connect(ctx context.Context, from, to *phone) error {
	dialled, err := s.dial(ctx, from, to.name)
	if err != nil {
		return err
	}
	back, err := from.expect(ctx, "ringback tone", soon, tone("ringback"))
	if err != nil {
		return err
	}
	ring, err := to.expect(ctx, "ringing", soon, rings)
	if err != nil {
		return err
	}
	s.say(ring.at, to.name, "rings: call from %s", ring.From)
	s.say(back.at, from.name, "hears ringback: post-dial delay %v", ms(back.at.Sub(dialled)))
	if err := s.check(ring.From == from.name, "%s sees the caller's number: %s", to.name, ring.From); err != nil {
		return err
	}
	lifted, err := to.do("off")
	if err != nil {
		return err
	}
	there, err := to.expect(ctx, "connection", soon, state("connected"))
	if err != nil {
		return err
	}
	here, err := from.expect(ctx, "connection", soon, state("connected"))
	if err != nil {
		return err
	}
	s.say(here.at, from.name, "connected: %v after %s answered", ms(here.at.Sub(lifted)), to.name)
	if err := s.check(here.Peer == to.name, "%s sees the callee's number: %s", from.name, here.Peer); err != nil {
		return err
	}
	return s.check(there.Peer == from.name, "%s talks to %s", to.name, there.Peer)
}

// hangUp ends the call of p with far, both handsets back on the hook, and
// returns how it sounded at far.
func (s *script) hangUp(ctx context.Context, p, far *phone) (event, error) {
	hung, err := p.do("on")
	if err != nil {
		return event{}, err
	}
	if _, err := p.expect(ctx, "end of the call", soon, ended(far.name)); err != nil {
		return event{}, err
	}
	over, err := far.expect(ctx, "end of the call", soon, ended(p.name))
	if err != nil {
		return event{}, err
	}
	s.say(over.at, p.name, "hangs up; %s knows %v later", far.name, ms(over.at.Sub(hung)))
	return over, far.rest(ctx)
}

// talk is the first call: a spoken sentence, and somebody who finds the line
// busy.
func (s *script) talk(ctx context.Context) error {
	a, b, c := s.phones[0], s.phones[1], s.phones[2]
	if err := s.connect(ctx, a, b); err != nil {
		return err
	}
	// On a busy machine the sound of a telephone without a sound card stands still at times.
	spoken := time.After(length(s.said) + 1500*time.Millisecond)

	if _, err := s.dial(ctx, c, a.name); err != nil {
		return err
	}
	refused, err := c.expect(ctx, "end of the attempt", soon, ended(a.name))
	if err != nil {
		return err
	}
	busy, err := c.expect(ctx, "busy tone", soon, tone("busy"))
	if err != nil {
		return err
	}
	s.say(busy.at, c.name, "hears busy tone")
	if err := s.check(refused.Status == 486, "%s was told: %d %s", c.name, refused.Status, refused.Cause); err != nil {
		return err
	}
	if err := c.rest(ctx); err != nil {
		return err
	}

	select {
	case <-spoken:
	case <-ctx.Done():
		return ctx.Err()
	}
	over, err := s.hangUp(ctx, a, b)
	if err != nil {
		return err
	}
	return s.heard(ctx, b, over)
}

// heard verifies that what 101 said came out of p's earpiece.
func (s *script) heard(ctx context.Context, p *phone, over event) error {
	if over.Sound == nil {
		return fmt.Errorf("phone %s does not say how the call sounded", p.name)
	}
	sound := over.Sound
	s.say(over.at, p.name, "%s: %d packets, %d lost, %d late, %d frames concealed, jitter %.2f ms",
		sound.Codec, sound.Received, sound.Lost, sound.Late, sound.Concealed, sound.JitterMS)
	if err := s.check(sound.Received > 0 && sound.Lost == 0, "no packet was lost between %s and %s", s.phones[0].name, p.name); err != nil {
		return err
	}
	got, err := recorded(ctx, p.ear, length(s.said))
	if err != nil {
		return err
	}
	like, at := Likeness(s.said, got)
	return s.check(like >= 0.9, "%s heard the sentence: likeness %.3f, %.2f s into %s",
		p.name, like, float64(at)/hal.Rate, p.ear)
}

// recorded reads a recording once it is as long as it should be: the phone
// completes the file when the handset is back, a moment after it says so.
func recorded(ctx context.Context, path string, atLeast time.Duration) ([]int16, error) {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	for {
		sound, err := wav.ReadFile(path)
		if pcm := sound.At(hal.Rate); err != nil || length(pcm) >= atLeast {
			return pcm, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s has no %v of sound", path, atLeast)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lose pulls the plug of the phone that founded the office.
func (s *script) lose(ctx context.Context) error {
	dead := s.phones[0]
	pulled := time.Now()
	dead.kill()
	s.say(time.Now(), dead.name, "is killed (SIGKILL)")
	if err := s.connect(ctx, s.phones[2], s.phones[1]); err != nil {
		return err
	}
	s.say(time.Now(), s.phones[2].name, "talks to %s %v after %s died", s.phones[1].name, ms(time.Since(pulled)), dead.name)
	_, err := s.hangUp(ctx, s.phones[2], s.phones[1])
	return err
}

// leave ends the others.
func (s *script) leave(context.Context) error {
	for _, p := range s.phones[1:] {
		asked := time.Now()
		code, err := p.stop(soon)
		if err != nil {
			return err
		}
		s.say(time.Now(), p.name, "left after %v", ms(time.Since(asked)))
		if err := s.check(code == 0, "%s ended with exit code %d", p.name, code); err != nil {
			return err
		}
	}
	return nil
}
