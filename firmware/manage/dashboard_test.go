package manage

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"chordophone/firmware/dashboard"
)

func TestDashboard(t *testing.T) {
	phone := &fakePhone{stuck: make(chan string, 1)}
	c := start(t, phone)
	client := c.dial()
	k := sitAt(t, client, "xterm-256color", "", 80, 24)
	k.sees(dashboard.Open)
	k.shows("101@acme   Reception   ready")
	k.shows("[■101]")
	k.shows("◆ 102    ringing")
	k.types(":sta\t")
	k.shows(":status")
	k.types("\r")
	k.shows("uptime         3 d 4 h")
	k.types("\x1b") // alone: Escape
	k.shows("┌─ phones 4")
	k.types(":lookup slow\r")
	<-phone.stuck
	k.types("\x03")
	k.shows("lookup: interrupted")
	k.types("\x1b")
	k.shows("┌─ phones 4")
	k.screen.mu.Lock()
	k.screen.glass.Resize(120, 40)
	k.screen.mu.Unlock()
	if err := k.session.WindowChange(40, 120); err != nil {
		t.Fatal(err)
	}
	k.shows("└" + strings.Repeat("─", 118) + "┘\n the SD card")
	k.types(":enrol open\r")
	k.shows("314159")
	k.types("\r:shell\r")
	k.sees(dashboard.Close)
	k.sees("101@acme> ")
	k.types("version\r")
	k.sees("chordophone 1.2.3")
	k.types("\x04")
	if status := k.status(); status != 0 {
		t.Errorf("exit %d", status)
	}

	k = sitAt(t, client, "xterm", "", 80, 24)
	k.shows("101@acme")
	k.types("q")
	k.sees(dashboard.Close)
	if status := k.status(); status != 0 {
		t.Errorf("exit %d", status)
	}
}

// A viewer sees the dashboard, and its line refuses what an exec refuses.
func TestDashboardOfViewer(t *testing.T) {
	c := start(t, new(fakePhone))
	c.authorize(`environment="ROLE=viewer" ` + authorizedLine(c.key))
	k := sitAt(t, c.dial(), "xterm", "", 80, 24)
	k.shows("101@acme")
	k.types(":enrol open\r")
	k.shows("may only look")
	k.types("\r\x04")
	if status := k.status(); status != 0 {
		t.Errorf("exit %d", status)
	}
}

// The end of the phone, and that of the client, end it, and give the terminal back.
func TestDashboardEnds(t *testing.T) {
	c := start(t, new(fakePhone))
	k := sitAt(t, c.dial(), "xterm", "", 80, 24)
	k.shows("101@acme")
	c.stop()
	k.sees(dashboard.Close)
	k.sees("the phone is going down")
	if status := k.status(); status != exitFailed {
		t.Errorf("exit %d", status)
	}
}

// What a terminal can show follows from what it says of itself.
func TestTerminals(t *testing.T) {
	for _, one := range []struct {
		term        string
		env         map[string]string
		plain       bool
		mono, ascii bool
	}{
		{term: "xterm-256color", env: map[string]string{"LANG": "de_DE.UTF-8"}},
		{term: "xterm", env: map[string]string{"LANG": "en_US.utf8"}},
		{term: "xterm"},
		{term: "xterm", env: map[string]string{"LANG": "C"}, ascii: true},
		{term: "xterm", env: map[string]string{"LANG": "C.UTF-8", "LC_ALL": "POSIX"}, ascii: true},
		{term: "xterm", env: map[string]string{"NO_COLOR": "1"}, mono: true},
		{term: "vt100", env: map[string]string{"LANG": "C"}, mono: true, ascii: true},
		{term: "xterm-mono", mono: true},
		{term: "dumb", plain: true},
		{term: "", plain: true},
	} {
		s := &session{term: one.term, env: one.env}
		if got := (dashboard.Terminal{ASCII: one.ascii, Mono: one.mono}); s.plain() != one.plain || s.terminal() != got {
			t.Errorf("%q %v: plain %v, %+v", one.term, one.env, s.plain(), s.terminal())
		}
	}
}

// askedPhone counts how often it is asked.
type askedPhone struct {
	fakePhone
	asked   chan string
	watched chan context.Context
}

func (p *askedPhone) Status(ctx context.Context) (Status, error) {
	p.asked <- "status"
	return p.fakePhone.Status(ctx)
}

func (p *askedPhone) Members(ctx context.Context) ([]Member, error) {
	p.asked <- "members"
	return p.fakePhone.Members(ctx)
}

func (p *askedPhone) Watch(ctx context.Context, told func(extension, state string)) error {
	p.watched <- ctx
	return p.fakePhone.Watch(ctx, told)
}

// A dashboard on which nothing happens costs its line next to nothing, and when
// nobody looks any more, nobody asks.
func TestDashboardIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := &askedPhone{asked: make(chan string, 1000), watched: make(chan context.Context, 1)}
		b := newBench(t, phone)
		_, client := b.login()
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		var painted bytes.Buffer
		session.Stdout = &painted
		keys, _ := session.StdinPipe()
		if err := session.RequestPty("xterm", 24, 80, ssh.TerminalModes{}); err != nil {
			t.Fatal(err)
		}
		if err := session.Shell(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		first := painted.Len()
		for len(phone.asked) > 0 {
			<-phone.asked
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		t.Logf("%d octets for the first screen, %d for an idle minute", first, painted.Len()-first)
		if n := painted.Len() - first; n > 100 {
			t.Errorf("%d octets: %q", n, painted.Bytes()[first:])
		}
		asked := map[string]int{}
		for len(phone.asked) > 0 {
			asked[<-phone.asked]++
		}
		if asked["status"] > 61 || asked["members"] > 13 || asked["status"] == 0 {
			t.Errorf("asked in a minute: %v", asked)
		}
		keys.Write([]byte("q"))
		if err := session.Wait(); err != nil {
			t.Error(err)
		}
		if watching := <-phone.watched; watching.Err() == nil {
			t.Error("the telephones are still watched")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(phone.asked); n > 0 {
			t.Errorf("asked %d times while nobody looks", n)
		}
		client.Close()
		b.end()
	})
}
