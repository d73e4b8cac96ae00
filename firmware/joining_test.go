package firmware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/appliance/beat"
	"chordophone/hal"
	"chordophone/hal/haltest"
	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// joiner is a telephone that tries, and when.
type joiner struct {
	joining
	panel *haltest.Panel
	said  *haltest.Log

	mu    sync.Mutex
	tries []time.Duration // since the beginning
}

func (j *joiner) tried() []time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.tries)
}

func newJoiner(answers func(n int) error) *joiner {
	j := &joiner{panel: haltest.NewPanel(), said: new(haltest.Log)}
	begin := time.Now()
	j.joining = joining{panel: j.panel, log: slog.New(slog.NewTextHandler(j.said, nil)),
		try: func(context.Context) (*identity.Identity, []overlay.Peer, error) {
			j.mu.Lock()
			j.tries = append(j.tries, time.Since(begin))
			n := len(j.tries)
			j.mu.Unlock()
			if err := answers(n); err != nil {
				return nil, nil, err
			}
			return new(identity.Identity), make([]overlay.Peer, 1), nil
		}}
	return j
}

// A telephone that nobody watches waits for its office for as long as it takes, ever more
// slowly, and says so on its display and once in the log.
func TestJoiningWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJoiner(func(n int) error {
			if n < 200 {
				return fmt.Errorf("asked: %w", hinted{errNoOffice, "is another phone on?"})
			}
			return nil
		})
		done := make(chan error, 1)
		go func() {
			id, via, err := j.run(t.Context(), errNoOffice)
			if id == nil || len(via) != 1 {
				err = errors.Join(err, errors.New("no identity"))
			}
			done <- err
		}()
		time.Sleep(time.Second)
		j.panel.Lift() // in vain, and does not stop it
		j.panel.Press("102#")
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(j.tried()); n < 60 || n > 70 {
			t.Errorf("%d tries in an hour", n)
		}
		want := []time.Duration{2, 6, 14, 30, 62, 122, 182}
		for i, s := range want {
			if j.tried()[i] != s*time.Second {
				t.Errorf("tried after %v, want %v", j.tried()[:len(want)], want)
				break
			}
		}
		shown := func(n hal.Notice) bool {
			l, ok := n.(hal.Lines)
			return ok && slices.Equal(l.Lines, []string{"new telephone", "no office in sight", "trying again"})
		}
		if !slices.ContainsFunc(j.panel.Take(), shown) || j.panel.Picture()[hal.LampLine] != hal.Blip {
			t.Error("nothing is shown")
		}
		if n := strings.Count(j.said.String(), "is another phone on?"); n != 1 {
			t.Errorf("said %d times: %s", n, j.said)
		}
		if err := <-done; err != nil || len(j.tried()) != 200 {
			t.Errorf("%v after %d tries", err, len(j.tried()))
		}
	})
}

// A closed door, a busy phone, a network that is not there yet: all may pass. A no does not, and is
// not asked for twice; the end of the program and of the panel end it.
func TestJoiningEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errors.New("network is unreachable"))}
		for _, err := range []error{errNoOffice, identity.ErrUnreachable, identity.ErrEnrolmentClosed, identity.ErrBusy, down} {
			if !passes(err) || turnedAway(err) {
				t.Errorf("%v does not pass", err)
			}
		}
		for _, no := range []error{identity.ErrWrongCode, identity.ErrTaken, identity.ErrAlive, identity.ErrReserved, errors.New("disk full"), identity.ErrDamaged} {
			j := newJoiner(func(n int) error { return no })
			if _, _, err := j.run(t.Context(), errNoOffice); !errors.Is(err, no) || len(j.tried()) != 1 {
				t.Errorf("%v after %d tries", err, len(j.tried()))
			}
			if _, _, err := j.run(t.Context(), no); !errors.Is(err, no) || len(j.tried()) != 1 {
				t.Errorf("%v at first: %v after %d tries", no, err, len(j.tried()))
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if _, _, err := newJoiner(func(int) error { return errNoOffice }).run(ctx, errNoOffice); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		j := newJoiner(func(int) error { return errNoOffice })
		j.panel.Close()
		if _, _, err := j.run(t.Context(), errNoOffice); !errors.Is(err, errQuit) {
			t.Errorf("%v", err)
		}
	})
}

// Whoever sits before it, or wrote the script, is told at once.
func TestUnattended(t *testing.T) {
	for board, want := range map[string]bool{"term": false, "pipe": false, "handset-4x4": true, "./my.board": true} {
		if unattended(board, nil) != want || !unattended(board, new(beat.Line)) {
			t.Errorf("%s: %t", board, !want)
		}
	}
}
