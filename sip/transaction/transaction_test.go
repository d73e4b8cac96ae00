package transaction

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// machine is what the four have in common.
type machine interface {
	Step(now time.Time, ev Event) Actions
	Next() time.Time
	Octets() []byte
	Over() bool
}

var events = map[string]Kind{
	"tick": Tick, "again": Again, "ack": Acked, "1xx": Provisional, "2xx": Success, "final": Final,
	"broken": Broken, "cancel": Cancelled,
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// play does what a story says, "500 again" at 500 ms, and ticks whenever the machine
// wants to. It returns what happened, with the octets that a Send sends.
func play(t *testing.T, start func(now time.Time, reliable bool) (machine, Actions), reliable bool, story string) string {
	t.Helper()
	m, do := start(epoch, reliable)
	var out []string
	note := func(now time.Time, what string, do Actions) {
		if do == 0 {
			if what != "tick" {
				out = append(out, fmt.Sprintf("%d %s:", now.Sub(epoch).Milliseconds(), what))
			}
			return
		}
		text := do.String()
		if do.Has(Send) {
			text = strings.Replace(text, "send", "send "+string(m.Octets()), 1)
		}
		out = append(out, fmt.Sprintf("%d %s: %s", now.Sub(epoch).Milliseconds(), what, text))
	}
	if do != 0 {
		note(epoch, "start", do)
	}
	until := func(end time.Time) {
		for n := m.Next(); !n.IsZero() && !n.After(end); n = m.Next() {
			if do := m.Step(n.Add(-time.Nanosecond), Event{}); do != 0 {
				t.Errorf("a tick too early: %v", do)
			}
			note(n, "tick", m.Step(n, Event{}))
			if again := m.Next(); again.Equal(n) {
				t.Fatal("a tick that changes nothing")
			}
		}
	}
	for line := range strings.Lines(strings.TrimSpace(story)) {
		var ms int
		var word, octets string
		if n, _ := fmt.Sscan(line, &ms, &word, &octets); n < 2 {
			t.Fatalf("line %q", line)
		}
		now := epoch.Add(time.Duration(ms) * time.Millisecond)
		until(now)
		kind, ok := events[word]
		if !ok {
			t.Fatalf("event %q", word)
		}
		ev := Event{Kind: kind}
		if octets != "" {
			ev.Octets = []byte(octets)
		}
		do := m.Step(now, ev)
		if c, ok := m.(*InviteClient); ok && do.Has(Acknowledge) {
			c.Ack([]byte("ACK"))
		}
		note(now, strings.TrimSpace(word+" "+octets), do)
	}
	until(epoch.Add(time.Hour))
	if m.Over() != (len(out) > 0 && strings.HasSuffix(out[len(out)-1], "end")) {
		t.Error("Over does not say what End said")
	}
	for _, kind := range events {
		if m.Over() && m.Step(epoch.Add(2*time.Hour), Event{Kind: kind, Octets: []byte("x")}) != 0 {
			t.Error("alive after its end")
		}
	}
	return strings.Join(out, "\n")
}

func inviteClient(now time.Time, reliable bool) (machine, Actions) {
	m := &InviteClient{}
	return m, m.Start(now, []byte("INVITE"), reliable)
}

func client(now time.Time, reliable bool) (machine, Actions) {
	m := &Client{}
	return m, m.Start(now, []byte("BYE"), reliable)
}

func inviteServer(now time.Time, reliable bool) (machine, Actions) {
	m := &InviteServer{}
	m.Start(now, reliable)
	return m, 0
}

func server(_ time.Time, reliable bool) (machine, Actions) {
	m := &Server{}
	m.Start(reliable)
	return m, 0
}

type story struct {
	name     string
	quote    string
	reliable bool
	story    string
	want     string
}

func run(t *testing.T, start func(time.Time, bool) (machine, Actions), stories []story) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			got := play(t, start, s.reliable, s.story)
			var want []string
			for line := range strings.Lines(strings.TrimSpace(s.want)) {
				want = append(want, strings.TrimSpace(line))
			}
			if got != strings.Join(want, "\n") {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", s.quote, got, strings.Join(want, "\n"))
			}
		})
	}
}

