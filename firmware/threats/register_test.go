package threats

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// T2: 10,000 forged REGISTERs for somebody else's address, from a hundred sources: with
// no credentials, with a wrong password, with a nonce that nobody made, with the
// credentials of another user, and with those that the rightful client was heard to
// send. None is accepted. The right password is.
func TestForgedRegister(t *testing.T) {
	t.Parallel()
	p := found(t, 2, "alice", "mallory")
	alice, mallory := p.udp(51, 0, "alice").register(), p.udp(52, 0, "mallory").register()
	var sniffed string
	for line := range strings.Lines(alice.sent) {
		if strings.HasPrefix(line, "Authorization: ") {
			sniffed = strings.TrimSpace(line)
		}
	}
	if sniffed == "" {
		t.Fatal("nothing sniffed")
	}
	const forged = 10000
	answers := map[int]int{}
	var sources []*agent
	for i := range 100 {
		a := p.udp(100+i, 0, "alice")
		a.password = "guess"
		sources = append(sources, a)
	}
	began := time.Now()
	nonces := make([]message, len(sources))
	count := func(i int) {
		for {
			m, ok := sources[i].receive(0)
			if !ok {
				return
			}
			answers[m.status()]++
			if m.status() == 401 {
				nonces[i] = m
			}
		}
	}
	for n := range forged {
		i := n % len(sources)
		a := sources[i]
		count(i)
		cred := ""
		a.password = fmt.Sprint("guess", n)
		switch n / len(sources) % 5 {
		case 1:
			cred = a.credentials(nonces[i], "REGISTER", "sip:office")
		case 2:
			cred = "Authorization: " + digestOf("alice", "secret-alice", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "00000001", "REGISTER", "sip:office")
		case 3: // mallory's own, for alice's address
			if nonces[i].MIMEHeader != nil {
				_, rest, _ := strings.Cut(nonces[i].Get("Www-Authenticate"), `nonce="`)
				nonce, _, _ := strings.Cut(rest, `"`)
				cred = "Authorization: " + digestOf("mallory", "secret-mallory", nonce, fmt.Sprintf("%08x", n+1), "REGISTER", "sip:office")
			}
		case 4:
			cred = sniffed
		}
		a.request("REGISTER", "sip:office", "<sip:alice@office>", "Expires: 3600\n"+cred, "")
		pace(began, n, 850)
	}
	time.Sleep(time.Second)
	for i := range sources {
		count(i)
	}
	t.Logf("%d forged, answers %v in %v", forged, answers, time.Since(began).Round(time.Second))
	total := 0
	for status, n := range answers {
		total += n
		if status/100 == 2 {
			t.Errorf("%d accepted", n)
		}
	}
	if total < forged/2 {
		t.Errorf("only %d answered: the test floods instead of forging", total)
	}
	// From the very source and port of the rightful client, too.
	alice.request("REGISTER", "sip:office", "<sip:alice@office>", "Expires: 0\n"+sniffed, "")
	if m, ok := alice.final(soon); !ok || m.status() != 401 {
		t.Errorf("replayed from its own address: %s", m.start)
	}
	m := mallory.ask("REGISTER", "sip:office", "<sip:alice@office>", "Expires: 600", "")
	if m.status() != 403 {
		t.Errorf("mallory for alice: %s", m.start)
	}
	// The control: the password is worth something, and alice has her one contact.
	alice.register()
	query := p.udp(53, 0, "alice")
	query.request("REGISTER", "sip:office", "<sip:alice@office>", "", "")
	m, _ = query.final(soon)
	query.send(strings.ReplaceAll(fmt.Sprintf("REGISTER sip:office SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKquery;rport\nMax-Forwards: 70\nFrom: <sip:alice@office>;tag=q\nTo: <sip:alice@office>\nCall-ID: query\nCSeq: 1 REGISTER\n%s\n",
		query.local, query.credentials(m, "REGISTER", "sip:office")), "\t", ""), "")
	query.branch = "z9hG4bKquery"
	m, _ = query.final(soon)
	if contacts := m.Values("Contact"); len(contacts) != 1 || !strings.Contains(contacts[0], alice.local) {
		t.Errorf("%s: contacts %q, want that of %s", m.start, contacts, alice.local)
	}
}
