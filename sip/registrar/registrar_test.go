package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// loop is a stack's loop for tests.
type loop struct {
	todo chan func()
	full bool
}

func (l *loop) Go(work func(context.Context), done func()) bool {
	if l.full {
		return false
	}
	go func() {
		work(context.Background())
		l.todo <- done
	}()
	return true
}

func (l *loop) After(d time.Duration, f func()) *stack.Timer {
	time.AfterFunc(d, func() { l.todo <- f })
	return nil
}

// phone is a registrar with its loop.
type phone struct {
	t    testing.TB
	loop *loop
	*Registrar
	from  source
	seq   int
	heard []string // callbacks
}

const clientAddr = "192.0.2.50:5060"

func newPhone(t testing.TB, r *ring, n int) *phone {
	node, addr := fmt.Sprintf("%d@office", 100+n), netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
	p := &phone{t: t, loop: &loop{todo: make(chan func(), 4096)}}
	p.Registrar = New(Config{
		Domain: "office", Node: node, Ring: r,
		Server: func() netip.AddrPort { return netip.AddrPortFrom(addr, 5061) },
	})
	p.Attach(p.loop)
	p.Registered(func(aor string) { p.heard = append(p.heard, "+"+aor) })
	p.Unregistered(func(aor string) { p.heard = append(p.heard, "-"+aor) })
	p.from = source{stack.UDP, netip.AddrPortFrom(addr, 5060), netip.MustParseAddrPort(clientAddr), "token", nil}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case f := <-p.loop.todo:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return p
}

// do runs f in the loop and waits for it.
func (p *phone) do(f func()) {
	done := make(chan struct{})
	p.loop.todo <- func() { f(); close(done) }
	<-done
}

// Counters, Clients and heardAll ask in the loop.
func (p *phone) Counters() (n Counters) {
	p.do(func() { n = p.Registrar.Counters() })
	return n
}

func (p *phone) Clients() (all []Client) {
	p.do(func() { all = p.Registrar.Clients() })
	return all
}

func (p *phone) heardAll() (all []string) {
	p.do(func() { all = slices.Clone(p.heard) })
	return all
}

type reply struct {
	status int
	fields []string
}

func (r reply) get(name string) (values []string) {
	for i := 0; i < len(r.fields); i += 2 {
		if r.fields[i] == name {
			values = append(values, r.fields[i+1])
		}
	}
	return values
}

func message(t testing.TB, seq int, lines ...string) *sip.Request {
	t.Helper()
	text := "REGISTER sip:office SIP/2.0\r\n"
	has := func(name string) bool {
		return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l+":", name+":") })
	}
	for _, l := range []string{"Via: SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1", "From: <sip:201@office>;tag=a", "To: <sip:201@office>",
		"Call-ID: call", fmt.Sprintf("CSeq: %d REGISTER", seq), "Max-Forwards: 70", "Content-Length: 0"} {
		name, _, _ := strings.Cut(l, ":")
		if !has(name) {
			text += l + "\r\n"
		}
	}
	for _, l := range lines {
		text += l + "\r\n"
	}
	msg, v := wire.Parse([]byte(text + "\r\n"))
	req, ok := msg.(*sip.Request)
	if !ok || !v.OK() && !has("Contact: *") { // * and another is bad form, and still must not get in
		t.Fatalf("%q: %+v", text, v)
	}
	return req
}

// start sends a REGISTER of 201 with further fields; CSeq goes up by itself.
func (p *phone) start(lines ...string) chan reply {
	p.t.Helper()
	p.seq++
	req := message(p.t, p.seq, lines...)
	user := strings.TrimSuffix(wire.AOR(req.From().Address), "@office")
	answer := make(chan reply, 2)
	p.do(func() {
		p.serve(req, nil, user, p.from, func(status int, fields ...string) { answer <- reply{status, fields} })
	})
	return answer
}

func (p *phone) register(lines ...string) reply {
	p.t.Helper()
	answer := p.start(lines...)
	r := <-answer
	synctest.Wait()
	if len(answer) > 0 {
		p.t.Error("answered twice")
	}
	return r
}

