package threats

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"chordophone/sip/wire/wiretest"
)

// differs is where this office answers otherwise than a single endpoint would, which
// the RFC speaks of.
var differs = map[string]int{
	"invut": 403, // from an address of another domain: nobody calls from there, whatever the body
	"sdp01": 403, // the same
}

// All torture messages of RFC 4475 and RFC 5118, over UDP, to a telephone of an office
// of the name that they are for. They come from a network that needs no password, or
// every answer would be a challenge; but regaut01, which is about one.
func TestTorture(t *testing.T) {
	t.Parallel()
	args := append(foundArgs("example.com", "user", "watson"), "--trust", "127.0.41.64/26", "--trust", "127.0.41.128/25")
	p := start(t, t.TempDir(), 1, args...)
	time.Sleep(2 * time.Second) // until the accounts are made
	right, all := map[string]int{}, map[string]int{}
	viaPort := regexp.MustCompile(`(?im)^v(?:ia)?\s*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+(?:\[[^]]*\]|[^\s;:,]+)\s*:\s*(\d+)`)
	for i, c := range wiretest.Torture() {
		rfc := c.RFC[:4]
		all[rfc]++
		host := 128 + i
		if c.Name == "regaut01" {
			host = 60
		}
		a := p.udp(host, 5060, "x")
		answers := []*agent{a}
		if m := viaPort.FindSubmatch(c.Data); m != nil {
			if port, _ := strconv.Atoi(string(m[1])); port != 5060 && port > 0 && port < 65536 {
				answers = append(answers, p.udp(host, port, "x"))
			}
		}
		a.sock.WriteToUDP(c.Data, a.to)
		silent := c.Status == wiretest.Drop || c.Response()
		status := 0
		within := soon
		if silent {
			within = 200 * time.Millisecond
		}
		for deadline := time.Now().Add(within); status < 200 && time.Now().Before(deadline); {
			for _, b := range answers {
				if m, ok := b.receive(5 * time.Millisecond); ok {
					status = m.status()
				}
			}
		}
		for _, b := range answers {
			b.sock.Close()
		}
		ok := false
		switch {
		case differs[c.Name] != 0:
			ok = status == differs[c.Name]
			t.Logf("%s: by our own rule %d, not %v", c.Name, status, c.Then)
		case silent:
			ok = status == 0
		case c.Status != 0:
			ok = status == c.Status
		case c.Then != nil:
			ok = slices.Contains(c.Then, status)
		default:
			ok = status >= 200
		}
		if ok {
			right[rfc]++
		} else {
			t.Errorf("RFC %s, %s: answered %d, want %d %v: %s", c.RFC, c.Name, status, c.Status, c.Then, c.Says)
		}
		t.Logf("%-30s %d", c.Name, status)
	}
	// The fiftieth file of RFC 4475 is its appendix A, which is no SIP message.
	t.Logf("RFC 4475: %d/%d, %d of them by our own rule; RFC 5118: %d/%d", right["4475"], all["4475"], len(differs), right["5118"], all["5118"])
	if !p.alive() {
		t.Error("the telephone is dead")
	}
}
