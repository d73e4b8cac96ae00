package message

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// What becomes of one message.
func TestVerdicts(t *testing.T) {
	long := strings.Repeat("x", MaxBody+1)
	for _, tt := range []struct {
		why, to, body string
		proxy         int // what the proxy says
		box           func(*box)
		status, kept  string
		sent          string // to the proxy
	}{
		{why: "somebody is there", to: "202", proxy: 200, status: "200", sent: "hi"},
		{why: "somebody is there, however long it is", to: "202", body: long, proxy: 200, status: "200", sent: long},
		{why: "somebody who does not want it", to: "202", proxy: 486, status: "486", sent: "hi"},
		{why: "somebody who will not have it anywhere", to: "202", proxy: 603, status: "603", sent: "hi"},
		{why: "nobody answers", to: "202", proxy: 408, status: "202", kept: "hi", sent: "hi"},
		{why: "nobody can be reached", to: "202", proxy: 480, status: "202", kept: "hi", sent: "hi"},
		{why: "the connection is gone", to: "202", proxy: 430, status: "202", kept: "hi", sent: "hi"},
		{why: "whoever serves it has failed", to: "202", proxy: 503, status: "202", kept: "hi", sent: "hi"},
		{why: "there is nobody", to: "203", status: "202", kept: "hi"},
		{why: "there is no such address", to: "404", status: "404"},
		{why: "a telephone shows it when its owner looks", to: "101", status: "202", kept: "hi"},
		{why: "too long to wait", to: "203", body: long, status: "413"},
		{why: "as long as may be", to: "203", body: long[1:], status: "202", kept: long[1:]},
		{why: "the Box says it is too long", to: "203", box: func(b *box) { b.putting = fmt.Errorf("%w: sealed", ErrTooLong) }, status: "413"},
		{why: "the Box is full", to: "203", box: func(b *box) { b.putting = fmt.Errorf("203: %w", ErrFull) }, status: "480"},
		{why: "the Box fails", to: "203", box: func(b *box) { b.putting = errors.New("no ring") }, status: "503"},
		{why: "the ring fails", to: "202", box: func(b *box) { b.reading = errors.New("no ring") }, status: "503"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			world(t, func(t *testing.T, p *phone) {
				if tt.body == "" {
					tt.body = "hi"
				}
				if tt.box != nil {
					tt.box(p.box)
				}
				p.answer(func(int, *sip.Request) int { return tt.proxy })
				p.delivers = false // another phone's, in this test
				res := p.say(p.sender(), tt.to, tt.body, tt.status)
				p.same("kept", p.bodies(), tt.kept)
				p.same("sent", p.texts(), tt.sent)
				if res.Get("Retry-After") == "" && (tt.status == "503" || tt.status == "480") {
					t.Error("no Retry-After")
				}
				synctest.Wait()
				p.mu.Lock()
				defer p.mu.Unlock()
				if want := tt.status == "202"; (len(p.stored) == 1) != want {
					t.Errorf("told of what is stored: %q", p.stored)
				}
			})
		})
	}
}

// What is passed on is the sender's own message, without what was between it and us.
func TestRelayed(t *testing.T) {
	world(t, func(t *testing.T, p *phone) {
		p.say(p.sender(), "202", "hi", "200")
		req := p.got[0]
		p.same("From", req.From().Value(), `"Alice" <sip:201@office>;tag=a`)
		p.same("Call-ID", string(*req.CallID()), "m1")
		for _, name := range []string{"Proxy-Authorization", "Route"} {
			if h := req.GetHeader(name); h != nil {
				t.Error(h)
			}
		}
		if len(req.GetHeaders("Via")) != 1 {
			t.Error(req.GetHeaders("Via"))
		}
	})
}

// Three messages wait; a contact registers; they come in order, each once, and
// "The Date header field ... SHOULD be inserted". Those sent while the delivery runs
// come behind.
func TestOrder(t *testing.T) {
	world(t, func(t *testing.T, p *phone) {
		c := p.sender()
		p.known["202@office"] = false
		p.answer(func(int, *sip.Request) int { return 480 })
		for _, text := range []string{"one", "two", "three"} {
			p.say(c, "202", text, "202")
		}
		settle(time.Second)
		p.same("waiting", p.bodies(), "one two three")
		before := len(p.got)
		p.got = nil
		p.set(func() { p.known["202@office"] = true })
		p.answer(func(n int, _ *sip.Request) int {
			if n == 1 { // somebody writes when the first is just on its way
				p.text(c, "202", "", "four")
			}
			return 200
		})
		p.registered()
		c.Expect("^SIP/2.0 202 ") // not 200: it has to wait behind the others
		settle(10 * time.Second)
		p.same("delivered", p.texts(), "one two three four")
		p.same("removed", strings.Join(p.removed, " "), "one two three four")
		p.same("waiting", p.bodies(), "")
		m := p.got[0]
		p.same("From", strings.Split(m.From().Value(), ";")[0], `"Alice" <sip:201@office>`)
		p.same("To", m.To().Value(), "<sip:202@office>")
		p.same("Content-Type", m.ContentType().Value(), "text/plain")
		if m.GetHeader("Date") == nil {
			t.Error("no Date")
		}
		p.registered()
		settle(time.Minute)
		p.same("delivered once", p.texts(), "one two three four")
		t.Logf("%d attempts while away", before)
	})
}