func (p *phone) want(status int, lines ...string) reply {
	p.t.Helper()
	r := p.register(lines...)
	if r.status != status {
		p.t.Errorf("%q: %d %q, want %d", lines, r.status, r.fields, status)
	}
	return r
}

const bob = "Contact: <sip:201@192.0.2.50:5060>"

func bubble(t *testing.T, f func(t *testing.T, r *ring, p *phone)) {
	synctest.Test(t, func(t *testing.T) {
		r := &ring{delay: 20 * time.Millisecond}
		f(t, r, newPhone(t, r, 1))
	})
}

func TestRegister(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		start := time.Now()
		res := p.want(200, bob+";q=0.25", "Expires: 120", "User-Agent: Desk 1.0")
		if d := time.Since(start); d < 2*r.delay {
			t.Errorf("answered before it was stored: %v", d)
		}
		if got := res.get("Contact"); !slices.Equal(got, []string{"<sip:201@192.0.2.50:5060>;expires=120;q=0.250"}) {
			t.Errorf("%q", got)
		}
		got := r.holds("sip:201@office")
		b := got[0]
		want := location.Binding{Contact: "sip:201@192.0.2.50:5060", Server: netip.MustParseAddrPort("192.0.2.1:5061"), Node: "101@office",
			CallID: "call", CSeq: 1, Q: 250, Agent: "Desk 1.0", Expires: b.Expires}
		if len(got) != 1 || fmt.Sprint(b) != fmt.Sprint(want) || b.Expires < 239*time.Second || b.Expires > 240*time.Second {
			t.Errorf("%+v", got)
		}
		// A second phone adds another contact; both list both.
		q := newPhone(t, r, 2)
		for _, res := range []reply{q.want(200, "Contact: <sip:201@192.0.2.51>;expires=60", "Call-ID: other"), p.want(200), q.want(200)} {
			if got := res.get("Contact"); len(got) != 2 || !strings.Contains(got[0], "192.0.2.50") || !strings.Contains(got[1], "192.0.2.51") {
				t.Errorf("%q", got)
			}
		}
		if !slices.Equal(p.heardAll(), []string{"+201@office"}) {
			t.Errorf("%q", p.heard)
		}
	})
}

