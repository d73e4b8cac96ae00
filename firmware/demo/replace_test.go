package demo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// long is how long what has to go round the office may take on a busy machine.
const long = 60 * time.Second

// await repeats what is to become true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(long); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: no %s", long, what)
		}
	}
}

// writer is a SIP client that the phones trust, at an address of its own.
type writer struct {
	t    *testing.T
	conn *net.UDPConn
	n    int
}

func newWriter(t *testing.T, address string) *writer {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &writer{t, conn, 0}
}

// write sends a text by way of the phone at an address, until the office has it.
func (w *writer) write(through, to, text string) {
	w.t.Helper()
	w.n++
	local := w.conn.LocalAddr().String()
	request := fmt.Sprintf("MESSAGE sip:%s@office SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKw%d;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:anna@office>;tag=w%[3]d\r\nTo: <sip:%[1]s@office>\r\nCall-ID: w%[3]d@%[2]s\r\nCSeq: 1 MESSAGE\r\n"+
		"Content-Type: text/plain\r\nContent-Length: %[4]d\r\n\r\n%[5]s", to, local, w.n, len(text), text)
	phone := &net.UDPAddr{IP: net.ParseIP(through), Port: 5060}
	buf := make([]byte, 4000)
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); {
		w.conn.WriteToUDP([]byte(request), phone) // again and again: RFC 3261, section 17.1.2.2
		w.conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		for {
			n, _, err := w.conn.ReadFromUDP(buf)
			if err != nil {
				break
			}
			answer := string(buf[:n])
			if !strings.Contains(answer, fmt.Sprintf("z9hG4bKw%d;", w.n)) || answer[8] == '1' {
				continue
			}
			if !strings.HasPrefix(answer, "SIP/2.0 202 ") {
				w.t.Fatalf("MESSAGE through %s: %s", through, answer)
			}
			return
		}
	}
	w.t.Fatalf("MESSAGE through %s: no answer", through)
}

// place is the answer to enrol replace.
type place struct {
	Code, Extension, Replaces string
}

// replaces opens the office for one that takes the place of a dead phone, once the ring
// has noticed that it is dead.
func (a *admin) replaces(address, extension string) (p place) {
	a.t.Helper()
	await(a.t, "end of "+extension+" in the ring", func() bool {
		out, why, ok := a.try(address, "enrol replace "+extension+" --json")
		if ok {
			if err := json.Unmarshal([]byte(out), &p); err != nil {
				a.t.Fatal(out, err)
			}
		} else if !strings.Contains(why, "alive") {
			a.t.Fatal(why)
		}
		return ok
	})
	return p
}

type member struct {
	Node, Extension string
	Online, Revoked bool
}

// holder is the member with an extension as a phone sees it.
func (a *admin) holder(address, extension string) (found []member) {
	a.t.Helper()
	var all []member
	a.run(address, "members --json", &all)
	for _, m := range all {
		if m.Extension == extension && !m.Revoked {
			found = append(found, m)
		}
	}
	return found
}

// bodies are the messages that wait for the telephone at an address.
func (a *admin) bodies(address string) string {
	a.t.Helper()
	var list []struct{ Text string }
	a.run(address, "messages --json", &list)
	var texts []string
	for _, m := range list {
		texts = append(texts, m.Text)
	}
	return strings.Join(texts, "|")
}

// onKeys starts a new telephone that its owner makes a member with nothing but its
// keys, and ends it then. It returns what the telephone showed.
func (f *fleet) onKeys(i int, peer, code, until string) string {
	f.t.Helper()
	cmd := exec.Command(program, "run", "--data", filepath.Join(f.out, fmt.Sprint(100+i)), "--listen", f.address(i), "--board", "term",
		"--mic", "none", "--ear", "none", "--no-discovery", "--peer", peer)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(os.Environ(), "TERM=dumb")
	master, slave := terminal(f.t)
	defer master.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	err := cmd.Start()
	slave.Close()
	if err != nil {
		f.t.Fatal(err)
	}
	hang := time.AfterFunc(long, func() { cmd.Process.Kill() })
	defer hang.Stop()
	var shown strings.Builder
	lines, ended := bufio.NewScanner(master), false // until the last one closes the slave
	for lines.Scan() {
		line := lines.Text()
		fmt.Fprintln(&shown, line)
		switch {
		case strings.Contains(line, "lift to begin"):
			fmt.Fprintln(master, "off")
		case strings.Contains(line, "dial it here"):
			fmt.Fprintln(master, code+"#")
		case strings.Contains(line, until) && !ended:
			ended = true
			fmt.Fprintln(master, "on")
			fmt.Fprintln(master, "quit")
		}
	}
	cmd.Wait()
	if !ended {
		f.t.Fatalf("the new telephone never showed %q:\n%s", until, &shown)
	}
	return shown.String()
}

