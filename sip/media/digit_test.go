package media

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestDigitPackets(t *testing.T) {
	var d digitSender
	d.push('5')
	d.push('#')
	var got []string
	type seen struct {
		start    uint32
		duration int
		end      bool
		marker   bool
	}
	var keys [2][]seen
	n := -1
	for f := range uint32(30) {
		p, start, marker, ok := d.frame(1000+f*frameTicks, 1)
		if !ok {
			continue
		}
		if marker {
			n++
		}
		keys[n] = append(keys[n], seen{start, int(p[2])<<8 | int(p[3]), p[1]&eventEnd != 0, marker})
		if want := []byte{5, 11}[n]; p[0] != want {
			t.Fatalf("event %d, want %d", p[0], want)
		}
	}
	var fast digitSender
	fast.push('1')
	if p, _, _, _ := fast.frame(0, 6); int(p[2])<<8|int(p[3]) != 6*frameTicks {
		t.Errorf("with a clock of 48 kHz the first frame lasts %v", p)
	}
	for i, k := range keys {
		if len(k) != digitFrames+digitRepeats-1 {
			t.Fatalf("key %d has %d packets: %v", i, len(k), got)
		}
		for j, s := range k {
			// "the event timestamp ... the duration is measured from it": section 2.3.1 on;
			// all packets of an event have its beginning as timestamp.
			if s.start != k[0].start || s.duration != min(j+1, digitFrames)*frameTicks || s.end != (j >= digitFrames-1) || s.marker != (j == 0) {
				t.Errorf("key %d packet %d: %+v", i, j, s)
			}
		}
	}
	if keys[1][0].start-keys[0][0].start < (digitFrames+digitRepeats)*frameTicks {
		t.Error("keys run into each other")
	}
}

func TestDigitReceive(t *testing.T) {
	var d digitReceiver
	for _, p := range []struct {
		ts      uint32
		payload []byte
		want    rune
	}{
		{100, []byte{1, 10, 0, 160}, '1'},
		{100, []byte{1, 10, 1, 64}, 0},
		{100, []byte{1, 0x8A, 3, 32}, 0},
		{100, []byte{1, 0x8A, 3, 32}, 0},
		{2000, []byte{1, 0x8A, 3, 32}, '1'}, // the same key again, all but its end lost
		{100, []byte{1, 0x8A, 3, 32}, 0},    // an old packet, reordered
		{4000, []byte{11, 10, 0, 160}, '#'},
		{4000, []byte{11, 10, 0xFF, 0xFF}, 0},          // held beyond what a duration can say
		{4000 + 0xFFFF, []byte{11, 10, 0, 160}, 0},     // goes on in a new segment
		{4000 + 0xFFFF, []byte{11, 0x8A, 0, 160}, 0},   // and ends
		{4000 + 2*0xFFFF, []byte{16, 10, 0, 160}, 0},   // flash hook: not a key
		{4000 + 2*0xFFFF, []byte{11, 10, 0}, 0},        // cut short
		{4000 + 3*0xFFFF, []byte{11, 10, 0, 160}, '#'}, // pressed again
	} {
		got, ok := d.packet(p.ts, p.payload)
		if ok != (p.want != 0) || got != p.want {
			t.Errorf("timestamp %d, %v: key %q, want %q", p.ts, p.payload, got, p.want)
		}
	}
}

// TestTenThousandKeys presses keys over a link that loses a tenth of the packets at random
// and delays them out of order by up to 40 ms: not one is wrong, missing or doubled.
func TestTenThousandKeys(t *testing.T) {
	var in digitReceiver
	var out digitSender
	rng := rand.New(rand.NewPCG(10, 4))
	type flying struct {
		at      int // ms
		ts      uint32
		payload [eventLen]byte
	}
	var air []flying
	var pressed, got []byte
	const keys = 10000
	for ms := 0; len(pressed) < keys || out.busy() || len(air) > 0; ms++ {
		if ms%20 == 0 {
			if len(pressed) < keys && out.n == 0 {
				k := keypad[rng.IntN(len(keypad))]
				out.push(rune(k))
				pressed = append(pressed, k)
			}
			if p, start, _, ok := out.frame(uint32(ms*8), 1); ok && rng.Float64() >= 0.1 {
				air = append(air, flying{ms + rng.IntN(40), start, p})
			}
		}
		rest := air[:0]
		for _, f := range air {
			if f.at > ms {
				rest = append(rest, f)
			} else if k, ok := in.packet(f.ts, f.payload[:]); ok {
				got = append(got, byte(k))
			}
		}
		air = rest
	}
	if string(got) != string(pressed) {
		wrong := 0
		for i := range min(len(got), len(pressed)) {
			if got[i] != pressed[i] {
				wrong++
			}
		}
		t.Errorf("%d keys of %d arrive, %d in the wrong place", len(got), len(pressed), wrong)
	}
}

func TestDigits(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(3, 3))
		n.path = func(netip.AddrPort, netip.AddrPort, []byte) []time.Duration {
			if rng.Float64() < 0.1 {
				return nil
			}
			return []time.Duration{time.Duration(rng.IntN(30)) * time.Millisecond}
		}
		keys := "0123456789*#ABCDd5550"
		for _, k := range keys {
			if !a.SendDigit(k) {
				t.Fatalf("key %c refused", k)
			}
		}
		if a.SendDigit('x') {
			t.Error("key x taken")
		}
		var got []rune
		silence := speech(10*time.Second, 8)
		talk(a, b, silence)
		for len(b.Digits()) > 0 {
			got = append(got, <-b.Digits())
		}
		if string(got) != strings.ToUpper(keys) {
			t.Errorf("sent %s, got %s", keys, string(got))
		}
	})
}