// pass lets time pass and what it brings come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// What a REGISTER must be like.
func TestForm(t *testing.T) {
	many := make([]string, maxBindings+1)
	for i := range many {
		many[i] = fmt.Sprintf("<sip:201@192.0.2.50:%d>", 6000+i)
	}
	ten, eleven := strings.Join(many[1:], ", "), strings.Join(many, ", ")
	const uuid = `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"`
	for _, tc := range []struct {
		name   string
		status int
		field  string // expected in the response
		lines  []string
	}{
		{"no contact: a question", 200, "", nil},
		{"one", 200, "", []string{bob}},
		{"two", 200, "", []string{bob + `;expires=300, "Bob, at home" <sip:201@192.0.2.51;transport=tcp>;q=0.1`}},
		{"ten", 200, "", []string{"Contact: " + ten}},
		{"eleven", 400, "", []string{"Contact: " + eleven}},
		{"a tab in an instance", 400, "", []string{bob + ";+sip.instance=\"a\tb\""}},
		{"a long agent", 200, "", []string{bob, "User-Agent: " + strings.Repeat("\u20ac", 300)}},
		{"all removed", 200, "", []string{"Contact: *", "Expires: 0"}},
		{"* without Expires", 400, "", []string{"Contact: *"}},
		{"* with another time", 400, "", []string{"Contact: *", "Expires: 60"}},
		{"* and another", 400, "", []string{"Contact: *", bob, "Expires: 0"}},
		{"another and *", 400, "", []string{bob, "Contact: *", "Expires: 0"}},
		{"too short", 423, "Min-Expires 60", []string{bob + ";expires=59"}},
		{"too short, by the field", 423, "Min-Expires 60", []string{bob, "Expires: 1"}},
		{"just long enough", 200, "expires=60", []string{bob + ";expires=60"}},
		{"the parameter wins", 200, "expires=61", []string{bob + ";expires=61", "Expires: 1"}},
		{"too long", 200, "expires=3600", []string{bob + ";expires=3601"}},
		{"far too long", 200, "expires=3600", []string{bob + ";expires=99999999999999999999"}},
		{"no number", 200, "expires=3600", []string{bob + ";expires=soon"}},
		{"of another", 403, "", []string{bob, "To: <sip:202@office>"}},
		{"of nobody", 403, "", []string{bob, "To: <sip:nobody@office>"}},
		{"of another office", 404, "", []string{bob, "To: <sip:201@elsewhere>"}},
		{"by our address", 200, "", []string{bob, "To: <sip:201@192.0.2.1>"}},
		{"by another address", 404, "", []string{bob, "To: <sip:201@192.0.2.2>"}},
		{"no user", 404, "", []string{bob, "To: <sip:office>"}},
		{"spelt otherwise", 200, "", []string{bob, "To: <sip:%3201@OFFICE>"}},
		{"no SIP", 400, "", []string{"Contact: <tel:+4930123>"}},
		{"with headers, kept as they are and never sent", 200, "", []string{"Contact: <sip:201@192.0.2.50?Route=x>"}},
		{"long", 400, "", []string{"Contact: <sip:" + strings.Repeat("2", maxContact) + "@192.0.2.50>"}},
		{"to the office by its name", 200, "", []string{"Contact: <sip:201@office>"}},
		{"to this phone", 403, "", []string{"Contact: <sip:201@192.0.2.1>"}},
		{"the same place twice", 400, "", []string{bob, "Contact: <sip:201@192.0.2.50:5060;x=1>"}},
		{"bad q", 400, "", []string{bob + ";q=1.1"}},
		{"worse q", 400, "", []string{bob + ";q=0.0001"}},
		{"q", 200, "q=0.000", []string{bob + ";q=0"}},
		{"asks too much", 420, "Unsupported gruu", []string{bob, "Require: path, gruu"}},
		{"a path unknown to the client", 421, "Require path", []string{bob, "Path: <sip:192.0.2.9;lr>"}},
		{"a path", 200, "Path <sip:192.0.2.9;lr>", []string{bob, "Path: <sip:192.0.2.9;lr>", "Supported: path"}},
		{"long path", 400, "", []string{bob, "Path: <sip:192.0.2.9>, <sip:a>, <sip:b>, <sip:c>, <sip:d>", "Supported: path"}},
		{"bad path", 400, "", []string{bob, "Path: <tel:1>", "Supported: path"}},
		{"bad reg-id", 400, "", []string{bob + uuid + ";reg-id=0", "Supported: outbound"}},
		{"huge reg-id", 400, "", []string{bob + uuid + ";reg-id=2147483648", "Supported: outbound"}},
		{"bad instance", 400, "", []string{bob + `;+sip.instance="a\"b"`}},
		{"outbound not at the first hop", 439, "", []string{bob + uuid + ";reg-id=1", "Supported: outbound",
			"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2, SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1"}},
		{"outbound through an edge proxy", 200, "Require outbound", []string{bob + uuid + ";reg-id=1", "Supported: outbound, path",
			"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2, SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1", "Path: <sip:token@192.0.2.9;lr;ob>"}},
		{"two flows at once", 400, "", []string{bob + uuid + ";reg-id=1", "Contact: <sip:201@192.0.2.51>", "Supported: outbound, path",
			"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2, SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1", "Path: <sip:token@192.0.2.9;lr;ob>"}},
		{"a long Call-ID", 400, "", []string{bob, "Call-ID: " + strings.Repeat("x", maxCallID+1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *ring, p *phone) {
				res := p.want(tc.status, tc.lines...)
				if !strings.Contains(strings.Join(res.fields, " "), tc.field) {
					t.Errorf("%q, want %q", res.fields, tc.field)
				}
				for _, b := range r.holds("sip:201@office") {
					if len(b.Agent) > maxAgent {
						t.Errorf("%d octets of User-Agent", len(b.Agent))
					}
				}
				if res.status != 200 && r.writes != 0 {
					t.Error("stored something of a request that failed")
				}
			})
		})
	}
}

