package link

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// inRing gives a link a view of a ring in which it is joined.
func inRing(pred, self overlay.Peer, succ ...overlay.Peer) func(*Config) {
	return func(c *Config) {
		c.Ring = func() chord.View {
			return chord.View{Self: self, Joined: true, Pred: pred, Succ: succ, Size: len(succ) + 1}
		}
	}
}

func peer(b byte) overlay.Peer { return overlay.Peer{ID: node(b)} }

// ask asks and must get an answer.
func (r *running) ask(via overlay.Peer, to chord.Dest, req reload.Body) (reload.Body, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	ans, _, err := r.Ask(ctx, via, to, req)
	if errors.Is(err, context.DeadlineExceeded) {
		r.t.Fatalf("%T: no answer; %+v", req, r.Stats())
	}
	return ans, err
}

// refused asks for what must be refused with an error code.
func (r *running) refused(want chord.Code, via overlay.Peer, to chord.Dest, req reload.Body) {
	r.t.Helper()
	ans, err := r.ask(via, to, req)
	var e *Error
	if !errors.As(err, &e) || e.Code != want {
		r.t.Errorf("%T: %#v, %v; want error %d", req, ans, err, want)
	}
}

func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// TestAnswers: what needs no state machine is answered by the link.
func TestAnswers(t *testing.T) {
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	slots := []overlay.Slot{
		{Resource: node(0x35), Kind: overlay.SIPRegistration, Key: "a"}, {Resource: node(0x35), Kind: overlay.SIPRegistration, Key: "b"},
		{Resource: node(0x20), Kind: overlay.OfficeMember}, {Resource: node(0x3f), Kind: overlay.SIPRegistration},
	}
	b := run(t, o.phone(node(0x40)), inRing(peer(0x30), peer(0x40), peer(0x80), peer(0x30)), func(c *Config) {
		c.Records, c.Version = slices.Values(slots), "phone/1"
	})
	to := b.Self()
	get := func(req reload.Body) reload.Body {
		t.Helper()
		ans, err := a.ask(to, chord.Dest{}, req)
		if err != nil {
			t.Fatal(err)
		}
		return ans
	}
	// "They SHOULD be returned in the requested order. Any other values MUST NOT
	// be returned." // RFC 6940, section 6.4.2.5.2
	probe := get(reload.ProbeReq{Types: []byte{reload.ProbeUptime, 77, reload.ProbeNumResources, reload.ProbeResponsibleSet, reload.ProbeUptime}})
	if diff := cmp.Diff(reload.ProbeAns{Info: []reload.ProbeInfo{
		{Type: reload.ProbeUptime, Value: u32(0)}, {Type: reload.ProbeNumResources, Value: u32(3)},
		{Type: reload.ProbeResponsibleSet, Value: u32(62745098)}, // 16/255
	}}, probe); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct{ key, next byte }{{0x35, 0x40}, {0x40, 0x40}, {0x50, 0x80}, {0x30, 0x30}, {0x81, 0x30}} {
		ans := get(reload.RouteQueryReq{To: reload.Resource(node(c.key))})
		if ans != (reload.RouteQueryAns{Next: node(c.next)}) {
			t.Errorf("to %#x over %v, want %#x", c.key, ans, c.next)
		}
	}
	found := func(k reload.Kind, closest ...byte) reload.Found { return reload.Found{Kind: k, Closest: closest} }
	id := func(b byte) []byte { x := node(b); return x[:] }
	for _, c := range []struct {
		at   byte
		want []reload.Found
	}{
		{0x31, []reload.Found{found(1, id(0x35)...), found(reload.KindPrivate, id(0x20)...), found(77, 0)}},
		{0x36, []reload.Found{found(1, id(0x3f)...), found(reload.KindPrivate, id(0x20)...), found(77, 0)}},
	} {
		ans := get(reload.FindReq{Resource: id(c.at), Kinds: []reload.Kind{1, reload.KindPrivate, 77}})
		if diff := cmp.Diff(reload.FindAns{Results: c.want}, ans); diff != "" {
			t.Error(diff)
		}
	}
	const start = 1_000_000 // of 1970: whoever asks has no clock
	track := get(reload.PathTrackReq{To: reload.Node(node(0x80)), Request: reload.DiagnosticsRequest{
		Initiated: start, Expiration: start + 5000, Flags: 1<<reload.DiagRoutingTableSize | 1<<reload.DiagSoftwareVersion,
	}}).(reload.PathTrackAns)
	if track.Response.Initiated != start || track.Response.HopCounter != reload.MaxTTL || overlay.ID(track.Next.ID) != node(0x80) {
		t.Errorf("%+v", track)
	}
	if diff := cmp.Diff([]reload.Diagnostic{
		{Kind: reload.DiagRoutingTableSize, Contents: u32(2)}, {Kind: reload.DiagSoftwareVersion, Contents: []byte("phone/1\x00")},
	}, track.Response.Info); diff != "" {
		t.Error(diff)
	}

	a.refused(chord.NotFound, to, chord.Dest{}, reload.AppAttachReq{Application: 5061, Role: []byte("passive")})
	a.refused(chord.NotFound, to, chord.Dest{}, reload.FindReq{Resource: id(0x50)})
	a.refused(chord.InvalidMessage, to, chord.Dest{}, reload.FindReq{Resource: id(0x31), Kinds: []reload.Kind{1, 1}})
	a.refused(chord.NotFound, to, chord.Dest{}, reload.RouteQueryReq{To: reload.Destination{Type: reload.DestOpaque, ID: []byte{1}}})
	a.refused(messageExpired, to, chord.Dest{}, reload.PathTrackReq{To: reload.Node(node(1)), Request: reload.DiagnosticsRequest{Initiated: 5, Expiration: 5}})
	a.refused(chord.Forbidden, to, chord.Dest{}, reload.ConfigUpdateReq{Type: reload.ConfigDocument})
	a.refused(chord.IncompatibleConfig, to, chord.Dest{}, reload.AttachReq{Role: []byte("passive")})
	a.refused(chord.InvalidMessage, to, chord.Dest{}, reload.StatReq{Resource: id(0x35)})
	a.refused(chord.InvalidMessage, to, chord.Dest{}, reload.FetchReq{Resource: []byte{1}})
	if d := b.Stats().Dropped; len(d) != 1 || d[Malformed.String()] != 2 {
		t.Errorf("b dropped %v", d)
	}
	if d := a.Stats().Dropped; len(d) != 0 {
		t.Errorf("a dropped %v", d)
	}

	// By address alone.
	if _, from, err := a.Ask(t.Context(), overlay.Peer{Addr: to.Addr}, chord.Dest{}, reload.ProbeReq{}); err != nil || from != b.id {
		t.Errorf("from %v, %v", from, err)
	}
	// Without a ring nobody knows the way.
	b.refused(chord.NotFound, a.Self(), chord.Dest{}, reload.RouteQueryReq{To: reload.Node(node(3))})
	b.refused(chord.NotFound, a.Self(), chord.Dest{ID: node(3), Resource: true}, reload.ProbeReq{})
}