// terminal is a pseudo-terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// wrote reports whether a line of the phone's log matches.
func (p *phone) wrote(pattern string) bool {
	text, err := os.ReadFile(p.log.Name())
	return err == nil && regexp.MustCompile(pattern).Match(text)
}

// A telephone dies for good, and another takes its place: one step at any living phone,
// and the code on the new one. It has the extension, the contacts and the messages; the
// old one, when it comes back after all, is shut out and says so.
func TestReplacedPhone(t *testing.T) {
	f, a := newFleet(t, 38), newAdmin(t)
	for _, name := range []string{"101", "102", "103", "104"} {
		a.letIn(filepath.Join(f.out, name))
	}
	anna := newWriter(t, "127.0.38.200")
	trust := []string{"--trust", "127.0.38.200/32"}
	one := f.start(1, append(trust, "--found", "office", "--pairing-code", "111111")...)
	f.ready(one)
	two := f.start(2, append(trust, "--join", "111111", "--peer", f.address(1))...)
	f.ready(two)
	dead := f.start(3, append(trust, "--join", "111111", "--peer", f.address(1))...)
	f.ready(dead)
	f.calls(one, dead, "103")
	a.run(f.address(3), "contacts set 101 --name Reception --lamp 1", nil)
	anna.write(f.address(2), "103", "sent while it lived")
	anna.write(f.address(3), "103", "taken by itself")
	await(t, "messages", func() bool { return a.bodies(f.address(3)) == "sent while it lived|taken by itself" })

	// Who lives is not replaced: not on the console, nor on the keys.
	if out, why, ok := a.try(f.address(1), "enrol replace 103"); ok || !strings.Contains(why, "alive") || !strings.Contains(why, "hint: switch it off") {
		t.Errorf("a living telephone is replaced: %s%s", out, why)
	}
	two.do("off")
	two.do("keys *73*103#")
	if _, err := two.expect(t.Context(), "refusal", soon, shows("103 is alive")); err != nil {
		t.Error(err)
	}
	f.rests(two)

	// It seems to be dead, and is to be replaced; but it comes back before the new one
	// is there.
	dead.kill()
	anna.write(f.address(1), "103", "sent while it was dead")
	place := a.replaces(f.address(1), "103")
	old := a.holder(f.address(1), "103")
	if len(old) != 1 || old[0].Node != place.Replaces || place.Extension != "103" || old[0].Online {
		t.Errorf("%+v is to replace %+v", place, old)
	}
	dead = f.start(3)
	f.ready(dead)
	await(t, "return of 103", func() bool { now := a.holder(f.address(1), "103"); return len(now) == 1 && now[0].Online })
	f.onKeys(4, f.address(1), place.Code, "the old one is alive")
	f.calls(one, dead, "103")

	// It dies for good. A wrong code changes nothing.
	dead.kill()
	card := filepath.Join(f.out, "card")
	if err := os.Rename(dead.dir, card); err != nil {
		t.Fatal(err)
	}
	a.replaces(f.address(2), "103")
	a.run(f.address(2), "enrol close", nil)
	two.do("off")
	two.do("keys *73*103#")
	e, err := two.expect(t.Context(), "code", soon, shows("a new one for 103|done|code "))
	if err != nil {
		t.Fatal(err)
	}
	f.rests(two)
	code := strings.TrimPrefix(e.Lines[len(e.Lines)-1], "code ")
	f.onKeys(4, f.address(2), "0"+code, "wrong code")
	if now := a.holder(f.address(1), "103"); len(now) != 1 || now[0] != old[0] {
		t.Errorf("before the new one is in, 103 is %+v", now)
	}

	// The new one, with the code on its keys and no word of the extension. It is for one.
	f.onKeys(4, f.address(2), code, "this is | 103 of office")
	if status, text := f.fails(5, "--join", code, "--peer", f.address(2)); status != 1 || !strings.Contains(text, "enrolment is closed") {
		t.Errorf("a second one with the same code: %d, %s", status, text)
	}
	fresh := f.start(4, trust...)
	if e := f.ready(fresh); e.Ext != "103" || e.Node == place.Replaces {
		t.Errorf("the new one is %+v", e)
	}
	for _, at := range []string{f.address(1), f.address(2)} {
		await(t, "new 103", func() bool {
			now := a.holder(at, "103")
			return len(now) == 1 && now[0].Node != place.Replaces && now[0].Online
		})
	}
	for _, p := range []*phone{one, two} {
		f.calls(p, fresh, "103")
	}
	f.reaches(fresh, one, "101")
	var contacts []struct {
		Number, Name string
		Lamp         int
	}
	a.run(f.address(4), "contacts --json", &contacts)
	if len(contacts) != 1 || contacts[0].Number != "101" || contacts[0].Name != "Reception" || contacts[0].Lamp != 1 {
		t.Errorf("contacts of the new one: %+v", contacts)
	}
	// What others took from the sender is there; what it had taken itself is lost, and
	// it says so.
	await(t, "messages at the new one", func() bool { return a.bodies(f.address(4)) == "sent while it lived|sent while it was dead" })
	await(t, "word of the lost message", func() bool { return fresh.wrote(`level=WARN.*nobody can read any more: 1"`) })
	anna.write(f.address(2), "103", "for the new one")
	await(t, "a new message", func() bool { return strings.HasSuffix(a.bodies(f.address(4)), "|for the new one") })

	// The old one is found again and plugged in, with all that it had.
	if err := os.Rename(card, filepath.Join(f.out, "103")); err != nil {
		t.Fatal(err)
	}
	back := f.start(3)
	isBarred(t, back)
	var status struct{ Ready bool }
	await(t, "end of its being ready", func() bool { a.run(f.address(3), "status --json", &status); return !status.Ready })
	if !back.wrote(`level=ERROR.*shut out of the office`) {
		t.Error("its log does not say so")
	}
	f.calls(two, fresh, "103")
	for _, at := range []string{f.address(1), f.address(2), f.address(4)} {
		if now := a.holder(at, "103"); len(now) != 1 || now[0].Node == place.Replaces {
			t.Errorf("for the phone at %s 103 is %+v", at, now)
		}
	}
	await(t, "good audit", func() bool {
		out, _, ok := a.try(f.address(1), "audit --json")
		var audit struct{ Nodes int }
		return ok && json.Unmarshal([]byte(out), &audit) == nil && audit.Nodes == 3
	})
}

