package ua

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
)

// These tests call a far end that plays by a script.

const sdpBody = `Content-Type: application/sdp

v=0 far
`

// called has 101 dial 102, which is a script that has seen the INVITE.
func called(o *office) (*phone, *siptest.Peer, net.Listener) {
	o.t.Helper()
	l, server := o.stranger("102", "10.0.0.2")
	a := o.phone("101", "10.0.0.1")
	a.Dial("x", "102")
	far := siptest.Accept(o.t, l, server)
	far.Patience = 40 * time.Second
	inv := far.Expect(`^INVITE sip:102@10.0.0.2:5061;transport=tls SIP/2.0$`)
	for field, want := range map[string]string{
		"From": `"Phone 101" <sip:101@office>;tag=`, "To": "<sip:102@office>", "Max-Forwards": "70",
		"Contact": "<sip:101@10.0.0.1:5061;transport=tls>", "Content-Type": "application/sdp", "Cseq": " INVITE",
		"Via": "SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bK",
	} {
		if !strings.Contains(inv.Get(field), want) {
			o.t.Errorf("%s: %s; want %s", field, inv.Get(field), want)
		}
	}
	if inv.Body != "v=0 offer\r\n" {
		o.t.Errorf("body %q", inv.Body)
	}
	return a, far, l
}

const contact102 = "Contact: <sip:102@10.0.0.2:5061;transport=tls>\n"

func TestFarSilent(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		a.quiet(replyTime - time.Millisecond)
		a.expect("^ended 480")
		far.Closed()
	})
}

func TestFarTryingOnly(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		inv := far.Last
		far.Reply("100 Trying", "")
		a.quiet(time.Minute)
		a.Hangup("x")
		a.expect("^ended 487 by=us")
		c := far.Expect("^CANCEL sip:102@10.0.0.2:5061;transport=tls ")
		for _, field := range []string{"Via", "From", "To", "Call-Id"} { // RFC 3261, section 9.1
			if c.Get(field) != inv.Get(field) {
				t.Errorf("%s: %s; want %s", field, c.Get(field), inv.Get(field))
			}
		}
		if c.Get("Cseq") != strings.Replace(inv.Get("Cseq"), "INVITE", "CANCEL", 1) {
			t.Error("CSeq: ", c.Get("Cseq"))
		}
		far.Reply("200 OK", "")
		far.Last = inv
		far.Reply("487 Request Terminated", "")
		far.Expect("^ACK ")
		far.Quiet(time.Minute)
	})
}

func TestFarIgnoresCancel(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		far.Reply("180 Ringing", "")
		a.expect("^progress 180")
		a.Hangup("x")
		a.expect("^ended 487")
		far.Expect("^CANCEL ")
		far.Quiet(2 * time.Minute)
	})
}

func TestFarRingsForEver(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		far.Reply("180 Ringing", "")
		a.expect("^progress 180")
		a.quiet(ringTime - time.Millisecond)
		a.expect("^ended 408")
		far.Expect("^CANCEL ")
	})
}

func TestFarRepeats200(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		inv := far.Last
		far.Reply("183 Session Progress", contact102+sdpBody)
		a.expect("^progress 183")
		a.quiet(time.Second) // no early media
		for range 3 {
			far.Last = inv
			far.Reply("200 OK", contact102+sdpBody)
			ack := far.Expect("^ACK sip:102@10.0.0.2:5061;transport=tls ")
			if ack.Get("Via") == inv.Get("Via") || ack.Get("Cseq") != strings.Replace(inv.Get("Cseq"), "INVITE", "ACK", 1) ||
				!strings.HasSuffix(ack.Get("To"), ";tag=far") || ack.Get("From") != inv.Get("From") {
				t.Errorf("bad ACK %v", ack)
			}
			time.Sleep(time.Second)
		}
		a.expect("^answered peer=102")
		far.Last = inv
		far.Vars["Tag"] = "other"
		far.Reply("200 OK", contact102+sdpBody)
		far.Quiet(time.Second)
		a.Hangup("x")
		a.expect("^ended 200")
		far.Expect("^BYE ")
		// A challenge is never answered.
		far.Reply("401 Unauthorized", `WWW-Authenticate: Digest realm="office", nonce="n"`+"\n")
		far.Quiet(time.Minute)
	})
}

