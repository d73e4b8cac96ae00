package threats

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// talk has a client call the telephone, which answers.
func talk(t *testing.T, p *phone, a *agent) *dialog {
	t.Helper()
	uri := "sip:" + p.number() + "@office"
	a.request("INVITE", uri, "<"+uri+">", "Content-Type: application/sdp\n", offer(40000))
	m, _ := a.final(soon)
	a.acknowledge("INVITE", uri, m)
	a.request("INVITE", uri, "<"+uri+">", a.credentials(m, "INVITE", uri)+"\nContent-Type: application/sdp\n", offer(40000))
	p.expect("ringing", rings)
	p.do("off")
	m, ok := a.final(soon)
	if !ok || m.status() != 200 {
		t.Fatalf("INVITE: %q", m.start)
	}
	d := newDialog(a, m)
	d.send("ACK", "", "")
	p.expect("the call", connected)
	return d
}

// T5: a stranger has sniffed all ids of a client's call with the telephone and sends
// requests in it, as either side, over UDP and TCP. The call is neither ended nor
// moved. The client's own BYE ends it.
func TestSniffedDialog(t *testing.T) {
	t.Parallel()
	p := found(t, 6, "alice")
	a := p.udp(50, 0, "alice").register()
	d := talk(t, p, a)
	evil, evilTCP := p.udp(98, 0, "alice"), p.tcp(98, "alice")
	p.seen(callEnded)
	statuses := map[int]int{}
	const each = 100
	for n := range each {
		for _, method := range []string{"BYE", "CANCEL", "INVITE", "UPDATE", "REFER", "INFO"} {
			fields, body, cseq := "", "", 100+n
			switch method {
			case "CANCEL":
				cseq = d.n
			case "INVITE", "UPDATE":
				fields, body = "Content-Type: application/sdp\n", strings.ReplaceAll(offer(40002), "127.0.41.50", "127.0.41.98")
			case "REFER":
				fields = "Refer-To: <sip:999@office>\n"
			}
			x := evil
			if n%2 == 1 {
				x = evilTCP
			}
			text := d.text(method, x.local, x.transport(), cseq, fields, body)
			if method == "CANCEL" { // of the very INVITE
				text = strings.Replace(text, "z9hG4bKCANCEL", strings.TrimSuffix(a.branch, "x"), 1)
			}
			if n%4 >= 2 && method != "CANCEL" { // as the telephone
				text = swap(text)
			}
			x.write(text)
			if m, ok := x.receive(50 * time.Millisecond); ok {
				statuses[m.status()]++
			}
		}
	}
	for _, x := range []*agent{evil, evilTCP} {
		for {
			m, ok := x.receive(100 * time.Millisecond)
			if !ok {
				break
			}
			statuses[m.status()]++
		}
	}
	ended := p.seen(callEnded)
	moved := 0
	for {
		m, ok := a.receive(100 * time.Millisecond)
		if !ok {
			break
		}
		if m.status() == 0 {
			moved++
		}
	}
	t.Logf("%d requests, answers %v: calls ended %d, requests that reached the client %d", 6*each, statuses, ended, moved)
	if ended != 0 || moved != 0 {
		t.Error("the call was touched")
	}
	for s, n := range statuses {
		if s/100 == 2 {
			t.Errorf("%d got %d", n, s)
		}
	}
	d.send("BYE", "", "")
	if e := p.expect("the end of the call", callEnded); e.Status != 200 {
		t.Errorf("the client's own BYE: %+v", e)
	}
}

// swap exchanges From and To.
func swap(text string) string {
	return strings.NewReplacer("\r\nFrom: ", "\r\nTo: ", "\r\nTo: ", "\r\nFrom: ").Replace(text)
}

