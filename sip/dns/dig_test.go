//go:build interop

package dns

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// dig of BIND reads what is answered.
func TestDig(t *testing.T) {
	s := start(t, func() []Phone { return office.phones })
	for _, tc := range []struct{ args, want string }{
		{"office A", "192.0.2.1\n192.0.2.2\n"},
		{"+tcp office AAAA", "2001:db8::3\n"},
		{"102.office A", "192.0.2.2\n"},
		{"_sips._tcp.office SRV", "10 10 5061 101.office.\n20 10 5061 102.office.\n20 10 5061 103.office.\n"},
		{"+noedns office NAPTR", "10 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.office.\n20 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.office.\n30 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.office.\n"},
		{"104.office A", ""},
		{"example.com A", ""},
		{"+tcp office AXFR", "; Transfer failed.\n"},
	} {
		args := append([]string{"@" + s.Addr().Addr().String(), "-p", strconv.Itoa(int(s.Addr().Port())), "+short", "+timeout=2", "+tries=1"}, strings.Fields(tc.args)...)
		out, err := exec.Command("dig", args...).CombinedOutput()
		if string(out) != tc.want || err != nil && !strings.Contains(tc.args, "AXFR") {
			t.Errorf("dig %s: %v\n%s", tc.args, err, out)
		}
	}
}