func TestRemove(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		const aor, home = "sip:201@office", "Contact: <sip:201@192.0.2.51>"
		p.want(200, bob, home)
		if res := p.want(200, bob+";expires=0"); len(res.get("Contact")) != 1 || r.count(aor) != 1 {
			t.Errorf("%+v", res)
		}
		p.want(200, bob+";expires=0") // is not there: fine
		q := newPhone(t, r, 2)
		q.want(200, bob, "Call-ID: q")
		if res := p.want(200, "Contact: *", "Expires: 0"); len(res.get("Contact")) != 0 || r.count(aor) != 0 {
			t.Errorf("%+v", res)
		}
		if len(p.Clients()) != 0 {
			t.Errorf("%+v", p.Clients())
		}
		if !slices.Equal(p.heardAll(), []string{"+201@office", "-201@office", "-201@office"}) {
			t.Errorf("%q", p.heard)
		}
		// One that is removed at once with one that is added.
		p.want(200, bob)
		if res := p.want(200, bob+";expires=0", home); len(res.get("Contact")) != 1 || r.count(aor) != 1 {
			t.Errorf("%+v", res)
		}
	})
}

// No address has more than ten, however they come.
func TestTooMany(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		for i := range maxBindings {
			p.want(200, fmt.Sprintf("Contact: <sip:201@192.0.2.%d>", 100+i))
		}
		p.want(403, bob)
		p.want(200, "Contact: <sip:201@192.0.2.100>")                // a refresh
		p.want(200, bob, "Contact: <sip:201@192.0.2.100>;expires=0") // one for another
		newPhone(t, r, 2).want(403, "Contact: <sip:201@192.0.2.99>", "Call-ID: elsewhere")
		if n := r.count("sip:201@office"); n != maxBindings {
			t.Errorf("%d bindings", n)
		}
	})
}

// RFC 3261, section 10.3, step 7: "If it does agree, it compares the CSeq value. If
// the value is higher than that of the existing binding, it MUST update or remove
// the binding as above. If not, the update MUST be aborted and the request fails."
func TestOrder(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.want(200, bob, "CSeq: 10 REGISTER")
		p.want(500, bob, "CSeq: 10 REGISTER")
		p.want(500, bob, "CSeq: 9 REGISTER")
		p.want(500, bob+";expires=0", "CSeq: 9 REGISTER")
		p.want(500, "Contact: *", "Expires: 0", "CSeq: 9 REGISTER")
		p.want(500, "Contact: <sip:201@192.0.2.51>", bob, "CSeq: 9 REGISTER") // all or nothing
		if n := r.count("sip:201@office"); n != 1 {
			t.Errorf("%d bindings", n)
		}
		p.want(200, bob, "CSeq: 11 REGISTER") // not stored, but known
		p.want(500, bob, "CSeq: 11 REGISTER")
		p.want(200, bob, "CSeq: 1 REGISTER", "Call-ID: restarted")
		newPhone(t, r, 2).want(500, bob, "CSeq: 1 REGISTER", "Call-ID: restarted")
	})
}

// "Registrars MUST process REGISTERs for a particular address-of-record in the order
// that they are received" (RFC 3261, section 10.3).
func TestOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		var answers []chan reply
		for i := range maxLane + 3 {
			answers = append(answers, p.start(fmt.Sprintf("Contact: <sip:201@192.0.2.%d>", 100+i)))
		}
		other := p.start(bob, "From: <sip:202@office>;tag=a", "To: <sip:202@office>")
		start := time.Now()
		if res := <-other; res.status != 200 || time.Since(start) > 3*r.delay {
			t.Errorf("another address waited: %v", time.Since(start))
		}
		for i, a := range answers {
			res := <-a
			switch {
			case i > maxLane:
				if res.status != 503 || len(res.get("Retry-After")) != 1 {
					t.Errorf("%d: %+v", i, res)
				}
			case res.status != 200 || len(res.get("Contact")) != i+1:
				t.Errorf("%d: %+v", i, res)
			}
		}
	})
}

