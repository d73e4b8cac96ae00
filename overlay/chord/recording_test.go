package chord

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
)

// recordStory is a recording of a node that has a ring of its own and stores,
// reads and looks up something there.
func recordStory() Recording {
	cfg := LAN()
	cfg.Mesh, cfg.Round = 4, 300*time.Millisecond
	r := Recording{
		Self:   overlay.Peer{ID: overlay.ID{0x10}, Addr: netip.MustParseAddrPort("192.0.2.1:6084")},
		Seed:   [2]uint64{1, ^uint64(0)},
		Config: cfg,
		Begin:  time.Date(2026, 3, 1, 9, 0, 0, 123456789, time.UTC),
	}
	n := New(r.Self, cfg, rand.New(rand.NewPCG(r.Seed[0], r.Seed[1])))
	at := time.Duration(0)
	step := func(ev Event) {
		r.Steps = append(r.Steps, RecordedStep{at, ev, slices.Clone(n.Step(r.Begin.Add(at), ev))})
	}
	step(Start{Known: []overlay.Peer{{Addr: netip.MustParseAddrPort("192.0.2.2:6084")}}})
	for range 20 {
		at = n.Next().Sub(r.Begin)
		step(Tick{})
	}
	step(Put{1, overlay.Record{Resource: overlay.ID{0x20}, Kind: 7, Key: []byte{0xff}, Lifetime: time.Second, Owner: r.Self.ID}})
	step(Get{2, overlay.ID{0x20}, []overlay.Kind{7}})
	step(Find{3, overlay.ID{0x30}})
	for range 20 {
		at = n.Next().Sub(r.Begin)
		step(Tick{})
	}
	return r
}

func recordingText(t *testing.T, r Recording) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A recording comes back from its text, and played again gives the same.
func TestRecording(t *testing.T) {
	r := recordStory()
	text := recordingText(t, r)
	back, err := ReadRecording(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if back.Config != r.Config || back.Self != r.Self || back.Seed != r.Seed || !back.Begin.Equal(r.Begin) {
		t.Errorf("the header came back as %+v", back)
	}
	again, err := back.Replay()
	if err != nil {
		t.Fatal(err)
	}
	if got := recordingText(t, again); got != text {
		t.Errorf("played again:\n%s\nwant\n%s", got, text)
	}

	// The seed matters, or nothing of the above says anything.
	back.Seed[0]++
	again, err = back.Replay()
	back.Seed[0]--
	again.Seed = back.Seed
	if err != nil || recordingText(t, again) == text {
		t.Errorf("another seed gives the same, %v", err)
	}

	back.Skipped = 12
	if _, err := back.Replay(); !errors.Is(err, ErrText) || !strings.Contains(err.Error(), "first 12 events are missing") {
		t.Errorf("without its beginning: %v", err)
	}
}

// What was cut off anywhere, but for the actions of the last event, is refused;
// and so is what was garbled.
func TestRecordingRefuses(t *testing.T) {
	text := recordingText(t, recordStory())
	last := len(text) // where the last event begins
	for lines := strings.SplitAfter(text, "\n"); ; lines = lines[:len(lines)-1] {
		line := lines[len(lines)-1]
		last -= len(line)
		if line != "" && line[0] != '\t' {
			break
		}
	}
	for n := 0; n < last; n += 7 {
		if _, err := ReadRecording(strings.NewReader(text[:n])); !errors.Is(err, ErrText) {
			t.Fatalf("the first %d of %d octets: %v", n, len(text), err)
		}
	}
	lines := strings.Split(text, "\n")
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "empty"},
		{"a story of a telephone", "A phone rings.\n\n0s tick\n", "line 1"},
		{"an action first", lines[0] + "\n\tleft\n", "line 2: "},
		{"no time", lines[0] + "\n\nsoon tick\n", `"soon" is no time`},
		{"backwards", lines[0] + "\n\n2s tick\n1s tick\n", "line 4: "},
		{"unknown event", lines[0] + "\n\n2s explode\n", `"explode"`},
		{"unknown field", lines[0] + "\n\n2s lost {\"Pear\":\"\"}\n", "Pear"},
		{"unknown preset", strings.Replace(lines[0], `"LAN"`, `"WAN"`, 1) + "\n", "WAN"},
		{"impossible setting", strings.Replace(lines[0], `"Mesh":4`, `"Mesh":-4`, 1) + "\n", "Mesh is -4"},
		{"unknown setting", strings.Replace(lines[0], `"Mesh"`, `"Mess"`, 1) + "\n", "Mess"},
	} {
		_, err := ReadRecording(strings.NewReader(c.text))
		if !errors.Is(err, ErrText) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