func TestFarCrosses(t *testing.T) {
	t.Run("200 and CANCEL", func(t *testing.T) {
		inBubble(t, func(o *office) {
			a, far, _ := called(o)
			inv := far.Last
			far.Reply("180 Ringing", "")
			a.expect("^progress 180")
			a.Hangup("x")
			a.expect("^ended 487")
			far.Expect("^CANCEL ")
			far.Last = inv
			far.Reply("200 OK", contact102+sdpBody)
			far.Expect("^ACK ")
			far.Expect("^BYE ")
			far.Reply("200 OK", "")
			far.Quiet(time.Minute)
		})
	})
	t.Run("BYE and BYE", func(t *testing.T) {
		inBubble(t, func(o *office) {
			a, far, _ := called(o)
			inv := far.Last
			far.Reply("200 OK", contact102+sdpBody)
			far.Expect("^ACK ")
			a.expect("^answered")
			a.Hangup("x")
			a.expect("^ended 200 by=us")
			bye := far.Expect("^BYE ")
			far.Last = inv
			far.Send(`BYE sip:101@10.0.0.1:5061;transport=tls SIP/2.0
				Via: SIP/2.0/TLS 10.0.0.2:5061;branch=z9hG4bKbye
				From: <sip:102@office>;tag=far
				To: <sip:101@office>;tag=${From-Tag}
				Call-ID: ${Call-ID}
				CSeq: 7 BYE
				Max-Forwards: 70
				`)
			far.Expect("^SIP/2.0 200 ")
			far.Last = bye
			far.Reply("481 Call/Transaction Does Not Exist", "")
			far.Quiet(time.Minute)
		})
	})
}

func TestFarRefuses(t *testing.T) {
	for _, c := range []struct{ reply, extra, want string }{
		{"486 Busy Here", "", `^ended 486 by=far cause="Busy Here"`},
		{"603 Decline", `Reason: SIP;cause=603;text="not now` + "\u202e" + `"` + "\n", `^ended 603 by=far cause="not now"`},
		{"401 Unauthorized", `WWW-Authenticate: Digest realm="office", nonce="n", qop="auth"` + "\n", "^ended 401"},
		{"407 Proxy Authentication Required", `Proxy-Authenticate: Digest realm="office", nonce="n"` + "\n", "^ended 407"},
		{"302 Moved", "Contact: <sip:900@10.0.0.9:5061;transport=tls>\n", "^ended 302"},
		{"503 Service Unavailable", "", "^ended 503"},
	} {
		t.Run(c.reply, func(t *testing.T) {
			inBubble(t, func(o *office) {
				a, far, _ := called(o)
				far.Reply(c.reply, c.extra)
				far.Expect("^ACK ")
				a.expect(c.want)
				far.Quiet(time.Minute)
			})
		})
	}
}

func TestFarAnswersBadly(t *testing.T) {
	for what, extra := range map[string]string{
		"refuse":  contact102 + "Content-Type: application/sdp\n\nv=0 refuse\n",
		"nothing": contact102,
		"text":    contact102 + "Content-Type: text/plain\n\nv=0\n",
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(o *office) {
				a, far, _ := called(o)
				far.Reply("200 OK", extra)
				far.Expect("^ACK ")
				far.Expect("^BYE ")
				far.Reply("200 OK", "")
				a.expect("^ended 488 by=us")
			})
		})
	}
}

// Responses that fit nothing are dropped; broken framing ends the connection.
func TestFarMalformed(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, l := called(o)
		inv := far.Last
		for _, text := range []string{
			"SIP/2.0 200 OK\nFrom: ${From}\nTo: ${To};tag=far\nCall-ID: ${Call-ID}\nCSeq: ${CSeq}\n",
			"SIP/2.0 200 OK\nVia: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bKguess\nFrom: ${From}\nTo: ${To};tag=far\nCall-ID: ${Call-ID}\nCSeq: ${CSeq}\n",
			"SIP/2.0 200 OK\nVia: ${Via}\nFrom: ${From}\nTo: ${To};tag=far\nCall-ID: ${Call-ID}\nCSeq: 1 BYE\n",
			"SIP/2.0 200 OK\nVia: ${Via}\nFrom: ${From}\nTo: <<>>\nCall-ID: ${Call-ID}\nCSeq: ${CSeq}\n",
		} {
			far.Last = inv
			far.Send(text)
		}
		synctest.Wait()
		far.Reply("180 Ringing", "")
		a.expect("^progress 180")
		far.Write("HELLO\r\n\r\n")
		far.Closed()
		a.expect("^ended 480 by=far")
		l.Close()
	})
}

// A response with a second Via was not for us: RFC 3261, section 8.1.3.3.
func TestFarMisrouted(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		far.Send("SIP/2.0 200 OK\nVia: ${Via}\nVia: SIP/2.0/TLS 10.0.0.9:5061;branch=z9hG4bKx\nFrom: ${From}\nTo: ${To};tag=far\nCall-ID: ${Call-ID}\nCSeq: ${CSeq}\n" + contact102 + sdpBody)
		a.expect("^ended 480")
	})
}