// A refresh is stored only if the location service would forget too early; the last
// one holds as long as was granted.
func TestRefresh(t *testing.T) {
	for _, tc := range []struct {
		expires, every time.Duration
		writes         int // of 30 REGISTERs
	}{
		{60 * time.Second, 30 * time.Second, 10},
		{60 * time.Second, 50 * time.Second, 15},
		{300 * time.Second, 150 * time.Second, 10},
		{3600 * time.Second, 600 * time.Second, 15},
		{3600 * time.Second, 1800 * time.Second, 30},
	} {
		bubble(t, func(t *testing.T, r *ring, p *phone) {
			const aor = "sip:201@office"
			for range 30 {
				start := time.Now()
				res := p.want(200, bob, fmt.Sprintf("Expires: %d", tc.expires/time.Second))
				if got := res.get("Contact"); len(got) != 1 || !strings.HasSuffix(got[0], fmt.Sprintf("expires=%d", tc.expires/time.Second)) {
					t.Errorf("%q", got)
				}
				if left := r.holds(aor)[0].Expires; left < tc.expires-100*time.Millisecond || left > tc.expires+min(tc.expires, maxSlack) {
					t.Errorf("%v granted, kept for %v", tc.expires, left)
				}
				time.Sleep(tc.every - time.Since(start))
			}
			if r.writes != tc.writes {
				t.Errorf("%+v: %d writes", tc, r.writes)
			}
			if n := p.Counters(); n.Granted != 30 || n.Unwritten != uint64(30-tc.writes) {
				t.Errorf("%+v", n)
			}
			// And when no more come it ends when it should.
			uri, _ := wire.ParseURI("sip:201@192.0.2.50:5060")
			time.Sleep(tc.expires - tc.every - 2*time.Second)
			p.do(func() {
				if who, b, ok := p.Served(uri); !ok || who != "201@office" || b.Expires > 2*time.Second || r.count(aor) != 1 {
					t.Errorf("gone too early: %q, %+v", who, b)
				}
			})
			pass(4 * time.Second)
			p.do(func() {
				if who, _, ok := p.Served(uri); ok || r.count(aor) != 0 {
					t.Errorf("not gone: %q", who)
				}
			})
			if heard := p.heardAll(); heard[len(heard)-1] != "-201@office" || p.Counters().Clients != 0 {
				t.Errorf("%q, %+v", p.heard, p.Counters())
			}
		})
	}
}

// What changes is stored at once.
func TestChangeIsStored(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		q := newPhone(t, r, 2)
		for i, f := range []func(){
			func() { p.want(200, bob) },
			func() { p.want(200, bob+";q=0.5") },
			func() { p.want(200, bob+";q=0.5", "User-Agent: other") },
			func() { p.want(200, bob+`;methods="INVITE"`) },
			func() { p.want(200, "Contact: <sip:201@192.0.2.50:5060;x=1>") }, // spelt otherwise: one binding
			func() { p.want(200, bob, "Path: <sip:192.0.2.9;lr>", "Supported: path") },
			func() { q.want(200, bob, "Call-ID: q") },                                                          // at another phone
			func() { p.want(200, bob, "Call-ID: p") },                                                          // and back
			func() { p.from.remote = netip.MustParseAddrPort("192.0.2.60:1"); p.want(200, bob, "Call-ID: p") }, // a translated address
		} {
			f()
			if r.writes != i+1 || r.count("sip:201@office") != 1 {
				t.Errorf("%d: %d writes, %d bindings", i, r.writes, r.count("sip:201@office"))
			}
		}
		if b := r.holds("sip:201@office")[0]; b.Flow != "token" || b.Contact != "sip:201@192.0.2.50:5060" {
			t.Errorf("%+v", b)
		}
	})
}

