package demo

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// admin is somebody whose key is in the phones' authorized_keys.
type admin struct {
	t   *testing.T
	key ssh.Signer
}

func newAdmin(t *testing.T) *admin {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return &admin{t, key}
}

// letIn makes a phone's data directory that lets the admin in.
func (a *admin) letIn(dir string) {
	a.t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), ssh.MarshalAuthorizedKey(a.key.PublicKey()), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// try gives one command to a phone, and returns what it answered and why it failed.
func (a *admin) try(address, command string) (out, why string, ok bool) {
	a.t.Helper()
	client, err := ssh.Dial("tcp", address+":2222", &ssh.ClientConfig{
		User: "admin", Auth: []ssh.AuthMethod{ssh.PublicKeys(a.key)}, Timeout: soon,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		a.t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		a.t.Fatal(err)
	}
	defer session.Close()
	var stderr bytes.Buffer
	session.Stderr = &stderr
	text, err := session.Output(command)
	return string(text), stderr.String(), err == nil
}

// run gives one command to a phone and decodes its JSON.
func (a *admin) run(address, command string, into any) {
	a.t.Helper()
	out, why, ok := a.try(address, command)
	if !ok {
		a.t.Fatalf("%s: %s\n%s", command, why, out)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		a.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// until repeats a command until its answer is as it should be soon.
func (a *admin) until(address, command string, is func(struct{ Size int }) bool) {
	a.t.Helper()
	for deadline := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		var answer struct{ Size int }
		a.run(address, command, &answer)
		if is(answer) {
			return
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("%s: still %+v", command, answer)
		}
	}
}

// threeWithConsole is an office of three phones that the admin may look after.
func threeWithConsole(f *fleet, a *admin) []*phone {
	for _, name := range []string{"101", "102", "103"} {
		a.letIn(filepath.Join(f.out, name))
	}
	phones := []*phone{f.start(1, "--found", "office", "--pairing-code", "111111")}
	f.ready(phones[0])
	for i := 2; i <= 3; i++ {
		phones = append(phones, f.start(i, "--join", "111111", "--peer", f.address(1)))
		f.ready(phones[i-1])
	}
	return phones
}

// What the script interface promises of the console's JSON is there and true.
func TestConsole(t *testing.T) {
	f, a := newFleet(t, 36), newAdmin(t)
	phones := threeWithConsole(f, a)
	f.calls(phones[1], phones[0], "101")
	for i := range phones {
		a.until(f.address(i+1), "ring --json", func(ring struct{ Size int }) bool { return ring.Size == 3 })
	}

	var status struct {
		Extension, Office, Node, Version string
		UptimeS                          *int64 `json:"uptime_s"`
		Ready                            bool
		Calls, Registrations             *int
		Ring                             struct {
			Size        int
			Predecessor string
			Successors  []string
		}
		MemoryBytes uint64 `json:"memory_bytes"`
	}
	a.run(f.address(1), "status --json", &status)
	if status.Extension != "101" || status.Office != "office" || len(status.Node) != 32 || !status.Ready || status.Version == "" ||
		status.UptimeS == nil || status.Calls == nil || *status.Calls != 0 || status.Registrations == nil || *status.Registrations != 3 ||
		status.Ring.Size != 3 || len(status.Ring.Successors) != 2 || status.Ring.Predecessor != status.Ring.Successors[1] || status.MemoryBytes == 0 {
		t.Errorf("status: %+v", status)
	}

	var found struct {
		AOR      string
		Bindings []struct {
			Contact, Node string
			ExpiresS      int64 `json:"expires_s"`
		}
		Hops int
		MS   float64
	}
	a.run(f.address(1), "lookup sip:103@office --json", &found)
	if len(found.Bindings) != 1 || found.Bindings[0].Contact != "sip:103@"+f.address(3)+":5061;transport=tls" || found.Bindings[0].ExpiresS < 3500 {
		t.Errorf("lookup: %+v", found)
	}

	var ring struct {
		Self                              string
		Predecessors, Successors, Fingers []string
		Size                              int
	}
	a.run(f.address(2), "ring --json", &ring)
	if ring.Size != 3 || len(ring.Predecessors) != 2 || len(ring.Successors) != 2 {
		t.Errorf("ring: %+v", ring)
	}

	var audit struct {
		OK, Closed             bool
		Nodes, Records, Copies int
	}
	a.run(f.address(3), "audit --json", &audit)
	if !audit.OK || !audit.Closed || audit.Nodes != 3 || audit.Records < 6 || audit.Records > 9 || audit.Copies != 3*audit.Records {
		t.Errorf("audit: %+v, want 3 nodes with all of 3 registrations, 3 members and what each last changed", audit)
	}

	var calls []struct {
		Number   string
		Incoming bool
		State    string
	}
	a.run(f.address(1), "calls --json", &calls)
	if len(calls) != 1 || calls[0].Number != "102" || !calls[0].Incoming || calls[0].State != "ended" {
		t.Errorf("calls: %+v", calls)
	}
}

// A phone that is lost is shut out from any other: it can neither call nor be
// called, and does not come back by being switched off and on.
func TestRevokedPhone(t *testing.T) {
	f, a := newFleet(t, 37), newAdmin(t)
	phones := threeWithConsole(f, a)
	one, two, lost := phones[0], phones[1], phones[2]
	a.run(f.address(2), "revoke 103", nil)

	// Everybody has shut it out within ten seconds.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, at := range []string{f.address(1), f.address(2)} {
		for {
			var members []struct{ Extension string }
			a.run(at, "members --json", &members)
			if len(members) == 2 {
				break
			}
			select {
			case <-ctx.Done():
				t.Fatalf("after ten seconds the phone at %s still has %v", at, members)
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	cannotCall := func(from *phone, number string) {
		t.Helper()
		from.do("off")
		from.do("keys " + number + "#")
		e, err := from.expect(t.Context(), "end of the call", 2*soon, ended(number))
		if err != nil {
			t.Fatal(err)
		}
		if e.Status < 400 {
			t.Errorf("phone %s calling %s: %d", from.name, number, e.Status)
		}
		from.do("on")
	}
	cannotCall(one, "103")
	lost.kill()
	if err := os.Remove(filepath.Join(lost.dir, "chordophone.db")); err != nil {
		t.Fatal(err) // a thief makes it forget that it was revoked
	}
	lost = f.start(3, "--peer", f.address(1))
	isBarred(t, lost) // as it hears from those that it asks
	cannotCall(two, "103")
	one.kill()
	one = f.start(1)
	f.ready(one)
	isBarred(t, f.again(lost, "--peer", f.address(1))) // nor does a restart of the others let it in
	f.calls(one, two, "102")
}