// isBarred holds a phone to saying that it was shut out of the office, and to calling
// nobody.
func isBarred(t *testing.T, p *phone) {
	t.Helper()
	if _, err := p.expect(t.Context(), "word that it is shut out", long, func(e event) bool {
		return e.Event == "error" && strings.Contains(e.Error, "shut out of the office") && e.Hint != ""
	}); err != nil {
		t.Fatal(err)
	}
	p.do("off")
	p.do("keys 101#")
	if _, err := p.expect(t.Context(), "refusal", soon, shows("not connected")); err != nil {
		t.Error(err)
	}
	p.do("on")
}

// again stops a phone and starts it with what it kept.
func (f *fleet) again(p *phone, args ...string) *phone {
	f.t.Helper()
	if code, err := p.stop(soon); code != 0 || err != nil {
		f.t.Errorf("phone %s left with %d, %v", p.name, code, err)
	}
	var i int
	fmt.Sscan(p.name, &i)
	return f.start(i-100, args...)
}

func shows(text string) func(event) bool {
	return func(e event) bool { return e.Event == "display" && strings.Contains(strings.Join(e.Lines, "|"), text) }
}

// The phone that founded the office is replaced like any other; a script joins with the
// code. An extension that nobody has can be given, too.
func TestReplacedFounder(t *testing.T) {
	f, a := newFleet(t, 39), newAdmin(t)
	a.letIn(filepath.Join(f.out, "102"))
	one := f.start(1, "--found", "office", "--pairing-code", "111111")
	f.ready(one)
	two := f.start(2, "--join", "111111", "--peer", f.address(1))
	f.ready(two)
	one.kill()
	code := a.replaces(f.address(2), "101").Code
	if status, text := f.fails(4, "--join", code, "--peer", f.address(2), "--extension", "104"); status != 1 || !strings.Contains(text, "for another extension") {
		t.Errorf("one that wants another extension: %d, %s", status, text)
	}
	fresh := f.start(4, "--join", code, "--peer", f.address(2), "--extension", "101")
	if e := f.ready(fresh); e.Ext != "101" {
		t.Errorf("the new one is %+v", e)
	}
	f.reaches(two, fresh, "101")
	f.reaches(fresh, two, "102")
	isBarred(t, f.start(1))

	code = a.replaces(f.address(2), "345").Code
	third := f.start(3, "--join", code, "--peer", f.address(2))
	if e := f.ready(third); e.Ext != "345" {
		t.Errorf("the third is %+v", e)
	}
	f.reaches(fresh, third, "345")
	for ext, why := range map[string]string{"102": "own extension", "0": "not an extension", "x": "not an extension"} {
		if out, text, ok := a.try(f.address(2), "enrol replace "+ext); ok || !strings.Contains(text, why) {
			t.Errorf("enrol replace %s: %s%s", ext, out, text)
		}
	}
}