// A client that has gone to another phone is left alone by the first one.
func TestMoved(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		q := newPhone(t, r, 2)
		p.want(200, bob, "Expires: 60")
		time.Sleep(50 * time.Second)
		q.want(200, bob, "Expires: 60", "Call-ID: q")
		if res := p.want(200); len(res.get("Contact")) != 1 || len(p.Clients()) != 0 || len(p.Addresses()) != 0 { // it asked, and so p knows
			t.Errorf("%+v, %+v", res, p.Clients())
		}
		p.want(200, bob, "Expires: 60", "Call-ID: p") // back and forth
		time.Sleep(50 * time.Second)
		q.want(200, bob, "Expires: 60", "Call-ID: r")
		if len(p.Clients()) != 1 {
			t.Error("how should p know?")
		}
		pass(30 * time.Second) // p's has ended
		if n := r.count("sip:201@office"); n != 1 || len(p.Clients()) != 0 || len(q.Clients()) != 1 {
			t.Errorf("%d bindings, %+v, %+v", n, p.Clients(), q.Clients())
		}
		time.Sleep(40 * time.Second)
		if n := r.count("sip:201@office"); n != 0 {
			t.Errorf("%d bindings", n)
		}
	})
}

// A refresh that comes when the end is due holds.
func TestRefreshAtTheLastMoment(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.want(200, bob, "Expires: 60")
		time.Sleep(59500 * time.Millisecond)
		r.slow(3 * time.Second)
		p.want(200, bob, "Expires: 60", "User-Agent: new")
		pass(20 * time.Second)
		if r.count("sip:201@office") != 1 || len(p.Clients()) != 1 {
			t.Error("removed")
		}
	})
}

// A client whose phone was started anew comes back over another connection: the one
// before does not stay.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.want(200, "Contact: <sip:201@192.0.2.50>") // can be reached, and stays
		for i := range 2 * maxBindings {
			q := newPhone(t, r, 1)
			q.from.transport, q.from.token = stack.TLS, fmt.Sprint("flow", i)
			other := newPhone(t, r, 2)
			if res := q.want(200); len(res.get("Contact")) != 1 {
				t.Errorf("%d: %+v", i, res)
			}
			res := q.want(200, fmt.Sprintf("Contact: <sip:201@192.0.2.50:%d>", 10000+i), fmt.Sprint("Call-ID: q", i))
			if len(res.get("Contact")) != 2 || r.count("sip:201@office") != 2 {
				t.Errorf("%d: %+v", i, res)
			}
			if res := other.want(200); len(res.get("Contact")) != 2 { // another phone does not judge
				t.Errorf("%d: %+v", i, res)
			}
		}
		p.want(200, bob+";expires=0", "Contact: <sip:201@192.0.2.50>;expires=0")
		newPhone(t, r, 1).want(200, "Contact: *", "Expires: 0")
		if n := r.count("sip:201@office"); n != 0 {
			t.Errorf("%d bindings", n)
		}
	})
}

// The phone dies: what it stored outlives what it granted by no more than that.
func TestSlackIsBounded(t *testing.T) {
	for _, granted := range []time.Duration{60 * time.Second, time.Hour} {
		bubble(t, func(t *testing.T, r *ring, p *phone) {
			p.want(200, bob, fmt.Sprintf("Expires: %d", granted/time.Second))
			p.do(func() { p.loop.full = true }) // as good as dead
			time.Sleep(granted + 2*time.Second)
			if r.count("sip:201@office") != 1 {
				t.Error("the negative control: it was removed all the same")
			}
			time.Sleep(min(granted, maxSlack))
			if r.count("sip:201@office") != 0 {
				t.Error("still there")
			}
		})
	}
}

