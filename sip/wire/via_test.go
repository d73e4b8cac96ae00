package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// A Via is written as sipgo writes it.
func TestWriteVia(t *testing.T) {
	for _, v := range []sip.ViaHeader{
		{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "192.0.2.1"},
		{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "TLS", Host: "phone.example", Port: 5061},
		{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "TCP", Host: "2001:db8::1", Port: 65535},
		{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "TCP", Host: "[2001:db8::1]", Params: sip.HeaderParams{}},
		{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "a", Port: 5060, Params: sip.HeaderParams{
			{K: "rport"}, {K: "branch", V: "z9hG4bKx"}, {K: "x", V: "two words"}, {K: `y="a b"`},
		}},
	} {
		var want strings.Builder
		v.StringWrite(&want)
		var got bytes.Buffer
		got.WriteString("before")
		writeVia(&got, &v)
		if got.String() != "before"+want.String() {
			t.Errorf("%q, want %q", got.String(), want.String())
		}
	}
}
