package transaction

import (
	"testing"
)

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