// TestAttach: the answerer is the side that connects, and sends an Update where
// that is wanted. // RFC 6940, sections 6.4.2.3 and 6.5.1.13
func TestAttach(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	c := run(t, o.phone(node(3)), inRing(b.Self(), overlay.Peer{ID: node(3)}, b.Self()))
	// a asks c over b, as one does before there is a connection.
	b.Send(c.Self(), b.to(c.id, chord.Ping{}))
	c.receive()
	req := reload.AttachReq{Role: []byte("passive"), Candidates: []reload.Candidate{HostCandidate(a.Self().Addr)}, SendUpdate: true}
	ans, err := a.ask(b.Self(), chord.Dest{ID: c.id}, req)
	if err != nil {
		t.Fatal(err)
	}
	want := reload.AttachAns{Role: []byte("active"), Candidates: []reload.Candidate{HostCandidate(c.Self().Addr)}}
	if diff := cmp.Diff(want, ans, equate); diff != "" {
		t.Error(diff)
	}
	got := a.receive()
	update, ok := got.Msg.Body.(chord.Update)
	if !ok || got.From.ID != c.id {
		t.Fatalf("%+v from %v", got.Msg.Body, got.From)
	}
	if diff := cmp.Diff(chord.Table{Pred: []overlay.Peer{b.Self()}, Succ: []overlay.Peer{b.Self()}}, update.Table, equate); diff != "" {
		t.Error(diff)
	}
	if s := c.Stats(); s.Dials != 1 || s.Conns != 2 {
		t.Errorf("%+v", s)
	}
	for _, r := range []*running{a, b, c} {
		if d := r.Stats().Dropped; len(d) != 0 {
			t.Errorf("%s: %v", r.id.Short(), d)
		}
	}
}

