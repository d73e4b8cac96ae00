package floating

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// place is an interface that notes what is done to it.
type place struct {
	began time.Time
	mu    sync.Mutex // guards the rest
	said  []string
	fails error
}

func (p *place) note(format string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, fmt.Sprintf("%v ", time.Since(p.began))+fmt.Sprintf(format, args...))
	return p.fails
}

func (p *place) Put(d time.Duration) error { return p.note("put %v", d) }
func (p *place) Remove() error             { return p.note("remove") }
func (p *place) Announce() error           { return p.note("announce") }

// take returns what was noted since the last time, and sets what happens next.
func (p *place) take(fails error) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := strings.Join(p.said, ", ")
	p.said, p.fails = nil, fails
	return out
}

// book is a log that is written and read by two goroutines.
type book struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{began: time.Now()}
		views := make(chan chord.View, 1)
		var log book
		s := New(Config{
			Address: netip.MustParseAddr("192.0.2.250"), Place: p, Views: views,
			Hold: func(held bool) { p.note("hold %v", held) },
			Log:  slog.New(slog.NewTextHandler(&log, nil)),
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		check := func(want string, fails error) {
			t.Helper()
			synctest.Wait()
			if got := p.take(fails); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
		views <- chord.View{Joined: true, Self: overlay.Peer{ID: Key(netip.MustParseAddr("192.0.2.250"))}}
		time.Sleep(3100 * time.Millisecond)
		check("1s put 6s, 1s hold true, 1s announce, 1.5s announce, 2s announce, 3s put 6s", errors.New("no carrier"))

		// What fails is said once, given up, and tried again.
		time.Sleep(15 * time.Second)
		check("5s put 6s, 5s hold false, 5s remove, 10s put 6s, 15s put 6s", nil)
		if n := strings.Count(log.String(), "no carrier"); n != 1 {
			t.Errorf("said %d times:\n%s", n, &log)
		}
		time.Sleep(2 * time.Second)
		check("20s put 6s, 20s hold true, 20s announce", nil)

		views <- chord.View{}
		check("20.1s hold false, 20.1s remove", nil)
		views <- chord.View{Joined: true}
		time.Sleep(time.Second)
		check("21.1s put 6s, 21.1s hold true, 21.1s announce", nil)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		check("21.1s hold false, 21.1s remove", nil)
	})
}

// The address itself is checked before anything is changed.
func TestOpenRefuses(t *testing.T) {
	own := netip.MustParseAddr("127.0.0.1")
	for _, address := range []string{"127.0.0.1/8", "224.0.0.1/24", "0.0.0.0/24", "255.255.255.255/24", "fe80::1/64", "ff02::1/64", "::/64"} {
		_, err := Open(netip.MustParsePrefix(address), own)
		var h interface{ Hint() string }
		if !errors.As(err, &h) || h.Hint() == "" {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := Open(netip.MustParsePrefix("192.0.2.250/24"), netip.MustParseAddr("198.51.100.1")); err == nil || !strings.Contains(err.Error(), "no interface") {
		t.Error(err)
	}
}
