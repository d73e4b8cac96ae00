package media

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chordophone/tools/story"
)

var verdicts = map[Verdict]string{Accepted: "accepted", Late: "late", Duplicate: "duplicate", Misfit: "misfit"}

// TestStories plays the files of testdata/jitter: each line is a time, what happens
// (put SEQ TIMESTAMP, copy SEQ TIMESTAMP, or get) and what comes of it.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/jitter/*.txt", 9, func(t *testing.T, text string) string {
		var b Buffer
		var out strings.Builder
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if line == "" || strings.HasPrefix(line, "#") {
				fmt.Fprintln(&out, line)
				continue
			}
			do, _, _ := strings.Cut(line, " = ")
			fmt.Fprintf(&out, "%s = %s\n", do, play(t, &b, do))
		}
		return out.String()
	})
}

var epoch = time.Unix(1e9, 0)

// packet is a payload of 20 ms that names its timestamp.
func packet(ts uint32) []byte {
	p := make([]byte, frameTicks)
	binary.BigEndian.PutUint32(p, ts)
	return p
}

// whole is a packet of 20 ms.
func whole(seq uint16, ts uint32, payload []byte) Packet {
	return Packet{Seq: seq, TS: ts, Ticks: frameTicks, Payload: payload}
}

func play(t *testing.T, b *Buffer, do string) string {
	f := strings.Fields(do)
	at, err := time.ParseDuration(f[0])
	if err != nil {
		t.Fatal(err)
	}
	now := epoch.Add(at)
	if f[1] == "get" {
		p, _ := b.Get(now)
		b.Mark(now, Frame, 0)
		if p == nil {
			return "nothing"
		}
		return fmt.Sprint(binary.BigEndian.Uint32(p))
	}
	var seq uint16
	var ts uint32
	if _, err := fmt.Sscan(f[2], &seq); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(f[3], &ts); err != nil {
		t.Fatal(err)
	}
	p := whole(seq, ts, packet(ts))
	p.Copy = f[1] == "copy"
	return verdicts[b.Put(now, p)]
}

// TestNothingTwiceNothingBackwards: whatever arrives, in whatever order, sound that
// was played is not played again and never runs backwards, and memory stays bounded.
// The stream's timestamps wrap on the way.
func TestNothingTwiceNothingBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Buffer
		base := rapid.Uint32().Draw(t, "base")
		now := epoch
		var last uint32
		some := false
		for range rapid.IntRange(10, 150).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 15).Draw(t, "ms")) * time.Millisecond)
			if rapid.Bool().Draw(t, "put") {
				// Around the place where the sender is now.
				n := int(now.Sub(epoch)/Frame) - rapid.IntRange(0, 8).Draw(t, "behind")
				if n < 0 {
					continue
				}
				ts := base + uint32(n)*frameTicks
				b.Put(now, whole(uint16(n), ts, packet(ts)))
				continue
			}
			p, _ := b.Get(now)
			b.Mark(now, Frame, 0)
			if p == nil {
				continue
			}
			ts := binary.BigEndian.Uint32(p)
			if some && int32(ts-last) <= 0 {
				t.Fatalf("played %d after %d", ts-base, last-base)
			}
			last, some = ts, true
		}
		if d := b.Delay(); d > 2*time.Second {
			t.Fatalf("delay %v", d)
		}
	})
}

// TestSteadyStreamIsWhole: jitter below the wait of the first packet loses nothing
// and costs no more delay than it takes.
func TestSteadyStreamIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Buffer
		ts := rapid.Uint32().Draw(t, "ts")
		seq := rapid.Uint16().Draw(t, "seq")
		phase := time.Duration(rapid.IntRange(0, 19).Draw(t, "phase")) * time.Millisecond
		jitter := rapid.SliceOfN(rapid.IntRange(0, 5), 100, 100).Draw(t, "jitter")
		played, missing := 0, 0
		for i := range 100 {
			sent := epoch.Add(time.Duration(i) * Frame)
			arrive := sent.Add(time.Duration(jitter[i]) * time.Millisecond)
			get := sent.Add(phase)
			put := func() { b.Put(arrive, whole(seq+uint16(i), ts+uint32(i)*frameTicks, packet(uint32(i)))) }
			if arrive.Before(get) {
				put()
			}
			if p, _ := b.Get(get); p != nil {
				if got := int(binary.BigEndian.Uint32(p)); got != played {
					t.Fatalf("played %d, want %d", got, played)
				}
				played++
			} else if b.Started() {
				missing++
			}
			b.Mark(get, Frame, 0)
			if !arrive.Before(get) {
				put()
			}
		}
		if played < 96 || missing > 2 || b.Delay() > 60*time.Millisecond {
			t.Fatalf("played %d of 100, %d missing, delay %v", played, missing, b.Delay())
		}
	})
}

// TestMisfits: what no buffer should take.
func TestMisfits(t *testing.T) {
	for _, p := range []Packet{
		{Ticks: 0, Payload: []byte{1}}, {Ticks: -1, Payload: []byte{1}}, {Ticks: maxTicks + 1, Payload: []byte{1}},
		{Ticks: 160, Payload: make([]byte, maxPayload+1)}, {Ticks: 160, Payload: []byte{1}, Copy: true},
	} {
		var b Buffer
		if v := b.Put(epoch, p); v != Misfit || b.started {
			t.Errorf("%d ticks, %d bytes, copy %v: %s", p.Ticks, len(p.Payload), p.Copy, verdicts[v])
		}
	}
}