func TestRingFailure(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		r.breakDown(true)
		if res := p.want(503, bob); len(res.get("Retry-After")) != 1 {
			t.Errorf("%+v", res)
		}
		p.want(503)
		if len(p.Clients()) != 0 || p.Counters().Failed != 2 {
			t.Errorf("%+v", p.Counters())
		}
		r.breakDown(false)
		p.want(200, bob, "Expires: 60")
		r.breakDown(true)
		pass(70 * time.Second)
		r.breakDown(false)
		if r.count("sip:201@office") != 1 {
			t.Error("removed by whom?")
		}
		pass(tryAgain) // it is tried again
		if r.count("sip:201@office") != 0 || p.Counters().Clients != 0 {
			t.Error("not removed")
		}
		synctest.Wait()
		r.known = map[string]bool{}
		p.want(404, bob)
		p.cfg.Server = func() netip.AddrPort { return netip.AddrPort{} }
		r.known = nil
		p.want(503, bob)
	})
}

// Whose flow is the only way to it: see the package comment.
func TestFlow(t *testing.T) {
	const uuid = `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1`
	for _, tc := range []struct {
		name      string
		transport stack.Transport
		remote    string
		lines     []string
		flow      bool
		regID     uint32
	}{
		{"at its contact", stack.UDP, "192.0.2.50:5060", []string{bob}, false, 0},
		{"from another port", stack.UDP, "192.0.2.50:33333", []string{bob}, false, 0},
		{"translated", stack.UDP, "192.0.2.99:5060", []string{bob}, true, 0},
		{"by name", stack.UDP, "192.0.2.50:5060", []string{"Contact: <sip:201@desk.local>"}, true, 0},
		{"ob", stack.UDP, "192.0.2.50:5060", []string{"Contact: <sip:201@192.0.2.50:5060;ob>"}, true, 0},
		{"outbound is not for UDP", stack.UDP, "192.0.2.50:5060", []string{bob + uuid, "Supported: outbound"}, false, 0},
		{"listens", stack.TCP, "192.0.2.50:33333", []string{bob}, false, 0},
		{"does not listen", stack.TCP, "192.0.2.50:33333", []string{"Contact: <sip:201@192.0.2.50:33333;transport=tcp>"}, true, 0},
		{"TLS", stack.TLS, "192.0.2.50:33333", []string{bob}, true, 0},
		{"outbound", stack.TCP, "192.0.2.50:33333", []string{bob + uuid, "Supported: outbound, path"}, true, 1},
		{"outbound not asked for", stack.TCP, "192.0.2.50:33333", []string{bob + uuid}, false, 0},
		{"through a proxy", stack.TLS, "192.0.2.50:33333", []string{bob, "Path: <sip:192.0.2.9;lr>", "Supported: path"}, false, 0},
	} {
		bubble(t, func(t *testing.T, r *ring, p *phone) {
			p.from.transport, p.from.remote = tc.transport, netip.MustParseAddrPort(tc.remote)
			res := p.want(200, tc.lines...)
			b := r.holds("sip:201@office")[0]
			if (b.Flow != "") != tc.flow || b.RegID != tc.regID || (b.Instance != "") != (tc.regID != 0) {
				t.Errorf("%s: %+v", tc.name, b)
			}
			if got := strings.Join(res.get("Require"), ""); (got == "outbound") != (tc.regID != 0) {
				t.Errorf("%s: %+v", tc.name, res)
			}
		})
	}
}

// RFC 5626, section 6: the binding is known by instance and reg-id, whatever its
// Contact is.
func TestOutboundReplaces(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		const uuid = `;+sip.instance="<urn:uuid:1>"`
		p.from.transport = stack.TCP
		p.want(200, "Contact: <sip:201@192.0.2.50:33333>"+uuid+";reg-id=1", "Supported: outbound")
		p.want(200, "Contact: <sip:201@192.0.2.50:44444>"+uuid+";reg-id=2", "Supported: outbound")
		p.from.remote, p.from.token = netip.MustParseAddrPort("192.0.2.50:55555"), "new"
		res := p.want(200, "Contact: <sip:201@192.0.2.50:55555>"+uuid+";reg-id=1", "Supported: outbound", "Call-ID: rebooted")
		if got := res.get("Contact"); len(got) != 2 || !strings.Contains(got[1], `:55555>;expires=3600;+sip.instance="<urn:uuid:1>";reg-id=1`) {
			t.Errorf("%q", got)
		}
		for port, ok := range map[int]bool{33333: false, 44444: true, 55555: true} {
			uri, _ := wire.ParseURI(fmt.Sprintf("sip:201@192.0.2.50:%d", port))
			if _, _, served := p.Served(uri); served != ok {
				t.Errorf("%d: %v", port, served)
			}
		}
	})
}

