package floating

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/tools/story"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestStories plays testdata/*.txt. A story is a sentence and lines of
//
//	TIME ring 20 after 10   this node is at 20 (hexadecimal) of the circle, its predecessor at 10
//	TIME ring 20 after 10 before 30
//	TIME ring 20 alone      there is no other
//	TIME ring 20 unknown    there are others, but no predecessor is known
//	TIME ring 20 outside    it has not joined
//	TIME failed | stop | nothing
//	    TIME ACTION         what came of it, now or until the next line
//
// The address is at 18.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 7, tell)
}

func tell(t *testing.T, text string) string {
	h := NewHolder(point("18"))
	step := func(now time.Time, ev Event) []string { return story.Lines(h.Step(now, ev)) }
	return story.Tell(t, text, epoch, story.Machine{
		Next: h.Next,
		Tick: func(now time.Time) []string { return step(now, Tick{}) },
		Line: func(now time.Time, text string) []string {
			words := strings.Fields(text)
			switch words[0] {
			case "ring":
				return step(now, Ring{view(words[1:])})
			case "failed":
				return step(now, Failed{})
			case "stop":
				return step(now, Stop{})
			case "nothing":
				return nil
			}
			t.Fatalf("no event: %s", text)
			return nil
		},
	})
}

func view(words []string) chord.View {
	v := chord.View{Self: overlay.Peer{ID: point(words[0])}, Joined: true}
	other := []overlay.Peer{{ID: point("f0")}}
	switch words[1] {
	case "after":
		v.Pred, v.Succ = overlay.Peer{ID: point(words[2])}, other
		if len(words) > 4 {
			v.Succ = []overlay.Peer{{ID: point(words[4])}}
		}
	case "unknown":
		v.Succ = other
	case "outside":
		v.Joined = false
	}
	return v
}

func point(s string) (x overlay.ID) {
	hex.Decode(x[:], []byte(s))
	return x
}

// A node is responsible for (predecessor, self]. RFC 6940, section 10
func TestOwns(t *testing.T) {
	for _, tc := range []struct {
		pred, self, key string
		want            bool
	}{
		{"10", "20", "18", true},
		{"10", "20", "20", true},
		{"10", "20", "10", false},
		{"10", "20", "21", false},
		{"f0", "20", "10", true},
		{"f0", "20", "f8", true},
		{"f0", "20", "30", false},
	} {
		owner, known := owns(view([]string{tc.self, "after", tc.pred}), point(tc.key))
		if !known || owner != tc.want {
			t.Errorf("(%s, %s] has %s: %v", tc.pred, tc.self, tc.key, owner)
		}
	}
}

// Whoever is asked agrees on where an address is.
func TestKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.250":  overlay.ResourceID("floating:192.0.2.250").String(),
		"2001:db8::fa": overlay.ResourceID("floating:2001:db8::fa").String(),
	} {
		if got := Key(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s is at %s; want %s", address, got, want)
		}
	}
}

// Of any ring exactly one node holds what is at a point, and however its views
// change one that is not the owner holds nothing.
func TestOneHolder(t *testing.T) {
	ids := []string{"08", "18", "30", "77", "a0", "fe"}
	for _, key := range []string{"00", "08", "09", "18", "31", "90", "fe", "ff"} {
		holders := 0
		for i, self := range ids {
			h := NewHolder(point(key))
			h.Step(epoch, Ring{view([]string{self, "after", ids[(i+len(ids)-1)%len(ids)]})})
			for _, a := range h.Step(epoch.Add(settle), Tick{}) {
				if a == Take {
					holders++
				}
			}
		}
		if holders != 1 {
			t.Errorf("%d nodes hold %s", holders, key)
		}
	}
}