func TestInviteClient(t *testing.T) {
	run(t, inviteClient, []story{{
		name:  "nobody answers",
		quote: "When timer A fires, the client transaction MUST retransmit the request [...] and MUST reset the timer with a value of 2*T1 [...] Timer B [...] 64*T1",
		want: `0 start: send INVITE
			500 tick: send INVITE
			1500 tick: send INVITE
			3500 tick: send INVITE
			7500 tick: send INVITE
			15500 tick: send INVITE
			31500 tick: send INVITE
			32000 tick: timed out, end`,
	}, {
		name: "nobody answers over TCP", quote: "If a reliable transport is being used, the client transaction SHOULD NOT start timer A", reliable: true,
		want: `0 start: send INVITE
			32000 tick: timed out, end`,
	}, {
		name:  "answered",
		quote: "RFC 6026: A 2xx response moves it to Accepted, where each further 2xx MUST be passed to the TU, until Timer M (64*T1) fires",
		story: "100 1xx\n600 1xx\n9000 2xx\n9500 2xx\n9600 1xx\n9700 final\n40999 2xx",
		want: `0 start: send INVITE
			100 1xx: pass
			600 1xx: pass
			9000 2xx: pass
			9500 2xx: pass
			9600 1xx:
			9700 final:
			40999 2xx: pass
			41000 tick: end`,
	}, {
		name: "answered over TCP", quote: "RFC 6026: Timer M is 64*T1 for every transport", reliable: true,
		story: "9000 2xx",
		want: `0 start: send INVITE
			9000 2xx: pass
			41000 tick: end`,
	}, {
		name:  "refused",
		quote: "Any retransmissions of the final response that are received while in the Completed state MUST cause the ACK to be re-passed to the transport layer [...] but the newly received response MUST NOT be passed up to the TU. [...] Timer D [...] at least 32 seconds for unreliable transports",
		story: "700 final\n1200 final\n1300 1xx\n1400 2xx\n2200 final",
		want: `0 start: send INVITE
			500 tick: send INVITE
			700 final: acknowledge, pass
			1200 final: send ACK
			1300 1xx:
			1400 2xx:
			2200 final: send ACK
			32700 tick: end`,
	}, {
		name: "refused over TCP", quote: "Timer D [...] zero seconds for reliable transports", reliable: true,
		story: "100 1xx\n700 final",
		want: `0 start: send INVITE
			100 1xx: pass
			700 final: acknowledge, pass, end`,
	}, {
		name:  "rings for ever",
		quote: "Timer B is a timer of Calling: once a provisional response came, only the TU ends it",
		story: "600 1xx\n3000000 1xx",
		want: `0 start: send INVITE
			500 tick: send INVITE
			600 1xx: pass
			3000000 1xx: pass`,
	}, {
		name:  "cancelled in vain",
		quote: "If there is no final response for the original request in 64*T1 seconds [...] the client SHOULD then consider the original transaction cancelled",
		story: "100 1xx\n1000 cancel",
		want: `0 start: send INVITE
			100 1xx: pass
			1000 cancel:
			33000 tick: timed out, end`,
	}, {
		name: "cancelled", quote: "a 487 ends it as any other",
		story: "100 1xx\n1000 cancel\n1100 1xx\n1200 final",
		want: `0 start: send INVITE
			100 1xx: pass
			1000 cancel:
			1100 1xx: pass
			1200 final: acknowledge, pass
			33200 tick: end`,
	}, {
		name: "transport fails", quote: "The client transaction SHOULD inform the TU that a transport failure has occurred, and [...] transition directly to the Terminated state",
		story: "100 broken",
		want: `0 start: send INVITE
			100 broken: failed, end`,
	}, {
		name: "transport fails at ACK", quote: "figure 5: Completed, Transport Err., inform TU",
		story: "100 final\n200 broken",
		want: `0 start: send INVITE
			100 final: acknowledge, pass
			200 broken: failed, end`,
	}})
}