// A thousand clients come back together; one more is sent to another phone.
func TestStorm(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		all := make([]chan reply, maxClients)
		for round := range 2 {
			start := time.Now()
			for i := range all {
				all[i] = p.start(fmt.Sprintf("Contact: <sip:%d@192.0.2.50:%d>;expires=60", 1000+i, 10000+i),
					fmt.Sprintf("To: <sip:%d@office>", 1000+i), fmt.Sprintf("From: <sip:%d@office>;tag=a", 1000+i))
			}
			for i, c := range all {
				if res := <-c; res.status != 200 {
					t.Fatalf("%d: %+v", i, res)
				}
			}
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("%v", d)
			}
			synctest.Wait()
			if r.most > maxRunning {
				t.Errorf("%d questions at once", r.most)
			}
			if r.writes != maxClients {
				t.Errorf("round %d: %d writes", round, r.writes)
			}
		}
		p.want(503, bob)
		if n := p.Counters(); n.Clients != maxClients || len(p.Clients()) != maxClients {
			t.Errorf("%+v", n)
		}
		// All leave without a word.
		pass(60*time.Second + 70*time.Second)
		if n := p.Counters(); n.Clients != 0 || len(p.book.byAOR)+len(p.book.byPlace) != 0 || len(p.lanes.busy)+len(p.lanes.queue)+p.lanes.waiting != 0 {
			t.Errorf("%+v", n)
		}
		if n := r.count("sip:1500@office"); n != 0 {
			t.Error("not removed")
		}
	})
}

// No goroutine to be had: it waits, and goes on by itself.
func TestStackIsFull(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.do(func() { p.loop.full = true })
		answer := p.start(bob)
		time.Sleep(3 * time.Second)
		p.do(func() { p.loop.full = false })
		if res := <-answer; res.status != 200 {
			t.Errorf("%+v", res)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("<sip:201@192.0.2.50>;q=0.5;expires=60;+sip.instance=\"<urn:x>\";reg-id=1", "60", "<sip:a;lr>", "outbound, path")
	f.Add("*", "0", "", "")
	f.Fuzz(func(t *testing.T, contact, expires, path, supported string) {
		msg, v := wire.Parse([]byte("REGISTER sip:office SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:201@office>;tag=a\r\nTo: <sip:201@office>\r\n" +
			"Call-ID: c\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContact: " + contact + "\r\nExpires: " + expires + "\r\nPath: " + path + "\r\nSupported: " + supported + "\r\n\r\n"))
		req, ok := msg.(*sip.Request)
		if !ok || !v.OK() {
			return
		}
		q, bad := read(req, "201", "office", source{transport: stack.TCP, token: "t"})
		if bad != nil {
			return
		}
		for _, b := range q.contacts {
			if b.Expires != 0 && (b.Expires < minExpires || b.Expires > maxExpires) || b.Q > 1000 {
				t.Errorf("%+v", b)
			}
			if len(b.Contact)+len(b.Instance)+len(b.CallID)+len(b.Methods)+len(strings.Join(b.Path, "")) > 3000 {
				t.Errorf("too large to be stored: %+v", b)
			}
			a, err := wire.ParseAddress(contactValue(b))
			if err != nil || a.URI.String() != b.Contact {
				t.Errorf("%q does not read back: %v", contactValue(b), err)
			}
		}
	})
}