// T6: who is called answers with a challenge in the office's own name, or calls and
// challenges the telephone's BYE. No request ever carries credentials.
func TestDigestLeak(t *testing.T) {
	t.Parallel()
	p := found(t, 7, "alice", "2000")
	mallory := p.udp(50, 5066, "2000").register()
	challenge := []string{`407 Proxy Authentication Required`, `401 Unauthorized`}
	answer := func(m message, n int) (leaked bool) {
		for _, name := range []string{"Authorization", "Proxy-Authorization"} {
			if m.Get(name) != "" {
				leaked = true
			}
		}
		field := []string{"Proxy-Authenticate", "WWW-Authenticate"}[n%2]
		mallory.respond(m, challenge[n%2], field+`: Digest realm="office", nonce="lure", algorithm=MD5, qop="auth"`, "")
		return leaked
	}
	const calls = 1000
	var asked, leaked atomic.Int64
	dialled := 0
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // whatever comes is challenged
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			m, ok := mallory.receive(20 * time.Millisecond)
			if !ok || m.status() != 0 || strings.HasPrefix(m.start, "ACK ") {
				continue
			}
			if answer(m, int(asked.Add(1))) {
				leaked.Add(1)
			}
		}
	}()
	for range 20 {
		p.do("off", "keys 2000#")
		if e := p.expect("the end of the call", callEnded); e.Status/100 == 2 {
			t.Errorf("the telephone: %+v", e)
		}
		p.do("on")
	}
	byTelephone := asked.Load()
	// A client calls, with credentials for our own proxy and lured answers besides.
	alice := p.tcp(51, "alice").register()
	for n := range calls {
		alice.call = fmt.Sprintf("call-%d", n)
		method := []string{"INVITE", "MESSAGE", "OPTIONS"}[n%3]
		uri := "sip:2000@office"
		fields := "Authorization: " + digestOf("alice", alice.password, "lure", "00000001", method, uri) + "\n" +
			"Proxy-Authorization: " + digestOf("alice", alice.password, "lure", "00000001", method, uri) + "\nContent-Type: text/plain"
		alice.request(method, uri, "<"+uri+">", fields, "x")
		m, ok := alice.final(soon)
		if !ok {
			t.Fatalf("%s: no answer", method)
		}
		alice.acknowledge(method, uri, m)
		dialled++
	}
	close(stop)
	<-done
	t.Logf("20 calls by the telephone, %d challenges; %d requests by a client, %d challenges by the hostile one, credentials that it got: %d", byTelephone, dialled, asked.Load()-byTelephone, leaked.Load())
	if byTelephone < 10 || asked.Load() < calls/2 {
		t.Errorf("only %d requests reached the hostile one", asked.Load())
	}
	if leaked.Load() != 0 {
		t.Error("credentials leaked")
	}
	// The control: those of another realm are not ours to take out, and are seen.
	alice.call = "control"
	alice.request("OPTIONS", "sip:2000@office", "<sip:2000@office>", `Authorization: Digest username="x", realm="elsewhere", nonce="n", uri="sip:x", response="0"`, "")
	for {
		m, ok := mallory.receive(soon)
		if !ok {
			t.Fatal("the control does not arrive")
		}
		if strings.HasPrefix(m.start, "OPTIONS ") {
			if m.Get("Authorization") == "" {
				t.Error("the meter does not move")
			}
			break
		}
	}
}

// T6, the other half: mallory calls the telephone, which hangs up; its BYE is
// challenged. The telephone gives no answer to that.
func TestChallengedBye(t *testing.T) {
	t.Parallel()
	p := found(t, 8, "mallory")
	a := p.udp(50, 0, "mallory").register()
	const calls = 20
	byes, leaked := 0, 0
	for n := range calls {
		a.call = fmt.Sprintf("bye-%d", n)
		talk(t, p, a)
		p.do("on")
		p.expect("the end of the call", callEnded)
		for within := soon; ; within = 50 * time.Millisecond {
			m, ok := a.receive(within)
			if !ok {
				break
			}
			if strings.HasPrefix(m.start, "BYE ") {
				byes++
				if m.Get("Authorization") != "" || m.Get("Proxy-Authorization") != "" {
					leaked++
				}
				a.respond(m, "401 Unauthorized", `WWW-Authenticate: Digest realm="office", nonce="lure", algorithm=MD5, qop="auth"`, "")
			}
		}
	}
	t.Logf("%d calls, %d BYEs challenged, credentials %d", calls, byes, leaked)
	if byes < calls || leaked != 0 {
		t.Errorf("%d BYEs, %d leaked", byes, leaked)
	}
}
