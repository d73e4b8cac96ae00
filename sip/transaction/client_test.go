package transaction

import (
	"testing"
)

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
