package threats

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// T20: 1,000 calls to numbers that cost money, by a stranger, a client with a password
// and the telephone itself, at a gateway's address, at names elsewhere, by tel: and by
// Routes. The gateway gets none. It gets one when it is a client of the office that
// somebody calls.
func TestTollFraud(t *testing.T) {
	t.Parallel()
	p := found(t, 4, "alice", "gateway")
	gateway := p.udp(99, 5060, "gateway").register()
	passed := func() (n int) {
		for {
			m, ok := gateway.receive(50 * time.Millisecond)
			if !ok {
				return n
			}
			if m.status() == 0 {
				n++
			}
		}
	}
	passed()
	var tcp atomic.Int64
	l, err := net.Listen("tcp", "127.0.41.99:5060")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			tcp.Add(1)
			c.Close()
		}
	}()
	alice := p.tcp(50, "alice").register()
	var strangers []*agent // each may ask fifty times a second
	for i := range 20 {
		strangers = append(strangers, p.udp(100+i, 0, "alice"))
		strangers[i].password = ""
	}
	patterns := []string{
		"sip:0090%d@127.0.41.99", "sip:00190%d@127.0.41.99:5060", "sip:0900%d@127.0.41.99;transport=tcp", "sip:%d@elsewhere.example",
		"tel:+1900%d", "tel:0090%d;phone-context=office", "sips:00900%d@127.0.41.99", "sip:00900%d@office", "sip:00900%d@office;maddr=127.0.41.99",
		"sip:00900%d@127.0.41.4;maddr=127.0.41.99", "sip:+44909%d@office;user=phone",
	}
	routes := []string{"", "Route: <sip:127.0.41.99;lr>\n", "Route: <sip:127.0.41.4;lr>, <sip:127.0.41.99;lr>\n"}
	const tries = 1000
	statuses := map[string]map[int]int{}
	for name, agents := range map[string][]*agent{"stranger": strangers, "client": {alice}} {
		statuses[name] = map[int]int{}
		for n := range tries {
			a := agents[n%len(agents)]
			uri := fmt.Sprintf(patterns[n%len(patterns)], 100000+n)
			to := "<" + uri + ">"
			if n%7 == 6 { // as if in a dialog that nobody here knows
				to += ";tag=x"
			}
			a.call = fmt.Sprintf("%s-%d", name, n)
			m := a.ask("INVITE", uri, to, routes[n/len(patterns)%len(routes)]+"Content-Type: application/sdp", offer(40000))
			statuses[name][m.status()]++
			if m.status()/100 == 2 {
				t.Errorf("%s: %s %s", name, uri, m.start)
			}
		}
		t.Logf("%s: %d calls, answers %v", name, tries, statuses[name])
	}
	dialled := 0
	for n := range 20 {
		p.do("off", fmt.Sprintf("keys 00900%d#", 100000+n))
		if e := p.expect("the end of the call", callEnded); e.Status/100 == 2 {
			t.Errorf("the telephone: %+v", e)
		}
		p.do("on")
		dialled++
	}
	if n := passed(); n != 0 || tcp.Load() != 0 {
		t.Errorf("%d datagrams and %d connections reached the gateway", n, tcp.Load())
	}
	t.Logf("telephone: %d dialled; passed 0", dialled)
	// The control.
	alice.call = "control"
	alice.request("INVITE", "sip:gateway@office", "<sip:gateway@office>", "Content-Type: application/sdp", offer(40000))
	if n := passed(); n == 0 {
		t.Error("the gateway is not called as a client either: the meter does not move")
	}
}
