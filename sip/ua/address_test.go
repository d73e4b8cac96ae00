package ua

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseContact(t *testing.T) {
	for text, want := range map[string]string{
		"sip:102@192.0.2.7:5061;transport=tls":      "192.0.2.7:5061",
		"sip:102@192.0.2.7;transport=TLS":           "192.0.2.7:5061",
		"sips:102@192.0.2.7:5071":                   "192.0.2.7:5071",
		"sip:102@[2001:db8::1]:5061;transport=tls":  "[2001:db8::1]:5061",
		"sip:102@192.0.2.7:5060":                    "",
		"sip:102@192.0.2.7:5060;transport=udp":      "",
		"sip:102@telephone.test:5061;transport=tls": "",
		"sip:102@192.0.2.7:99999;transport=tls":     "",
		"tel:102":                                   "",
		"":                                          "",
		"*":                                         "",
		"sip:1\r\n@192.0.2.7;transport=tls":         "",
		"<sip:102@192.0.2.7;transport=tls>":         "",
		"sip:102@192.0.2.7;transport=tls?X=1":       "192.0.2.7:5061",
	} {
		c, ok := parseContact(text)
		if ok != (want != "") || ok && c.addr != netip.MustParseAddrPort(want) || strings.Contains(c.uri, "?") {
			t.Errorf("%q: %v %v", text, c, ok)
		}
	}
}
