package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
)

func replay(args []string, in string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

// recordNodes is what live nodes of a small office have recorded.
func recordNodes(t *testing.T) (dumps []string) {
	synctest.Test(t, func(t *testing.T) {
		var net nodetest.Net
		var nodes []*node.Node
		var ended []chan error
		ctx, cancel := context.WithCancel(context.Background())
		var known []overlay.Peer
		for i := range 3 {
			self := overlay.Peer{
				ID:   overlay.ResourceID(fmt.Sprint("node ", i)),
				Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), overlay.Port),
			}
			n := node.New(node.Config{
				Self: self, Chord: chord.LAN(), Known: known, Transport: net.Attach(self), Store: new(nodetest.Store),
				Verify: func(overlay.Record) error { return nil },
				Seed:   [2]uint64{uint64(i), 1},
				Log:    slog.New(slog.DiscardHandler),
			})
			known = append(known, overlay.Peer{Addr: self.Addr})
			done := make(chan error, 1)
			go func() { done <- n.Run(ctx) }()
			nodes, ended = append(nodes, n), append(ended, done)
			time.Sleep(time.Second)
		}
		r := overlay.Record{Resource: overlay.ResourceID("101"), Kind: overlay.SIPRegistration, Lifetime: time.Hour, Value: []byte("here")}
		if _, _, err := nodes[1].Put(ctx, r); err != nil {
			t.Error(err)
		}
		cancel()
		for i, n := range nodes {
			<-ended[i]
			var b bytes.Buffer
			if err := n.Dump(&b); err != nil {
				t.Error(err)
			}
			dumps = append(dumps, b.String())
		}
	})
	return dumps
}

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What phones have recorded gives the same, one by one and all in one file, and
// is printed as it was.
func TestSame(t *testing.T) {
	dumps := recordNodes(t)
	files, _ := filepath.Glob("testdata/*.txt")
	stories, _ := filepath.Glob("../../firmware/phone/testdata/*.txt")
	if len(files) < 3 || len(stories) < 15 {
		t.Fatalf("%d recordings, %d stories", len(files), len(stories))
	}
	for _, f := range append(files, stories...) {
		code, out, errs := replay([]string{f}, "")
		if code != same || strings.TrimSpace(out) != strings.TrimSpace(file(t, f)) {
			t.Errorf("%s: %d %s\n%s", f, code, errs, out)
		}
	}
	all := ""
	for i, d := range dumps {
		if code, out, errs := replay([]string{"-"}, d); code != same || out != d {
			t.Errorf("node %d: %d %s", i, code, errs)
		}
		all += d
	}
	for _, f := range files {
		all += file(t, f)
	}
	code, out, errs := replay([]string{"-"}, all)
	if code != same || out != all || strings.Count(errs, "the same comes of all") != len(dumps)+len(files) {
		t.Errorf("all in one: %d %s", code, errs)
	}
}

// One changed action is found, shown, and put right in the output.
func TestDiffers(t *testing.T) {
	phone := file(t, "testdata/telephone.txt")
	dump := recordNodes(t)[1]
	for _, c := range []struct{ name, text, old, new, want string }{
		{"telephone", phone, `reject "b" 486`, `reject "b" 480`, `event 14 of 25 differs: 16.049382583s offered "b" "103" ""`},
		{"an action too many", phone, "\tanswer \"a\"\n", "\tanswer \"a\"\n\thangup \"a\"\n", `hangup "a"`},
		{"an action too few", phone, "\tshow line=blip message=wink\n", "", "event 25 of 25"},
		{"ring", dump, `"TTL":32`, `"TTL":31`, `"TTL":31`},
		{"another seed", dump, `"Seed":[1,`, `"Seed":[2,`, "event 1 of "},
		{"a setting", dump, `"Differs":{}`, `"Differs":{"Round":60000000000}`, "differs: "},
	} {
		if !strings.Contains(c.text, c.old) {
			t.Fatalf("%s: nothing to change: %q", c.name, c.old)
		}
		text := strings.Replace(c.text, c.old, c.new, 1)
		code, out, errs := replay([]string{"-"}, text)
		if code != differs || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d %s", c.name, code, errs)
		}
		if strings.HasPrefix(c.name, "an action") && out != phone {
			t.Errorf("%s: the output is not what it should be:\n%s", c.name, out)
		}
	}
}

func TestUnreadable(t *testing.T) {
	phone := file(t, "testdata/telephone.txt")
	idle := file(t, "testdata/telephone-idle.txt")
	dump := recordNodes(t)[0]
	cut := func(text, at string) string { return text[:strings.Index(text, at)] }
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "neither a dump nor a story"},
		{"a sentence", "Hello.\n", "neither a dump nor a story"},
		{"something else", "{\n  \"a\": 1\n}\n", "line 2: "},
		{"octets", "\x00\xff\x00\n\xfe\n", "line 2: "},
		{"telephone, cut off", cut(phone, "29.6"), "was it cut off?"},
		{"telephone, cut in a line", cut(phone, `"103" ""`), "line "},
		{"its state missing", strings.Replace(idle, "\nstate ", "\n0s tick\nstate ", 1), "is missing"},
		{"its state garbled", strings.Replace(idle, `"Online"`, `"Onlime"`, 1), "Onlime"},
		{"its state impossible", strings.Replace(idle, `"Now"`, `"State":6,"Now"`, 1), "not a snapshot"},
		{"two states", strings.Replace(idle, "\nstate {", "\nstate {}\nstate {", 1), "after the first"},
		{"backwards", strings.Replace(phone, "29.629629384s on", "1s on", 1), "backwards"},
		{"an action first", strings.Replace(phone, "\n\n0s", "\n\n\tring off\n0s", 1), "no event caused"},
		{"an idle telephone that is asked to wait", "A story.\n\nnext tick\n", "waits for nothing"},
		{"ring, cut off", dump[:len(dump)*2/3], "recording in line 1"},
		{"ring, the beginning missing", strings.Replace(dump, `"Skipped":0`, `"Skipped":17`, 1), "first 17 events are missing"},
		{"ring, garbled, behind a good one", phone + strings.Replace(dump, `"Begin"`, `"Began"`, 1), "Began"},
	} {
		code, _, errs := replay([]string{"-"}, c.text)
		if code != unreadable || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d %s", c.name, code, errs)
		}
	}
	for _, args := range [][]string{nil, {"a", "b"}, {"--help"}, {filepath.Join(t.TempDir(), "missing")}} {
		if code, _, errs := replay(args, ""); code != unreadable || errs == "" {
			t.Errorf("%q: %d %s", args, code, errs)
		}
	}
}

// Whatever is in a file, replay ends and says something.
func FuzzReplay(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("A story.\n\n0s online \"1\" \"2\" \"3\"\nnext tick\n1s keys 102#\n")
	f.Add(chord.RecordingMark + `0 {"Config":"LAN","Steps":1}` + "\n\n0s tick\n")
	f.Fuzz(func(t *testing.T, text string) {
		if code, _, errs := replay([]string{"-"}, text); errs == "" || strings.Contains(errs, "panic") {
			t.Fatalf("%d %s", code, errs)
		}
	})
}
