package manage

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/backup"
)

// lookedAt is a phone at which somebody may only look.
type lookedAt struct {
	fakePhone
	t *testing.T
}

func (l *lookedAt) forbidden(what string) { l.t.Errorf("a viewer reached %s", what) }

func (l *lookedAt) Revoke(context.Context, string) error { l.forbidden("Revoke"); return nil }
func (l *lookedAt) CloseEnrolment(context.Context) error { l.forbidden("CloseEnrolment"); return nil }
func (l *lookedAt) OpenEnrolmentFor(context.Context, string) (Enrolment, error) {
	l.forbidden("OpenEnrolmentFor")
	return Enrolment{}, nil
}
func (l *lookedAt) OpenEnrolment(context.Context) (Enrolment, error) {
	l.forbidden("OpenEnrolment")
	return Enrolment{}, nil
}
func (l *lookedAt) AddAccount(context.Context, string, string, string) (NewAccount, error) {
	l.forbidden("AddAccount")
	return NewAccount{}, nil
}
func (l *lookedAt) RemoveAccount(context.Context, string) error {
	l.forbidden("RemoveAccount")
	return nil
}
func (l *lookedAt) SetContact(context.Context, Contact) error { l.forbidden("SetContact"); return nil }
func (l *lookedAt) RemoveContact(context.Context, string) error {
	l.forbidden("RemoveContact")
	return nil
}
func (l *lookedAt) DeleteMessage(context.Context, string) error {
	l.forbidden("DeleteMessage")
	return nil
}
func (l *lookedAt) Messages(context.Context) ([]Message, error) {
	l.forbidden("Messages")
	return nil, nil
}
func (l *lookedAt) Audit(context.Context) (Audit, error)     { l.forbidden("Audit"); return Audit{}, nil }
func (l *lookedAt) Capture(context.Context, io.Writer) error { l.forbidden("Capture"); return nil }
func (l *lookedAt) Dump(context.Context, io.Writer) error    { l.forbidden("Dump"); return nil }
func (l *lookedAt) Backup(context.Context, io.Writer, string) (backup.Manifest, error) {
	l.forbidden("Backup")
	return backup.Manifest{}, nil
}
func (l *lookedAt) Restore(context.Context, io.Reader, string, backup.Options) (backup.Restored, error) {
	l.forbidden("Restore")
	return backup.Restored{}, nil
}

func (l *lookedAt) SetClock(context.Context, time.Time) (Clock, error) {
	l.forbidden("SetClock")
	return Clock{}, nil
}

func (l *lookedAt) Configure(context.Context, string, []string) error {
	l.forbidden("Configure")
	return nil
}

// uses are all commands in all ways that differ in who may: what a viewer may do,
// and what only an admin may.
var uses = map[string]struct{ viewer, admin []string }{
	"status":        {viewer: []string{"", "--json"}},
	"members":       {viewer: []string{""}},
	"registrations": {viewer: []string{""}},
	"calls":         {viewer: []string{"--last 3"}},
	"lookup":        {viewer: []string{"102"}},
	"trace":         {viewer: []string{"102"}},
	"ring":          {viewer: []string{""}},
	"log":           {viewer: []string{""}},
	"metrics":       {viewer: []string{""}},
	"version":       {viewer: []string{""}},
	"help":          {viewer: []string{"", "revoke"}},
	"accounts":      {viewer: []string{"", "list"}, admin: []string{"add eve", "remove alice", "add --password x eve", "--json add eve"}},
	"contacts":      {viewer: []string{"", "list --json"}, admin: []string{"set 102 --name Eve", "remove 102"}},
	"update":        {viewer: []string{"status"}, admin: []string{"", "--json", "now"}},
	"config":        {viewer: []string{"", "show --json", "get name"}, admin: []string{"set name x", "unset name", "set --json name x", "sat"}},
	"selftest":      {viewer: []string{""}},
	"clock":         {viewer: []string{"", "--json"}, admin: []string{"set 2026-11-23T10:30", "set", "--json set 2026-11-23T10:30", "sit"}},
	"messages":      {admin: []string{"", "list", "read 4XK2", "delete 4XK2"}},
	"audit":         {admin: []string{""}},
	"enrol":         {admin: []string{"open", "close", "replace 103"}},
	"revoke":        {admin: []string{"103"}},
	"dump":          {admin: []string{""}},
	"capture":       {admin: []string{"--for 1ms"}},
	"backup":        {admin: []string{""}},
	"restore":       {admin: []string{"", "--older"}},
	"reboot":        {admin: []string{""}},
}

