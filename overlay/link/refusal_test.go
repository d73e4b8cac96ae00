package link

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// exchange sends a request as change has it and returns the error it gets.
func (r *running) exchange(via overlay.Peer, change func(*reload.Header, *reload.Contents)) *Error {
	r.t.Helper()
	q := &question{to: chord.Dest{ID: everybody}, answer: make(chan *incoming, 1)}
	h := r.header(rand.Uint64(), []chord.Dest{{ID: via.ID}})
	c, err := reload.MakeContents(reload.PingReq{})
	if err != nil {
		r.t.Fatal(err)
	}
	change(&h, &c)
	r.mu.Lock()
	r.questions[h.Tx] = q
	r.mu.Unlock()
	r.send(via, &outgoing{header: h, contents: c})
	select {
	case in := <-q.answer:
		if e, ok := in.body.(reload.ErrorResponse); ok {
			return &Error{in.msg.From.ID, chord.Code(e.ErrorCode), string(e.Info)}
		}
		r.t.Fatalf("answered with %#v", in.body)
	case <-time.After(patience):
		r.t.Fatalf("no answer; %+v", r.Stats())
	}
	return nil
}

// TestRefusals: what cannot be answered gets the error that the RFC has for it,
// from the node that the RFC says.
func TestRefusals(t *testing.T) {
	o := newOffice(t, "office.example")
	a, c := run(t, o.phone(node(1))), run(t, o.phone(node(3)))
	b := run(t, o.phone(node(2)), func(cfg *Config) {
		cfg.Ring = func() chord.View {
			return chord.View{Self: cfg.Self, Joined: true, Pred: c.Self(), Succ: []overlay.Peer{c.Self()}}
		}
	})
	method := func(c *reload.Contents, code reload.Code) { c.Code, c.Body = code, nil }
	probe := func(h *reload.Header, c *reload.Contents) {
		*c, _ = reload.MakeContents(reload.ProbeReq{})
		h.To = destinations([]chord.Dest{{ID: node(3)}})
	}
	for _, tt := range []struct {
		name   string
		change func(*reload.Header, *reload.Contents)
		code   chord.Code
		from   overlay.ID
		why    Reason // none: the requests of these are good, or another node counts
		info   string
	}{
		{"critical extension", func(_ *reload.Header, c *reload.Contents) {
			c.Extensions = []reload.Extension{{Type: 0x77, Critical: true}}
		}, chord.UnknownExtension, b.id, Unsupported, "extension 0x77"},
		{"destination-critical option", func(h *reload.Header, _ *reload.Contents) {
			h.Options = []reload.Option{{Type: 9, Flags: reload.DestinationCritical}}
		}, chord.UnsupportedForward, b.id, Unsupported, "forwarding option 9"},
		{"forward-critical option on the way", func(h *reload.Header, c *reload.Contents) {
			probe(h, c)
			h.Options = []reload.Option{{Type: 9, Flags: reload.ForwardCritical}}
		}, chord.UnsupportedForward, b.id, Unsupported, "forwarding option 9"},
		{"destination-critical option passes on", func(h *reload.Header, c *reload.Contents) {
			probe(h, c)
			h.Options = []reload.Option{{Type: 9, Flags: reload.DestinationCritical}}
		}, chord.UnsupportedForward, c.id, reasons, "forwarding option 9"},
		{"critical extension passes on", func(h *reload.Header, c *reload.Contents) {
			probe(h, c)
			c.Extensions = []reload.Extension{{Type: 0x77, Critical: true}}
		}, chord.UnknownExtension, c.id, reasons, "extension 0x77"},
		{"TTL", func(h *reload.Header, c *reload.Contents) {
			probe(h, c)
			h.TTL = 1
		}, chord.TTLExceeded, b.id, TTLTooHigh, ""},
		{"method", func(_ *reload.Header, c *reload.Contents) { method(c, 0x23) }, chord.InvalidMessage, b.id, reasons, "no such method: 0x23"},
		{"body", func(_ *reload.Header, c *reload.Contents) { method(c, reload.CodeFindReq) }, chord.InvalidMessage, b.id, Malformed, ""},
		{"ring's body", func(_ *reload.Header, c *reload.Contents) { method(c, reload.CodeJoinReq) }, chord.InvalidMessage, b.id, Malformed, ""},
		{"unknown kind", func(_ *reload.Header, c *reload.Contents) {
			c.Code = reload.CodeFetchReq
			c.Body = append(append([]byte{1, 0}, 0, 14), 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		}, chord.UnknownKind, b.id, Malformed, "\x04\x00\x00\x00\x50"}, // KindId unknown_kinds<0..2^8-1>
		{"too old", func(h *reload.Header, _ *reload.Contents) { h.Config = 0 }, chord.ConfigTooOld, b.id, WrongConfig, "1"},
		{"too new", func(h *reload.Header, _ *reload.Contents) { h.Config = 2 }, chord.ConfigTooNew, b.id, WrongConfig, "1"},
	} {
		before := b.Stats().Dropped
		e := a.exchange(b.Self(), tt.change)
		if e.Code != tt.code || e.From != tt.from || tt.info != "" && e.Info != tt.info {
			t.Errorf("%s: %#v", tt.name, e)
		}
		after := b.Stats().Dropped
		if name := tt.why.String(); tt.why != reasons && after[name] != before[name]+1 {
			t.Errorf("%s: counted %v, then %v", tt.name, before, after)
		}
	}
}

// TestResponseCopy: "any node generating a response MUST copy the option from
// the request to the response" // RFC 6940, section 6.3.2.3
func TestResponseCopy(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	q := &question{to: chord.Dest{ID: b.id}, answer: make(chan *incoming, 1)}
	h := a.header(99, []chord.Dest{{ID: b.id}})
	h.Options = []reload.Option{{Type: 9, Flags: reload.ResponseCopy, Value: []byte("v")}, {Type: 8}}
	a.mu.Lock()
	a.questions[99] = q
	a.mu.Unlock()
	if err := a.say(b.Self(), h, reload.ProbeReq{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]reload.Option{{Type: 9, Value: []byte("v")}}, (<-q.answer).header.Options); diff != "" {
		t.Error(diff)
	}
}

// document is a Configuration that takes everything.
type document struct {
	sequence uint16
	text     string
	updates  chan string
}

func (d *document) Sequence() uint16 { return d.sequence }

func (d *document) Document() []byte { return []byte(d.text) }

func (d *document) Update(_ overlay.ID, req reload.ConfigUpdateReq) error {
	d.updates <- string(req.Document)
	return nil
}

// TestConfigSequence: a node with an old document is refused and gets the new
// one. // RFC 6940, section 6.3.2.1
func TestConfigSequence(t *testing.T) {
	o := newOffice(t, "office.example")
	old := &document{1, "old", make(chan string, 8)}
	young := &document{5, "new", make(chan string, 8)}
	a := run(t, o.phone(node(1)), func(c *Config) { c.Configuration = old })
	b := run(t, o.phone(node(2)), func(c *Config) { c.Configuration = young })
	a.Send(b.Self(), a.to(b.id, chord.Ping{}))
	if got := a.receive().Msg.Body; got != (chord.Error{Code: chord.ConfigTooOld, Info: "5"}) {
		t.Errorf("%#v", got)
	}
	if got := <-old.updates; got != "new" {
		t.Errorf("updated to %q", got)
	}
	b.Send(a.Self(), b.to(a.id, chord.Ping{}))
	if got := b.receive().Msg.Body; got != (chord.Error{Code: chord.ConfigTooNew, Info: "1"}) {
		t.Errorf("%#v", got)
	}
	// By hand, whatever sequence the other side has.
	if _, err := a.ask(b.Self(), chord.Dest{}, reload.ConfigUpdateReq{Type: reload.ConfigDocument, Document: []byte("by hand")}); err != nil {
		t.Error(err)
	}
	if got := <-young.updates; got != "by hand" {
		t.Errorf("updated to %q", got)
	}
}
