package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chordophone/tools/built"
)

// program is the binary under test: what users run, built anew.
var program string

func TestMain(m *testing.M) {
	os.Exit(built.Run(m, "chordophone/firmware/cmd/chordophone", &program))
}

// The main job: what `make demo` plays, with the same binary.
func TestDemo(t *testing.T) {
	var out bytes.Buffer
	err := Run(t.Context(), Options{Program: program, Phones: 4, Out: t.TempDir(), Stdout: &out})
	if err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
}

// fleet starts phones for one test on addresses of its own.
type fleet struct {
	t   *testing.T
	out string
	net int // third octet of the addresses
}

func newFleet(t *testing.T, net int) *fleet {
	return &fleet{t: t, out: t.TempDir(), net: net}
}

func (f *fleet) address(i int) string { return fmt.Sprintf("127.0.%d.%d", f.net, i) }

func (f *fleet) start(i int, args ...string) *phone {
	f.t.Helper()
	name := fmt.Sprint(100 + i)
	p, err := start(program, f.out, name, f.address(i), "none", "none", args...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(p.kill)
	return p
}

func (f *fleet) ready(p *phone) event {
	f.t.Helper()
	e, err := p.expect(f.t.Context(), "ready", 10*time.Second, func(e event) bool { return e.Event == "ready" })
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// calls has one phone ring another, and hangs up.
func (f *fleet) calls(from, to *phone, number string) {
	f.t.Helper()
	s := &script{timeline: timeline{w: new(bytes.Buffer), began: time.Now()}}
	name := to.name
	to.name = number
	defer func() { to.name = name }()
	if err := s.connect(f.t.Context(), from, to); err != nil {
		f.t.Fatal(err)
	}
	if _, err := s.hangUp(f.t.Context(), from, to); err != nil {
		f.t.Fatal(err)
	}
}

// reaches dials a number until it rings: phones that were all switched on at once
// have to become one ring again first.
func (f *fleet) reaches(from, to *phone, number string) {
	f.t.Helper()
	for deadline := time.Now().Add(soon); ; {
		from.do("off")
		from.do("keys " + number + "#")
		e, err := from.expect(f.t.Context(), "an answer of the network", soon, func(e event) bool {
			return ended(number)(e) || tone("ringback")(e)
		})
		if err != nil {
			f.t.Fatal(err)
		}
		from.do("on")
		if e.Event == "tone" {
			if _, err := from.expect(f.t.Context(), "end of the call", soon, ended(number)); err != nil {
				f.t.Fatal(err)
			}
			if _, err := to.expect(f.t.Context(), "end of ringing", soon, silent); err != nil {
				f.t.Fatal(err)
			}
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s is still not reached: %d %s", number, e.Status, e.Cause)
		}
	}
}

// The office can be joined through any phone, also when its founder is off; and
// everybody comes back with the number they had, in whatever order, even when all
// were off.
func TestOfficeOutlivesItsPhones(t *testing.T) {
	f := newFleet(t, 31)
	one := f.start(1, "--found", "office", "--pairing-code", "111111")
	f.ready(one)
	two := f.start(2, "--join", "111111", "--peer", f.address(1), "--pairing-code", "222222")
	f.ready(two)
	one.kill()
	three := f.start(3, "--join", "222222", "--peer", f.address(2))
	if e := f.ready(three); e.Ext != "103" {
		t.Errorf("the third phone, enrolled while the founder is off, is %s", e.Ext)
	}
	f.calls(three, two, "102")

	two.kill()
	three.kill()
	began := time.Now()
	three = f.start(3)
	two = f.start(2)
	one = f.start(1)
	for want, p := range map[string]*phone{"101": one, "102": two, "103": three} {
		if e := f.ready(p); e.Ext != want || e.Office != "office" {
			t.Errorf("after the power cut phone %s is %s of %s", want, e.Ext, e.Office)
		}
	}
	t.Logf("all ready %v after the power came back", time.Since(began))
	f.reaches(one, three, "103")
	f.calls(one, three, "103")
	f.calls(three, one, "101")
	for _, p := range []*phone{one, two, three} {
		if code, err := p.stop(soon); code != 0 || err != nil {
			t.Errorf("phone %s left with %d, %v", p.name, code, err)
		}
	}
}

// Somebody who is off cannot be reached (480), a number that nobody has does not
// exist (404), and who is called while he calls is busy.
func TestCallsThatFail(t *testing.T) {
	f := newFleet(t, 32)
	one := f.start(1, "--found", "office", "--pairing-code", "111111")
	f.ready(one)
	two := f.start(2, "--join", "111111", "--peer", f.address(1))
	f.ready(two)
	if code, err := two.stop(soon); code != 0 || err != nil {
		t.Fatalf("phone 102 left with %d, %v", code, err)
	}
	for number, want := range map[string]int{"102": 480, "777": 404} {
		one.do("off")
		one.do("keys " + number + "#")
		e, err := one.expect(t.Context(), "end of the call", soon, ended(number))
		if err != nil {
			t.Fatal(err)
		}
		if e.Status != want {
			t.Errorf("calling %s: %d %s, want %d", number, e.Status, e.Cause, want)
		}
		if _, err := one.expect(t.Context(), "congestion tone", soon, tone("congestion")); err != nil {
			t.Error(err)
		}
		f.rests(one)
	}

	two = f.start(2)
	f.ready(two)
	two.do("off") // dial tone: not on the hook
	if _, err := two.expect(t.Context(), "dial tone", soon, tone("dial")); err != nil {
		t.Fatal(err)
	}
	one.do("off")
	one.do("keys 102#")
	if _, err := one.expect(t.Context(), "busy tone", soon, tone("busy")); err != nil {
		t.Error(err)
	}
	f.rests(one)
	f.rests(two)

	// A caller who gives up stops the ringing.
	one.do("off")
	one.do("keys 102#")
	if _, err := two.expect(t.Context(), "ringing", soon, rings); err != nil {
		t.Fatal(err)
	}
	one.do("on")
	if _, err := two.expect(t.Context(), "end of ringing", soon, silent); err != nil {
		t.Error(err)
	}
}

// Three wrong codes close enrolment; the right one then does not help.
func TestWrongCodes(t *testing.T) {
	f := newFleet(t, 33)
	one := f.start(1, "--found", "office", "--pairing-code", "111111")
	f.ready(one)
	for try := range 3 {
		if code, text := f.fails(2, "--join", "222222", "--peer", f.address(1)); code != 1 || !strings.Contains(text, "wrong pairing code") {
			t.Errorf("try %d ended with %d: %s", try+1, code, text)
		}
	}
	if code, text := f.fails(2, "--join", "111111", "--peer", f.address(1)); code != 1 || !strings.Contains(text, "enrolment is closed") {
		t.Errorf("the right code after three wrong ones ended with %d: %s", code, text)
	}
}

// fails runs a phone that must end by itself, and returns its exit code and the
// line it says why in.
func (f *fleet) fails(i int, args ...string) (int, string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 15*time.Second)
	defer cancel()
	args = append([]string{"run", "--data", filepath.Join(f.out, fmt.Sprint(100+i)), "--listen", f.address(i),
		"--board", "pipe", "--no-discovery", "--log-level", "error"}, args...)
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		f.t.Fatalf("%v did not end by itself\n%s", args, &stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		f.t.Fatal(err)
	}
	text := strings.TrimSpace(stderr.String())
	if strings.Count(text, "\n") > 0 {
		f.t.Errorf("%v: more than one line: %s", args, text)
	}
	if !strings.Contains(text, "hint: ") && cmd.ProcessState.ExitCode() != 2 {
		f.t.Errorf("%v: no hint: %s", args, text)
	}
	return cmd.ProcessState.ExitCode(), text
}

// What cannot work ends with one line that says why, and changes nothing.
func TestBadBeginnings(t *testing.T) {
	f := newFleet(t, 34)
	dir := filepath.Join(f.out, "101")
	check := func(what string, want int, says string, args ...string) {
		t.Helper()
		if code, text := f.fails(1, args...); code != want || !strings.Contains(text, says) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", what, code, want, says, text)
		}
	}
	check("nothing to do", 125, "no identity")
	check("no phone there", 1, "no phone answers", "--join", "111111", "--peer", f.address(9))
	check("nobody named", 1, "--peer", "--join", "111111")
	check("office name", 2, "found", "--found", "Smith & Sons")
	check("unknown flag", 2, "flag", "--fuond", "office")

	// Busy ports: of the overlay, then of SIP.
	for _, port := range []string{"6084", "5061"} {
		l, err := net.Listen("tcp", net.JoinHostPort(f.address(1), port))
		if err != nil {
			t.Fatal(err)
		}
		check("port "+port+" is taken", 1, port, "--found", "office")
		l.Close()
	}

	// The same directory twice.
	one := f.start(1)
	f.ready(one)
	check("directory in use", 1, "another", "--found", "office")
	one.stop(soon)

	// A damaged identity, and a file that is not ours.
	for name, says := range map[string]string{"identity.pem": "identity file is damaged", "chordophone.db": "not a database of chordophone"} {
		file := filepath.Join(dir, name)
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		foreign := []byte("something else of mine\n")
		if err := os.WriteFile(file, foreign, 0o600); err != nil {
			t.Fatal(err)
		}
		check("foreign "+name, 125, says, "--found", "other")
		if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, foreign) {
			t.Errorf("%s was changed", name)
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if e := f.ready(f.start(1)); e.Ext != "101" {
		t.Errorf("with its files back it is %s", e.Ext)
	}
}

// What the phone keeps is for nobody else's eyes.
func TestFileModes(t *testing.T) {
	f := newFleet(t, 35)
	f.ready(f.start(1, "--found", "office"))
	err := filepath.WalkDir(filepath.Join(f.out, "101"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestVersion(t *testing.T) {
	out, err := exec.Command(program, "version", "--json").Output()
	var v struct{ Version, Go, OS, Arch string }
	if err != nil || json.Unmarshal(out, &v) != nil || v.Version == "" || !strings.HasPrefix(v.Go, "go") {
		t.Errorf("version --json: %s, %v", out, err)
	}
}