func TestClient(t *testing.T) {
	run(t, client, []story{{
		name:  "nobody answers",
		quote: "Timer E [...] MIN(2*T1, T2) [...] 4*T1 [...] Timer F [...] 64*T1",
		want: `0 start: send BYE
			500 tick: send BYE
			1500 tick: send BYE
			3500 tick: send BYE
			7500 tick: send BYE
			11500 tick: send BYE
			15500 tick: send BYE
			19500 tick: send BYE
			23500 tick: send BYE
			27500 tick: send BYE
			31500 tick: send BYE
			32000 tick: timed out, end`,
	}, {
		name: "nobody answers over TCP", quote: "For reliable transports timer E is not set", reliable: true,
		want: `0 start: send BYE
			32000 tick: timed out, end`,
	}, {
		name:  "provisional",
		quote: "If Timer E fires while in the Proceeding state, the request MUST be passed to the transport layer for retransmission, and Timer E MUST be reset with a value of T2 seconds. If timer F fires while in the Proceeding state, the TU MUST be informed of a timeout",
		story: "600 1xx",
		want: `0 start: send BYE
			500 tick: send BYE
			600 1xx: pass
			1500 tick: send BYE
			5500 tick: send BYE
			9500 tick: send BYE
			13500 tick: send BYE
			17500 tick: send BYE
			21500 tick: send BYE
			25500 tick: send BYE
			29500 tick: send BYE
			32000 tick: timed out, end`,
	}, {
		name:  "answered",
		quote: "Completed state exists to buffer any additional response retransmissions that may be received [...] Timer K [...] T4 seconds for unreliable transports",
		story: "100 final\n200 final\n300 1xx\n400 broken",
		want: `0 start: send BYE
			100 final: pass
			200 final:
			300 1xx:
			400 broken:
			5100 tick: end`,
	}, {
		name: "answered over TCP", quote: "Timer K [...] zero seconds for reliable transports", reliable: true,
		story: "100 final",
		want: `0 start: send BYE
			100 final: pass, end`,
	}, {
		name: "transport fails", quote: "figure 6",
		story: "100 1xx\n200 broken",
		want: `0 start: send BYE
			100 1xx: pass
			200 broken: failed, end`,
	}})
}

