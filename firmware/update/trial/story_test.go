package trial

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
	"chordophone/tools/story"
)

// TestStories plays testdata/*.txt. A story is a sentence and lines of
//
//	boot PARTITION [trial] selected PARTITION version VERSION   with the memory it had
//	forget                          the data partition is lost
//	begin VERSION [from VERSION] [product PRODUCT] [person]
//	written | unwritten
//	try | busy | free | good | bad
//	fails ACTION                    the last action of that word fails, once
//	    ACTION                      what came of it
//
// A release is known by its version. The product is "arm64".
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 12, tell)
}

func tell(t *testing.T, text string) string {
	var (
		b    strings.Builder
		m    *Machine
		disk Memory
		fail string
	)
	step := func(ev Event) {
		do := m.Step(ev)
		for i := 0; i < len(do); i++ {
			fmt.Fprintf(&b, "\t%v\n", do[i])
			if word, _, _ := strings.Cut(fmt.Sprint(do[i]), " "); word == fail {
				fmt.Fprintln(&b, "\t... fails")
				fail = ""
				do, i = m.Step(Trouble{do[i], errors.New("the card is dead")}), -1
				continue
			}
			if r, ok := do[i].(Remember); ok {
				disk = r.Memory
			}
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		fmt.Fprintln(&b, line)
		if i == 0 {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		args := make(map[string]string)
		words := strings.Fields(rest)
		for i, w := range words {
			args[w] = ""
			if i+1 < len(words) {
				args[w] = words[i+1]
			}
		}
		has := func(w string) bool { _, ok := args[w]; return ok }
		switch word {
		case "boot":
			m = New("arm64", release.VersionOf(args["version"]))
			var running, selected int
			fmt.Sscan(words[0], &running)
			fmt.Sscan(args["selected"], &selected)
			step(Start{Running: running, OnTrial: has("trial"), Selected: selected, Memory: disk})
		case "forget":
			disk = Memory{}
			continue
		case "begin":
			v := release.VersionOf(words[0])
			product := "arm64"
			if has("product") {
				product = args["product"]
			}
			step(Begin{
				Release:  idOf(v),
				Manifest: &release.Manifest{Product: product, Version: v, From: release.VersionOf(args["from"])},
				Person:   has("person"),
			})
		case "written":
			step(Written{})
		case "unwritten":
			step(Written{errors.New("the stream ended")})
		case "try":
			step(Try{health.Report{Joined: true}})
		case "busy", "free":
			step(Calls{word == "busy"})
		case "good":
			step(Verdict{health.Good, ""})
		case "bad":
			step(Verdict{health.Bad, "not registered"})
		case "fails":
			fail = words[0]
			continue
		default:
			t.Fatalf("no event: %s", line)
		}
		fmt.Fprintf(&b, "\t= %v\n", m.Phase())
	}
	return b.String()
}

func idOf(v release.Version) (id release.ID) {
	for i, n := range v {
		id[i] = byte(n)
	}
	id[31] = 1
	return id
}
