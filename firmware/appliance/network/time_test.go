package network

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beevik/ntp"
)

// ntpEra is where time begins for NTP. RFC 5905, section 6
var ntpEra = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// put writes a time in the format of NTP.
func put(b []byte, t time.Time) {
	d := t.Sub(ntpEra.AddDate(50, 0, 0)) // a Duration takes no 130 years
	seconds := uint64(d/time.Second) + uint64(ntpEra.AddDate(50, 0, 0).Unix()-ntpEra.Unix())
	binary.BigEndian.PutUint32(b, uint32(seconds))
	binary.BigEndian.PutUint32(b[4:], uint32(uint64(d%time.Second)<<32/uint64(time.Second)))
}

// answer is what a server in order says when it is asked.
func answer(question []byte, at time.Time) []byte {
	b := make([]byte, 48)
	b[0], b[1], b[3] = 4<<3|4, 2, 0xec // no leap second, version 4, server; stratum 2
	b[7] = 66                          // root delay: a millisecond
	copy(b[12:], "TEST")
	put(b[16:], at.Add(-time.Minute))
	copy(b[24:], question[40:48])
	put(b[32:], at)
	put(b[40:], at)
	return b
}

// bench is a timekeeper with servers of all kinds, and a machine's clock that is wrong.
type bench struct {
	*timekeeper
	off     time.Duration // of the machine's clock
	servers map[string]func(question []byte, at time.Time) []byte
	began   time.Time
	said    []string // what was asked and done
	trusted int
}

func newBench(t *testing.T, off time.Duration) *bench {
	b := &bench{off: off, servers: map[string]func([]byte, time.Time) []byte{}, began: time.Now()}
	tell := func(format string, args ...any) {
		b.said = append(b.said, fmt.Sprintf("%v ", time.Since(b.began).Round(time.Second))+fmt.Sprintf(format, args...))
	}
	now := func() time.Time { return time.Now().Add(b.off) }
	b.timekeeper = &timekeeper{
		now: now,
		set: func(to time.Time) error {
			by := to.Sub(now())
			b.off += by
			tell("set by %v", by.Round(time.Second))
			return nil
		},
		trust: func(within time.Duration) error {
			if within <= 0 || within > time.Second {
				t.Errorf("within %v", within)
			}
			b.trusted++
			return nil
		},
		query: ntp.QueryOptions{Timeout: clockAnswer, GetSystemTime: now, Dialer: func(_, far string) (net.Conn, error) {
			name, _, err := net.SplitHostPort(far)
			if err != nil {
				t.Error(err)
			}
			tell("%s", name)
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				q := make([]byte, 512)
				n, err := there.Read(q)
				if err != nil || n < 48 {
					return
				}
				if a := b.servers[name](q[:n], time.Now()); a != nil {
					there.Write(a)
				}
				there.Read(q) // until it hangs up
			}()
			return here, nil
		}},
	}
	return b
}

// play asks the servers named for a while.
func (b *bench) play(t *testing.T, d time.Duration, names ...string) {
	t.Helper()
	b.said = nil
	b.began = time.Now()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	if err := b.run(ctx, func() []string { return names }); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

func (b *bench) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(b.said, lines) {
		t.Errorf("got  %q\nwant %q", b.said, lines)
	}
}

// change is a server that answers otherwise.
func change(how func(a []byte)) func([]byte, time.Time) []byte {
	return func(q []byte, at time.Time) []byte {
		a := answer(q, at)
		how(a)
		return a
	}
}

// in2031 is how far the clock of a bubble, which begins in 2000, is from a time that can be.
const in2031 = 31 * 365 * 24 * time.Hour

func good(off time.Duration) func([]byte, time.Time) []byte {
	return func(q []byte, at time.Time) []byte { return answer(q, at.Add(in2031+off)) }
}

// A clock that is late is set at once, one that is early the third time, and a server
// that has vanished or says nonsense changes nothing.
func TestTimekeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, in2031-10*365*24*time.Hour)
		b.servers["a"] = good(0)
		b.servers["b"] = func([]byte, time.Time) []byte { t.Error("asked"); return nil }
		b.play(t, 59*time.Minute, "a", "b")
		b.want(t, "0s a", "0s set by 87600h0m0s", "30m0s a")
		if off := b.off - in2031; off > time.Second || off < -time.Second || b.trusted != 2 {
			t.Errorf("off by %v, trusted %d times", off, b.trusted)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, in2031+time.Hour)
		b.servers["a"] = good(0)
		b.play(t, time.Minute, "a")
		b.want(t, "0s a", "15s a", "30s a", "30s set by -1h0m0s")
		if b.trusted != 1 {
			t.Errorf("trusted %d times", b.trusted)
		}
		b.play(t, 2*time.Hour) // without a network
		b.want(t)
		b.servers["a"] = func([]byte, time.Time) []byte { return nil } // vanished
		b.play(t, time.Hour+time.Minute, "a")
		b.want(t, "0s a", "20s a", "55s a", "2m0s a", "4m5s a", "8m10s a", "16m15s a", "32m20s a")
		before := b.trusted
		b.servers["a"] = good(time.Minute) // back, and this clock was slow meanwhile
		b.play(t, 30*time.Minute, "a")
		if off := b.off - in2031; off < 59*time.Second || off > 61*time.Second || b.trusted != before+1 {
			t.Errorf("off by %v; %q, trusted %d times", off, b.said, b.trusted)
		}
	})
}

// What a server may say that is no time, and what then is done: the next one is asked.
func TestLyingServers(t *testing.T) {
	for _, tc := range []struct {
		what  string
		lie   func([]byte, time.Time) []byte
		again bool // it is asked again
	}{
		{"nothing", func([]byte, time.Time) []byte { return nil }, true},
		{"a few octets", func([]byte, time.Time) []byte { return make([]byte, 47) }, true},
		{"only zeroes", func([]byte, time.Time) []byte { return make([]byte, 48) }, true},
		{"the answer to another question", change(func(a []byte) { a[31]++ }), true},
		{"stratum 16", change(func(a []byte) { a[1] = 16 }), true},
		{"that it is not synchronised", change(func(a []byte) { a[0] |= 3 << 6 }), true},
		{"that it is a client", change(func(a []byte) { a[0] = 4<<3 | 3 }), true},
		{"a time before it was set itself", change(func(a []byte) { put(a[16:], time.Now().Add(in2031)) }), true},
		{"that it may be wrong by an hour", change(func(a []byte) { a[8], a[9] = 0x0e, 0x10 }), true},
		{"that it is 2000", answer, true},
		{"RATE", change(func(a []byte) { a[1] = 0; copy(a[12:], "RATE") }), true},
		{"DENY", change(func(a []byte) { a[1] = 0; copy(a[12:], "DENY") }), false},
		{"RSTR", change(func(a []byte) { a[1] = 0; copy(a[12:], "RSTR") }), false},
		{"DENY to another question", change(func(a []byte) { a[1] = 0; copy(a[12:], "DENY"); a[31]++ }), true},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, in2031-time.Hour)
			b.servers["liar"], b.servers["good"] = tc.lie, good(0)
			b.play(t, 45*time.Minute, "liar", "good")
			asked, set := 0, 0
			for _, s := range b.said {
				switch s[len(s)-4:] {
				case "liar":
					asked++
				case "0m0s":
					set++
				}
			}
			if off := b.off - in2031; off > time.Second || off < -time.Second || set != 1 || asked > 1 != tc.again || asked > 3 {
				t.Errorf("says %s: off by %v; %q", tc.what, off, b.said)
			}
		})
	}
}
