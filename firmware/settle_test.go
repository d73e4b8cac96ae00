package firmware

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"chordophone/firmware/tone"
	"chordophone/hal"
	"chordophone/hal/haltest"
	"chordophone/overlay"
	"chordophone/overlay/discover"
	"chordophone/overlay/identity"
)

// A new telephone on its keypad: it shows who is there, a wrong code is said, the right
// one makes it a member once the handset is back.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member, err := identity.Found("acme", 107)
		if err != nil {
			t.Fatal(err)
		}
		tones, err := tone.New("eu", hal.Rate)
		if err != nil {
			t.Fatal(err)
		}
		panel, log := haltest.NewPanel(), slog.New(slog.DiscardHandler)
		var tried []string
		s := &settling{
			panel: panel, voice: newVoice(haltest.NewAudio(), tones, log), log: log,
			look: func(context.Context) ([]discover.Office, error) {
				return []discover.Office{{Name: "acme", Open: make([]overlay.Peer, 1)}}, nil
			},
			join: func(_ context.Context, code string) (*identity.Identity, []overlay.Peer, error) {
				if tried = append(tried, code); code != "482913" {
					return nil, nil, fmt.Errorf("there: %w", identity.ErrWrongCode)
				}
				return member, make([]overlay.Peer, 1), nil
			},
		}
		shows := func(want string) {
			t.Helper()
			synctest.Wait()
			all := panel.Take()
			if !slices.ContainsFunc(all, func(n hal.Notice) bool {
				l, ok := n.(hal.Lines)
				return ok && strings.Contains(strings.Join(l.Lines, "|"), want)
			}) {
				t.Errorf("%v, want %q", all, want)
			}
		}
		done := make(chan outcome, 1)
		go func() {
			id, via, err := s.run(t.Context())
			done <- outcome{id, via, err}
		}()
		shows("acme waits")
		panel.Lift()
		shows("*73# there")
		if panel.Picture()[hal.LampLine] != hal.On {
			t.Error("the lamp is not lit")
		}
		panel.Press("111111#")
		shows("wrong code")
		panel.Replace()
		panel.Lift()
		panel.Press("482913#")
		shows("107 of acme")
		select {
		case <-done:
			t.Fatal("over with the handset off")
		default:
		}
		panel.Replace()
		if o := <-done; o.err != nil || o.id != member || len(o.via) != 1 {
			t.Errorf("%+v", o)
		}
		if !slices.Equal(tried, []string{"111111", "482913"}) {
			t.Errorf("tried %q", tried)
		}
	})
}

// Without anybody a keypad founds an office; and the program can be ended before.
func TestSettleAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tones, err := tone.New("eu", hal.Rate)
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		alone := func() (*settling, *haltest.Panel) {
			panel := haltest.NewPanel()
			return &settling{
				panel: panel, voice: newVoice(haltest.NewAudio(), tones, log), log: log,
				found: func() (*identity.Identity, error) { return identity.Found(newOffice, 0) },
			}, panel
		}
		s, panel := alone()
		panel.Lift()
		panel.Press("*72#")
		panel.Replace()
		if id, via, err := s.run(t.Context()); err != nil || id.Office() != newOffice || !id.Founder() || via != nil {
			t.Errorf("%v, %v, %v", id, via, err)
		}
		s, panel = alone()
		panel.Close()
		if _, _, err := s.run(t.Context()); err != errQuit {
			t.Errorf("%v, want %v", err, errQuit)
		}
		s, _ = alone()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.run(ctx); err != context.Canceled {
			t.Errorf("%v", err)
		}
	})
}