// Somebody who is registered but does not answer is tried at each registration, not
// in a circle.
func TestAbsent(t *testing.T) {
	world(t, func(t *testing.T, p *phone) {
		p.kept = []Message{{ID: "1", From: "201@office", To: "202@office", ContentType: "text/plain", Body: []byte("one")}}
		for i, status := range []int{480, 408, 430, 503, 500} {
			p.answer(func(int, *sip.Request) int { return status })
			p.registered()
			p.registered() // while it runs: once more, and that is all
			settle(time.Minute)
			if n := len(p.got); n != 2*(i+1) {
				t.Fatalf("%d: tried %d times", status, n)
			}
		}
		p.same("waiting", p.bodies(), "one")
	})
}

// One that is refused does not hold up those behind it. It is left alone for an hour.
func TestRefused(t *testing.T) {
	world(t, func(t *testing.T, p *phone) {
		for _, text := range []string{"bad", "good"} {
			p.kept = append(p.kept, Message{ID: text, From: "201@office", To: "202@office", ContentType: "text/plain", Body: []byte(text)})
		}
		p.answer(func(_ int, req *sip.Request) int {
			if string(req.Body()) == "bad" {
				return 415
			}
			return 200
		})
		p.in(p.service.Start)
		settle(time.Minute)
		p.same("sent", p.texts(), "bad good")
		p.same("waiting", p.bodies(), "bad")
		p.say(p.sender(), "202", "later", "202")
		settle(50 * time.Minute)
		p.same("sent", p.texts(), "bad good later")
		settle(15 * time.Minute)
		p.same("sent", p.texts(), "bad good later bad")
		p.answer(func(int, *sip.Request) int { return 200 })
		settle(time.Hour)
		p.same("sent", p.texts(), "bad good later bad bad")
		p.same("waiting", p.bodies(), "")
	})
}

// A message that was delivered but cannot be removed comes again, but nothing
// overtakes it and nothing stands still.
func TestFailingRemove(t *testing.T) {
	world(t, func(t *testing.T, p *phone) {
		for _, text := range []string{"one", "two"} {
			p.kept = append(p.kept, Message{ID: text, From: "201@office", To: "202@office", ContentType: "text/plain", Body: []byte(text)})
		}
		p.removing = 2
		p.in(p.service.Start)
		settle(2 * time.Minute)
		p.same("sent", p.texts(), "one one one two")
		p.same("waiting", p.bodies(), "")
	})
}

// Only the phone whose part it is delivers, and it looks again by itself.
func TestDelivers(t *testing.T) {
	world(t, func(t *testing.T, p *phone) {
		p.kept = []Message{{ID: "1", From: "201@office", To: "202@office", ContentType: "text/plain", Body: []byte("one")}}
		p.delivers = false
		p.in(p.service.Start)
		p.registered()
		settle(2 * time.Minute)
		p.same("sent", p.texts(), "")
		p.set(func() { p.delivers, p.reading = true, errors.New("no ring") })
		settle(2 * time.Minute)
		p.same("sent", p.texts(), "")
		p.set(func() { p.reading = nil })
		settle(lookEvery + time.Second)
		p.same("sent", p.texts(), "one")
		p.in(func() { p.service.Registered("203@office") }) // not served here
		p.in(func() { p.service.Registered("101@office") }) // read at the telephone
		settle(time.Second)
		p.same("sent", p.texts(), "one")
	})
}

const cpim = `Content-Type: message/cpim

From: <sip:201@office>
To: <sip:203@office>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: 34jk324j
imdn.Disposition-Notification: %s

Content-Type: text/plain

hi`

// RFC 5438: who asked is told that the message was stored, and who did not is not.
func TestReceipt(t *testing.T) {
	for _, asked := range []string{"positive-delivery, processing", "positive-delivery, negative-delivery", "PROCESSING"} {
		world(t, func(t *testing.T, p *phone) {
			c := p.sender()
			head, body, _ := strings.Cut(fmt.Sprintf(cpim, asked), "\n\n")
			p.text(c, "203", head, body)
			c.Expect("^SIP/2.0 202 ")
			settle(time.Second)
			if !strings.Contains(strings.ToLower(asked), "processing") {
				p.same("receipt", p.texts(), "")
				return
			}
			if len(p.got) != 1 {
				t.Fatalf("%d receipts", len(p.got))
			}
			r := p.got[0]
			p.same("to", wire.AOR(r.Recipient), "201@office")
			p.same("from", wire.AOR(r.From().Address), "203@office")
			p.same("type", r.ContentType().Value(), "message/CPIM")
			for _, part := range []string{"<message-id>34jk324j</message-id>", "<recipient-uri>sip:203@office</recipient-uri>",
				"<processing-notification><status><stored></stored></status></processing-notification>",
				"Content-Disposition: notification\r\n", "Content-Type: message/imdn+xml\r\n"} {
				if !strings.Contains(string(r.Body()), part) {
					t.Errorf("no %s in\n%s", part, r.Body())
				}
			}
		})
	}
	for _, text := range []string{"", "x", ":\r\n\r\n", strings.Repeat("a: b\r\n", 1000)} {
		if a := readCPIM("message/cpim", []byte(text)); a.processing {
			t.Errorf("%q: %+v", text, a)
		}
	}
}