func TestInviteServer(t *testing.T) {
	run(t, inviteServer, []story{{
		name:  "the user is slow",
		quote: "The server transaction MUST generate a 100 (Trying) response unless it knows that the TU will generate a provisional or final response within 200 ms",
		story: "100 again\n200 1xx 100\n700 again",
		want: `100 again:
			200 tick: trying
			200 1xx 100: send 100
			700 again: send 100`,
	}, {
		name:  "rings",
		quote: "If a request retransmission is received while in the Proceeding state, the most recent provisional response that was received from the TU MUST be passed to the transport layer for retransmission",
		story: "50 1xx 100\n60 1xx 180\n500 again\n1500 again\n60000 ack",
		want: `50 1xx 100: send 100
			60 1xx 180: send 180
			500 again: send 180
			1500 again: send 180
			60000 ack:`,
	}, {
		name:  "answered",
		quote: "RFC 6026: a request retransmission in Accepted is absorbed and MUST NOT be answered; 2xx passed down by the TU are sent; Timer L is 64*T1",
		story: "50 1xx 180\n900 2xx 200\n1000 again\n1400 2xx 200\n1450 1xx 180\n1500 final 486\n1600 broken",
		want: `50 1xx 180: send 180
			900 2xx 200: send 200
			1000 again:
			1400 2xx 200: send 200
			1450 1xx 180:
			1500 final 486:
			1600 broken:
			32900 tick: end`,
	}, {
		name: "answered over TCP", quote: "RFC 6026: Timer L is 64*T1 for every transport; an ACK of this branch is passed up", reliable: true,
		story: "0 2xx 200\n10 ack",
		want: `0 2xx 200: send 200
			10 ack: pass
			32000 tick: end`,
	}, {
		name:  "refused, no ACK",
		quote: "Timer G is set to fire in T1 seconds for unreliable transports [...] MIN(2*T1, T2) [...] If timer H fires while in the Completed state, it implies that the ACK was never received. [...] the server transaction MUST transition to the Terminated state, and MUST indicate to the TU that a transaction failure has occurred",
		story: "0 final 486\n400 again",
		want: `0 final 486: send 486
			400 again: send 486
			500 tick: send 486
			1500 tick: send 486
			3500 tick: send 486
			7500 tick: send 486
			11500 tick: send 486
			15500 tick: send 486
			19500 tick: send 486
			23500 tick: send 486
			27500 tick: send 486
			31500 tick: send 486
			32000 tick: timed out, end`,
	}, {
		name: "refused over TCP, no ACK", quote: "timer G is not set to fire for reliable transports", reliable: true,
		story: "0 final 486",
		want: `0 final 486: send 486
			32000 tick: timed out, end`,
	}, {
		name:  "refused",
		quote: "Confirmed state is to absorb any additional ACK messages that arrive [...] Timer I is set to fire in T4 seconds for unreliable transports",
		story: "0 final 486\n600 ack\n700 ack\n800 again\n900 2xx 200\n950 final 486",
		want: `0 final 486: send 486
			500 tick: send 486
			600 ack:
			700 ack:
			800 again:
			900 2xx 200:
			950 final 486:
			5600 tick: end`,
	}, {
		name: "refused over TCP", quote: "Timer I [...] zero seconds for reliable transports", reliable: true,
		story: "0 final 486\n600 ack",
		want: `0 final 486: send 486
			600 ack: end`,
	}, {
		name: "transport fails", quote: "figure 7: Proceeding, Transport Err., inform TU",
		story: "0 1xx 180\n10 broken",
		want: `0 1xx 180: send 180
			10 broken: failed, end`,
	}, {
		name: "transport fails when refused", quote: "figure 7: Completed, Transport Err., inform TU",
		story: "0 final 486\n10 broken",
		want: `0 final 486: send 486
			10 broken: failed, end`,
	}})
}

func TestServer(t *testing.T) {
	run(t, server, []story{{
		name: "absorbed", quote: "Once in the Trying state, any further request retransmissions are discarded",
		story: "500 again\n1500 again",
		want: `500 again:
			1500 again:`,
	}, {
		name:  "answered",
		quote: "Any other final responses passed by the TU to the server transaction MUST be discarded while in the Completed state. [...] Timer J [...] 64*T1",
		story: "500 again\n600 1xx 100\n700 again\n800 final 200\n900 again\n1000 final 404\n1100 1xx 183\n1200 again",
		want: `500 again:
			600 1xx 100: send 100
			700 again: send 100
			800 final 200: send 200
			900 again: send 200
			1000 final 404:
			1100 1xx 183:
			1200 again: send 200
			32800 tick: end`,
	}, {
		name: "answered over TCP", quote: "Timer J [...] zero seconds for reliable transports", reliable: true,
		story: "800 final 200",
		want:  `800 final 200: send 200, end`,
	}, {
		name: "transport fails", quote: "figure 8",
		story: "0 1xx 100\n100 broken",
		want: `0 1xx 100: send 100
			100 broken: failed, end`,
	}, {
		name: "transport fails when answered", quote: "figure 8",
		story: "0 final 200\n100 broken",
		want: `0 final 200: send 200
			100 broken: failed, end`,
	}})
}

// The octets of a 2xx are not kept: the user sends it again (RFC 6026, section 7.1).
func TestForget(t *testing.T) {
	m := &InviteServer{}
	m.Start(epoch, false)
	m.Step(epoch, Event{Kind: Provisional, Octets: []byte("180")})
	if m.Forget(); m.Octets() == nil {
		t.Error("forgot what it must repeat")
	}
	m.Step(epoch, Event{Kind: Success, Octets: []byte("200")})
	if m.Forget(); m.Octets() != nil {
		t.Error("kept a 2xx")
	}
}
