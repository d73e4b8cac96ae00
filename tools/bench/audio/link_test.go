package audio

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Each link does what its name says, and the same again with the same seed.
func TestLinksDo(t *testing.T) {
	for _, l := range Links() {
		const n = 100000
		i, again := impair(l, 7), impair(l, 7)
		runs, before := 0, false
		var most, sum time.Duration
		for range n {
			late, lost := i.next()
			if late2, lost2 := again.next(); late != late2 || lost != lost2 {
				t.Fatalf("%s: another fate with the same seed", l.Name)
			}
			if lost && !before {
				runs++
			}
			before = lost
			most, sum = max(most, late), sum+late
		}
		share := float64(i.Lost) / n
		if math.Abs(share-l.Loss) > 0.01 || i.Packets != n {
			t.Errorf("%s: %.3f of %d packets lost, want %.2f", l.Name, share, i.Packets, l.Loss)
		}
		want := max(l.Burst, 1/(1-l.Loss))
		if length := float64(i.Lost) / float64(max(runs, 1)); l.Loss > 0 && math.Abs(length-want) > 0.15 {
			t.Errorf("%s: losses of %.2f packets, want %.2f", l.Name, length, want)
		}
		if most > l.Jitter || l.Jitter > 0 && (most < l.Jitter*99/100 || sum/n < l.Jitter*45/100 || sum/n > l.Jitter*55/100) {
			t.Errorf("%s: late by up to %v, %v in the mean", l.Name, most, sum/n)
		}
	}
}

// frame is an Ethernet frame with UDP in it.
func frame(from, to uint16) []byte {
	b := make([]byte, 14+20+8+4)
	b[12], b[13] = 0x08, 0x00
	b[14], b[23] = 0x45, 17
	b[34], b[35], b[36], b[37] = byte(from>>8), byte(from), byte(to>>8), byte(to)
	return b
}

func TestIsRTP(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want bool
	}{
		{frame(16384, 10000), true},
		{frame(16385, 10001), false}, // RTCP
		{frame(5060, 5060), false},
		{frame(16384, 5353), false},
		{frame(16384, 10000)[:41], false},
		{nil, false},
	} {
		if got := isRTP(c.b); got != c.want {
			t.Errorf("%x: %t", c.b, got)
		}
	}
	options := frame(0, 0)
	options[14] = 0x4F // a header longer than the frame
	if isRTP(options) {
		t.Error("a cut frame holds RTP")
	}
	tcp := frame(16384, 10000)
	tcp[23] = 6
	if isRTP(tcp) {
		t.Error("TCP is RTP")
	}
}

// Late frames come when they are due, though others were sent before them; what is not RTP
// comes at once; and a changed link tells what the one before has done.
func TestPump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var got []string
		var mu sync.Mutex // guards got
		p := newPump(func(b []byte) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, string(b[42:])+" "+time.Since(start).String())
		})
		done := make(chan struct{})
		ended := make(chan struct{})
		go func() { defer close(ended); p.run(done) }()
		send := func(from uint16, text string) {
			b := append(frame(from, 10000)[:42], text...)
			p.frame(b)
			clear(b) // it is the caller's again
		}
		send(16384, "clean")
		p.set(impair(Link{Jitter: 50 * time.Millisecond}, 3))
		for i := range 5 {
			send(16384, string(rune('a'+i)))
		}
		send(16385, "report")
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock() // nothing more will come
		if n := len(got); n != 7 || got[0] != "clean 0s" || got[1] != "report 0s" {
			t.Errorf("%q", got)
		}
		order := ""
		for _, g := range got[2:] {
			order += g[:1]
		}
		if order == "abcde" {
			t.Error("the order is kept")
		}
		if i := p.set(impair(Link{Loss: 1}, 1)); i.Packets != 5 || i.Lost != 0 {
			t.Errorf("%+v", i)
		}
		send(16384, "gone")
		if i := p.set(impair(Link{}, 1)); i.Packets != 1 || i.Lost != 1 || len(got) != 7 {
			t.Errorf("%+v, %q", i, got)
		}
		close(done)
		<-ended
	})
}
