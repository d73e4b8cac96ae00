package linklocal

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/firmware/appliance/network/arp"
	"chordophone/tools/story"
)

var (
	epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	own   = arp.Hardware{2, 0, 0, 0, 0, 1}
	other = arp.Hardware{2, 0, 0, 0, 0, 2}
)

// TestStories plays testdata/*.txt. A story is a sentence and lines of
//
//	TIME up | down | routable | unroutable | nothing
//	TIME has NAME     somebody else says that it has this address
//	TIME wants NAME   somebody else probes for it
//	TIME own NAME     we hear what we said ourselves
//	    TIME VERB NAME   what came of it, now or until the next line
//
// Addresses are called A, B, C in the order in which they are tried.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 8, tell)
}

func tell(t *testing.T, text string) string {
	m := New(own)
	var names []netip.Addr
	name := func(a netip.Addr) string {
		for len(names) == 0 || names[len(names)-1] != a {
			if len(names) == 26 {
				return a.String()
			}
			for i, n := range names {
				if n == a {
					return string(rune('A' + i))
				}
			}
			names = append(names, a)
		}
		return string(rune('A' + len(names) - 1))
	}
	step := func(now time.Time, ev Event) (did []string) {
		for _, a := range m.Step(now, ev) {
			did = append(did, fmt.Sprintf("%s %s", a.Verb, name(a.Address)))
		}
		return did
	}
	return story.Tell(t, text, epoch, story.Machine{
		Next: m.Next,
		Tick: func(now time.Time) []string { return step(now, Tick{}) },
		Line: func(now time.Time, text string) []string {
			words := strings.Fields(text)
			var address netip.Addr
			if len(words) > 1 {
				address = m.address // not tried yet
				if i := int(words[1][0] - 'A'); i < len(names) {
					address = names[i]
				}
			}
			switch words[0] {
			case "up":
				return step(now, Up{})
			case "down":
				return step(now, Down{})
			case "routable", "unroutable":
				return step(now, Routable{words[0] == "routable"})
			case "has":
				return step(now, Heard{arp.Announcement(other, address)})
			case "wants":
				return step(now, Heard{arp.Probe(other, address)})
			case "own":
				return append(step(now, Heard{arp.Probe(own, address)}), step(now, Heard{arp.Announcement(own, address)})...)
			case "nothing":
				return nil
			}
			t.Fatalf("no event: %s", text)
			return nil
		},
	})
}

// "The address range ... MUST NOT" hold the first and the last 256; a machine tries the
// same ones whenever it starts, and another one others. RFC 3927, section 2.1
func TestPick(t *testing.T) {
	m, same, another := New(own), New(own), New(other)
	differ := 0
	for range 100_000 {
		a := m.pick()
		if a.Compare(netip.MustParseAddr("169.254.1.0")) < 0 || a.Compare(netip.MustParseAddr("169.254.254.255")) > 0 {
			t.Fatal(a)
		}
		if a != same.pick() {
			t.Fatal("not the same")
		}
		if a != another.pick() {
			differ++
		}
	}
	if differ < 99_000 {
		t.Errorf("%d differ", differ)
	}
}
