package wire

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

var invite = []byte("INVITE sip:102@192.0.2.7:5061;transport=tls SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK74bf9.1;rport\r\n" +
	"Via: SIP/2.0/TLS 192.0.2.12:5061;branch=z9hG4bK8cc4;received=192.0.2.13\r\n" +
	"Max-Forwards: 70\r\n" +
	"Record-Route: <sip:192.0.2.11;lr;transport=tls>\r\n" +
	"From: \"Alice\" <sip:101@office>;tag=9fxced76sl\r\n" +
	"To: <sip:102@office>\r\n" +
	"Call-ID: 3848276298220188511@192.0.2.11\r\n" +
	"CSeq: 2 INVITE\r\n" +
	"Contact: <sip:101@192.0.2.11:5060;ob>\r\n" +
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER\r\n" +
	"Supported: replaces, 100rel, timer, outbound\r\n" +
	"User-Agent: Desk/1.0\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 138\r\n\r\n" +
	"v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n")

var ringing = []byte("SIP/2.0 180 Ringing\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK74bf9.1;rport=5060;received=192.0.2.11\r\n" +
	"From: \"Alice\" <sip:101@office>;tag=9fxced76sl\r\n" +
	"To: <sip:102@office>;tag=8321234356\r\n" +
	"Call-ID: 3848276298220188511@192.0.2.11\r\n" +
	"CSeq: 2 INVITE\r\n" +
	"Contact: <sip:102@192.0.2.7:5060>\r\n" +
	"Content-Length: 0\r\n\r\n")

func BenchmarkParseInvite(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, v := Parse(invite); !v.OK() {
			b.Fatal(v)
		}
	}
}

// What sipgo's parser alone takes for the same message.
func BenchmarkSipgoInvite(b *testing.B) {
	p := sip.NewParser()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.ParseSIP(invite); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, v := Parse(ringing); !v.OK() {
			b.Fatal(v)
		}
	}
}

func BenchmarkSipgoResponse(b *testing.B) {
	p := sip.NewParser()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.ParseSIP(ringing); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBytes(b *testing.B) {
	msg, _ := Parse(invite)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Bytes(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRespond(b *testing.B) {
	msg, _ := Parse(invite)
	b.ReportAllocs()
	for b.Loop() {
		Response(msg.(*sip.Request), 180, "8321234356", "Contact", "<sip:102@192.0.2.7:5060>")
	}
}

func BenchmarkClone(b *testing.B) {
	msg, _ := Parse(invite)
	b.ReportAllocs()
	for b.Loop() {
		CloneRequest(msg.(*sip.Request))
	}
}
