package node_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
)

func dump(t *testing.T, n *live) (string, chord.Recording) {
	t.Helper()
	var b bytes.Buffer
	if err := n.Dump(&b); err != nil {
		t.Fatal(err)
	}
	r, err := chord.ReadRecording(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), r
}

// What live nodes went through, records on disk, deaths and all, gives the same
// actions when it is played again from the text.
func TestDumpReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := new(nodetest.Store)
		if err := full.Apply([]overlay.Record{record("101", "of yesterday", 1), record("102", "damaged", 1)}, nil); err != nil {
			t.Fatal(err)
		}
		o := &office{t: t}
		o.start(0, full)
		time.Sleep(time.Second)
		o.start(1, new(nodetest.Store))
		o.start(2, new(nodetest.Store))
		time.Sleep(time.Second)
		o.put(o.nodes[1], record("103", "\x00\xff{\n", 1))
		for _, l := range o.nodes { // who is responsible for it needs no event to read it
			if got := o.get(l, "101"); got != "of yesterday" {
				t.Errorf("read %q", got)
			}
		}
		if _, _, err := o.nodes[2].Find(context.Background(), overlay.ResourceID("103")); err != nil {
			t.Error(err)
		}
		if _, err := o.nodes[2].Ask(context.Background(), o.nodes[1].self, chord.Stat{}); err != nil {
			t.Error(err)
		}
		o.nodes[1].kill()
		o.nodes[2].Heard([]overlay.Peer{o.nodes[1].self})
		time.Sleep(10 * time.Second)
		o.close()

		for i, l := range o.nodes {
			text, r := dump(t, l)
			if r.Skipped > 0 || len(r.Steps) < 20 {
				t.Errorf("node %d: %d events and %d skipped", i, len(r.Steps), r.Skipped)
			}
			again, err := r.Replay()
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := again.Write(&b); err != nil {
				t.Fatal(err)
			}
			was, is := strings.Split(text, "\n"), strings.Split(b.String(), "\n")
			for j := range min(len(was), len(is)) {
				if was[j] != is[j] {
					t.Fatalf("node %d, line %d:\nrecorded %s\nreplayed %s", i, j+1, was[j], is[j])
				}
			}
			if len(was) != len(is) {
				t.Errorf("node %d: %d lines, replayed %d", i, len(was), len(is))
			}
		}
		for _, word := range []string{"start ", "receive Ping", "receive Store", "send Stored", "save ", "put ", "get ", "find ", "ask ", "heard ", "lost ", "tick", "stop", "left", "got ", "kept ", "found ", "replied ", "ring "} {
			found := false
			for _, l := range o.nodes {
				text, _ := dump(t, l)
				found = found || strings.Contains(text, word)
			}
			if !found {
				t.Errorf("nobody has recorded %q", word)
			}
		}
	})
}

// A dump may be made at any time, by several at once, and by a client that goes
// away; the race detector sees to it that nothing is shared.
func TestDumpMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		o.grow(2)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range 20 {
					for _, l := range o.nodes {
						dump(t, l)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		for i := range 50 {
			o.put(o.nodes[i%2], record("103", strings.Repeat("x", i), uint32(i+1)))
			time.Sleep(4 * time.Millisecond)
		}
		wg.Wait()
		gone := &failing{after: 2}
		if err := o.nodes[0].Dump(gone); err != io.ErrClosedPipe || gone.after != -1 {
			t.Errorf("written to a client that has gone: %v, %d writes too many", err, -1-gone.after)
		}
	})
}

// failing is a writer that fails after some lines.
type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if !bytes.HasSuffix(b, []byte("\n")) || bytes.Count(b, []byte("\n")) != 1 {
		panic("not one line: " + string(b))
	}
	if f.after--; f.after < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

// Only the last thousand events are remembered, fewer when they are large.
func TestDumpIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		l := o.start(0, new(nodetest.Store))
		time.Sleep(time.Second)
		for range 1500 {
			l.Heard(nil)
		}
		synctest.Wait()
		text, r := dump(t, l)
		if len(r.Steps) != 1000 || r.Skipped < 500 {
			t.Errorf("%d events, %d skipped", len(r.Steps), r.Skipped)
		}
		if first, _, _ := strings.Cut(text, "{"); !strings.Contains(first, "the last 1000 events of ") {
			t.Errorf("the dump begins with %s", first)
		}
		before := r.Skipped + len(r.Steps)
		for range 100 {
			l.Heard(make([]overlay.Peer, 2000)) // 96,000 octets
		}
		synctest.Wait()
		_, r = dump(t, l)
		if len(r.Steps) > 50 || len(r.Steps) < 20 || r.Skipped+len(r.Steps) < before+100 {
			t.Errorf("%d large events, %d skipped", len(r.Steps), r.Skipped)
		}
		if _, err := r.Replay(); err == nil {
			t.Error("played without its beginning")
		}
	})
}

func TestSeedsDiffer(t *testing.T) {
	a, b := node.NewSeed(), node.NewSeed()
	if a == b || a[0] == a[1] {
		t.Errorf("seeds %x and %x", a, b)
	}
}