// A viewer is refused each command where it changes something or shows a secret, and
// nothing of the phone is touched.
func TestViewerMayOnlyLook(t *testing.T) {
	c := start(t, &lookedAt{fakePhone: fakePhone{healthy: true}, t: t})
	admins := c.key
	c.key = newKey(t)
	c.authorize(authorizedLine(admins), `environment="ROLE=viewer" `+authorizedLine(c.key))
	client := c.dial()
	for _, one := range commands() {
		use, ok := uses[one.name]
		if !ok {
			t.Errorf("%s: who may is not tested", one.name)
		}
		for _, args := range use.viewer {
			line := strings.TrimSpace(one.name + " " + args)
			if _, errOut, status := do(t, client, line); status != 0 {
				t.Errorf("%s: refused: %s", line, errOut)
			}
		}
		for _, args := range use.admin {
			line := strings.TrimSpace(one.name + " " + args)
			_, errOut, status := feed(t, client, line, "correct horse battery staple\nrelease 9")
			if status != exitFailed || !strings.Contains(errOut, "this key may only look (hint: ") {
				t.Errorf("%s: %d, %q", line, status, errOut)
			}
		}
	}
	if c.device.rebooted+c.device.left != 0 || c.device.next != "" {
		t.Error("a viewer reached the machine")
	}
	// What help completes for a viewer is what a viewer may do.
	s := &shell{phone: new(fakePhone), role: viewer}
	if list := s.allowed(); slices.Contains(list, "revoke") || !slices.Contains(list, "status") || !slices.Contains(list, "accounts") {
		t.Errorf("%q", list)
	}
	// The negative control: an admin is not refused.
	c.key = admins
	c.stop()
	c.run(&fakePhone{messages: somePosts(), packets: 1, healthy: true})
	client = c.dial()
	for _, line := range []string{"enrol open", "contacts set 102 --name Eve", "messages", "audit", "dump", "capture --for 1ms", "config set name x", "reboot"} {
		if _, errOut, status := do(t, client, line); status != 0 {
			t.Errorf("%s: %s", line, errOut)
		}
	}
	if c.device.rebooted != 1 {
		t.Error("not rebooted")
	}
}

// A key in two lines has the lesser role, and a command without a word on viewers is
// for admins.
func TestRoleIsTheLesser(t *testing.T) {
	key := newKey(t)
	line := authorizedLine(key)
	as := `environment="ROLE=viewer" ` + line
	for _, text := range []string{as, line + "\n" + as, as + "\n" + line, `environment="ROLE=admin",environment="ROLE=viewer" ` + line} {
		keys, bad := parseAuthorizedKeys([]byte(text))
		if got := keys[string(key.PublicKey().Marshal())]; got.role != viewer || len(bad) > 0 {
			t.Errorf("%q: %v, %v", text, got.role, bad)
		}
	}
	if viewer.may(&command{name: "new"}, nil) || !admin.may(&command{name: "new"}, nil) {
		t.Error("a new command is for everybody")
	}
}

// Who is made a viewer is thrown out, and enters as one.
func TestRoleIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, new(fakePhone))
		b.conns.Go(func() { b.watchKeys(b.ctx) })
		_, out := b.login()
		time.Sleep(time.Minute)
		b.authorize(`environment="ROLE=viewer" ` + authorizedLine(b.console.key))
		begin := time.Now()
		out.Wait()
		if took := time.Since(begin); took > 2*keysEvery {
			t.Errorf("after %v", took)
		}
		_, again := b.login()
		if _, errOut, _ := do(t, again, "enrol open"); !strings.Contains(errOut, "may only look") {
			t.Errorf("%q", errOut)
		}
		again.Close()
		b.end()
	})
}

// Where the program does not own the machine, it says so.
func TestNotAnAppliance(t *testing.T) {
	for _, line := range []string{"update", "update status", "reboot"} {
		var out, errOut bytes.Buffer
		s := &shell{phone: new(fakePhone), role: admin, log: discard, in: strings.NewReader("x"), out: &out, err: &errOut}
		if status := s.do(t.Context(), line); status != exitFailed || !strings.Contains(errOut.String(), "not an appliance") {
			t.Errorf("%s: %d, %q", line, status, errOut.String())
		}
	}
}

// Passphrases and files do not go together with a terminal, and a line is bounded.
func TestPassphrase(t *testing.T) {
	s := &shell{phone: new(fakePhone), role: admin, log: discard, terminal: true, out: io.Discard}
	for _, line := range []string{"backup", "restore", "update"} {
		var errOut bytes.Buffer
		s.err, s.device = &errOut, new(fakeAppliance)
		if status := s.do(t.Context(), line); status != exitUsage || !strings.Contains(errOut.String(), "terminal") {
			t.Errorf("%s: %d, %q", line, status, errOut.String())
		}
	}
	var errOut bytes.Buffer
	s = &shell{phone: new(fakePhone), role: admin, log: discard, in: strings.NewReader(strings.Repeat("x", 1<<20)), out: io.Discard, err: &errOut}
	if status := s.do(t.Context(), "backup"); status != exitUsage || !strings.Contains(errOut.String(), "too long") {
		t.Errorf("%d, %q", status, errOut.String())
	}
}

// Somebody who types a passphrase is asked for it; a script is not.
func TestPassphraseIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, typed := io.Pipe()
		var out, errOut bytes.Buffer
		s := &shell{phone: new(fakePhone), role: admin, log: discard, in: in, out: &out, err: &errOut}
		go func() {
			time.Sleep(5 * time.Second)
			typed.Write([]byte("correct horse battery staple\n"))
		}()
		if status := s.do(t.Context(), "backup"); status != 0 || !strings.HasPrefix(errOut.String(), "passphrase") {
			t.Errorf("%d, %q", status, errOut.String())
		}
		errOut.Reset()
		s.in = strings.NewReader("correct horse battery staple\n")
		if status := s.do(t.Context(), "backup"); status != 0 || strings.Contains(errOut.String(), "passphrase") {
			t.Errorf("%d, %q", status, errOut.String())
		}
	})
}