// TestReplay: a message that ended here does not end here a second time, even
// with another good signature; nor does a message for neighbours that somebody
// else brings.
func TestReplay(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b, c := run(t, o.phone(node(1))), run(t, o.phone(node(2))), run(t, o.phone(node(3)))
	a.Send(b.Self(), a.to(b.id, chord.Ping{})) // it tells the address, which the others need not
	b.receive()
	m := a.to(b.id, chord.Ping{})
	for range 2 { // signed anew each time
		a.Send(b.Self(), m)
	}
	b.eventually("refusal", func() bool { return b.Stats().Dropped[Replayed.String()] == 1 })
	b.receive()
	a.Send(b.Self(), a.to(b.id, chord.Ping{}))
	b.receive() // the next one, not the second

	m = a.to(c.id, chord.Leave{})
	a.Send(b.Self(), m)
	b.eventually("refusal", func() bool { return b.Stats().Dropped[Relayed.String()] == 0 })
	old := b.receive().Msg // a tells b, who hands it on
	b.Send(c.Self(), old)
	c.eventually("refusal", func() bool { return c.Stats().Dropped[Relayed.String()] == 1 })
}

func TestReplaysBound(t *testing.T) {
	var r replays
	for i := range uint64(2 * maxReplays) {
		if !r.fresh(node(1), i, []byte("x")) {
			t.Fatalf("message %d is taken for a replay", i)
		}
	}
	if len(r.seen) != maxReplays || len(r.ring) != maxReplays {
		t.Errorf("%d and %d remembered", len(r.seen), len(r.ring))
	}
	if r.fresh(node(1), maxReplays, []byte("x")) {
		t.Error("the oldest that should be remembered is not")
	}
	if !r.fresh(node(2), maxReplays, []byte("x")) || !r.fresh(node(1), maxReplays, []byte("y")) {
		t.Error("another maker or another text is taken for a replay")
	}
}

// TestAnswersOfOthers: nobody answers in another's place.
func TestAnswersOfOthers(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	a.mu.Lock()
	a.questions[5] = &question{to: chord.Dest{ID: node(3)}, answer: make(chan *incoming, 1)}
	a.mu.Unlock()
	if err := b.say(a.Self(), b.header(5, []chord.Dest{{ID: a.id}}), reload.ProbeAns{}); err != nil {
		t.Fatal(err)
	}
	if err := b.say(a.Self(), b.header(6, []chord.Dest{{ID: a.id}}), reload.ProbeAns{}); err != nil {
		t.Fatal(err)
	}
	a.eventually("refusal", func() bool { return a.Stats().Dropped[Unasked.String()] == 2 })
}

// TestServeBound: what is answered for the asking is bounded.
func TestServeBound(t *testing.T) {
	now := time.Now()
	var shared allowance
	for range servePerSecond {
		if !shared.take(now, servePerSecond) {
			t.Fatal("a second's worth is too much")
		}
	}
	if shared.take(now, servePerSecond) {
		t.Error("more than a second's worth")
	}
	if !shared.take(now.Add(time.Second/servePerSecond), servePerSecond) {
		t.Error("nothing a moment later")
	}

	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	b.serves.at = now.Add(time.Hour) // nothing to spend until then
	if err := a.say(b.Self(), a.header(1, []chord.Dest{{ID: b.id}}), reload.ProbeReq{}); err != nil {
		t.Fatal(err)
	}
	b.eventually("refusal", func() bool { return b.Stats().Dropped[Busy.String()] == 1 })
}

func TestAskEnds(t *testing.T) {
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Ask(ctx, peer(9), chord.Dest{}, reload.ProbeReq{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(a.questions) != 0 {
		t.Error("the question is still there")
	}
	a.mu.Lock()
	for i := range uint64(maxQuestions) {
		a.questions[i] = nil
	}
	a.mu.Unlock()
	if _, _, err := a.Ask(t.Context(), peer(9), chord.Dest{}, reload.ProbeReq{}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if s := (&Error{node(1), chord.NotFound, "x"}).Error(); !strings.Contains(s, "01010101") || !strings.HasSuffix(s, ": x") {
		t.Error(s)
	}
}
