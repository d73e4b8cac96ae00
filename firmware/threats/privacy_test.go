package threats

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// T13: strangers who watch others, 1,000 times, are told nothing. What is kept for
// somebody who is away cannot be read on any telephone's disk.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, 12, foundArgs("office", "alice", "bob")...)
	q := start(t, dir, 13, "--join", "314159", "--peer", p.ip)
	alice := p.udp(50, 0, "alice").register()
	var strangers []*agent
	for i := range 40 {
		a := p.udp(100+i, 0, "bob")
		a.password = []string{"", "guess"}[i%2]
		strangers = append(strangers, a)
	}
	events := []string{"presence", "dialog", "message-summary", "office-state", "reg"}
	targets := []string{"alice", "bob", "101", "102", "999", "contacts+alice"}
	const tries = 1000
	statuses, told := map[int]int{}, 0
	began := time.Now()
	for n := range tries {
		a := strangers[n%len(strangers)]
		a.call = fmt.Sprintf("watch-%d", n)
		uri := "sip:" + targets[n%len(targets)] + "@office"
		a.request("SUBSCRIBE", uri, "<"+uri+">", "Event: "+events[n%len(events)]+"\nExpires: 600\n", "")
		m, ok := a.final(soon)
		if ok && m.status() == 401 && a.password != "" {
			a.request("SUBSCRIBE", uri, "<"+uri+">", a.credentials(m, "SUBSCRIBE", uri)+"\nEvent: "+events[n%len(events)]+"\nExpires: 600\n", "")
			m, _ = a.final(soon)
		}
		statuses[m.status()]++
		pace(began, n, 400)
	}
	p.do("off") // something to be told of
	time.Sleep(time.Second)
	p.do("on")
	for _, a := range strangers {
		for {
			m, ok := a.receive(20 * time.Millisecond)
			if !ok {
				break
			}
			if strings.HasPrefix(m.start, "NOTIFY ") {
				told++
			}
		}
	}
	t.Logf("%d tries to watch, answers %v; notifications %d", tries, statuses, told)
	if told != 0 || statuses[200]+statuses[202] != 0 {
		t.Error("strangers are told")
	}
	// The control: alice is told.
	if m := alice.ask("SUBSCRIBE", "sip:101@office", "<sip:101@office>", "Event: presence\nExpires: 600", ""); m.status()/100 != 2 {
		t.Errorf("alice: %s", m.start)
	}
	for {
		m, ok := alice.receive(soon)
		if !ok {
			t.Fatal("alice is not told: the meter does not move")
		}
		if strings.HasPrefix(m.start, "NOTIFY ") {
			alice.respond(m, "200 OK", "", "")
			break
		}
	}

	const secret = "the-merger-is-on-friday"
	for _, to := range []string{"bob", "101", "102"} {
		alice.call = "secret-" + to
		uri := "sip:" + to + "@office"
		if m := alice.ask("MESSAGE", uri, "<"+uri+">", "Content-Type: text/plain", secret); m.status() != 202 {
			t.Errorf("MESSAGE to %s: %s", to, m.start)
		}
	}
	time.Sleep(time.Second)
	p.stop()
	q.stop()
	readable, control, files := 0, 0, 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		readable += bytes.Count(data, []byte(secret))
		control += bytes.Count(data, []byte(alice.local)) // her contact, which is no secret
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files: the messages are readable %d times, what is no secret %d times", files, readable, control)
	if readable != 0 || control == 0 {
		t.Errorf("readable %d, control %d", readable, control)
	}
}
