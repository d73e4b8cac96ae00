package sip

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// A template is an INVITE with its fields marked, «name|value»; a case has something
// else in one of them.
const headTemplate = "«method|INVITE»«space| »«scheme|sip»:«user|nobody»@«host|" + domain + "»«uri parameters|;transport=udp»«space 2| »SIP/«version|2.0»\r\n" +
	"«Via name|Via»: SIP/«Via version|2.0»/«Via transport|UDP» «Via host|@SELF»;rport;branch=«branch|z9hG4bK@BRANCH»«Via parameters|»\r\n" +
	"«Max-Forwards name|Max-Forwards»: «Max-Forwards|70»\r\n" +
	"From: «From name|\"Caller\" »<«From scheme|sip»:«From user|caller»@«From host|" + domain + "»>;tag=«From tag|@TAG»«From parameters|»\r\n" +
	"To: «To name|»<«To URI|sip:nobody@" + domain + "»>«To parameters|»\r\n" +
	"Call-ID: «Call-ID|@CALL»\r\n" +
	"CSeq: «CSeq|1» «CSeq method|INVITE»\r\n" +
	"Contact: «Contact|<sip:caller@@SELF>»\r\n" +
	"Expires: «Expires|120»\r\n" +
	"Date: «Date|Sun, 22 Nov 2026 12:00:00 GMT»\r\n" +
	"Allow: «Allow|INVITE, ACK, CANCEL, BYE»\r\n" +
	"Supported: «Supported|timer»\r\n" +
	"Session-Expires: «Session-Expires|1800»\r\n" +
	"Accept: «Accept|application/sdp»\r\n" +
	"Subject: «Subject|a call»\r\n" +
	"Record-Route: «Record-Route|<sip:127.0.77.99;lr>»\r\n" +
	"Authorization: «Authorization|Digest username=\"caller\", realm=\"" + domain + "\", nonce=\"x\", uri=\"sip:nobody@" + domain + "\", response=\"00000000000000000000000000000000\"»\r\n" +
	"«odd name|X-Odd»: «odd value|odd»\r\n" +
	"Content-Type: «Content-Type|application/sdp»\r\n" +
	"Content-Length: «Content-Length|@LENGTH»\r\n" +
	"\r\n"

const bodyTemplate = "v=«SDP version|0»\r\n" +
	"o=«SDP user|caller» «SDP session|1» «SDP session version|1» «SDP net|IN» «SDP family|IP4» «SDP origin|@HOST»\r\n" +
	"s=«SDP name|-»\r\n" +
	"c=«SDP connection net|IN» «SDP connection family|IP4» «SDP connection|@HOST»\r\n" +
	"b=«SDP bandwidth|AS:64»\r\n" +
	"t=«SDP start|0» «SDP stop|0»\r\n" +
	"m=«SDP media|audio» «SDP port|40000» «SDP profile|RTP/AVP» «SDP formats|0 8 101»\r\n" +
	"a=rtpmap:«SDP payload|0» «SDP encoding|PCMU»/«SDP clock|8000»\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\n" +
	"a=fmtp:101 «SDP events|0-15»\r\n" +
	"a=ptime:«SDP ptime|20»\r\n" +
	"a=crypto:«SDP crypto|1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj»\r\n" +
	"a=«SDP direction|sendrecv»\r\n"

// part is a piece of a template: a field, or the text between two.
type part struct{ field, text string }

func split(template string) (parts []part) {
	for template != "" {
		before, rest, marked := strings.Cut(template, "«")
		if before != "" {
			parts = append(parts, part{text: before})
		}
		if !marked {
			return parts
		}
		inside, after, _ := strings.Cut(rest, "»")
		name, value, _ := strings.Cut(inside, "|")
		parts = append(parts, part{name, value})
		template = after
	}
	return parts
}

// maxCase bounds a case: what a datagram holds, with room for headers.
const maxCase = 60000

// malformed is one case.
type malformed struct {
	what string // "Via host: 4096 x A"
	data string // with @SELF and so on still in it
	sdp  bool   // goes to a telephone, since nobody else reads SDP
}

// anomaly makes something odd of a value.
type anomaly struct {
	what string
	of   func(value string) string
}

func constant(what, s string) anomaly { return anomaly{what, func(string) string { return s }} }

// anomalies are what is tried in each field.
func anomalies() (all []anomaly) {
	for _, n := range []int{63, 64, 127, 128, 255, 256, 257, 511, 1023, 1024, 2048, 4096, 16384, 32768, 50000} {
		all = append(all, constant(fmt.Sprintf("%d x A", n), strings.Repeat("A", n)))
	}
	for _, s := range []string{";", ",", "=", ":", "@", "<", ">", "\"", "(", "[", "/", "?", "%00", " ", "\t", "\x00", "\xff", "\r\n ", "%s", "%n%x", ".", "-", "0", "é", "\\", "a=b;", "a, "} {
		for _, n := range []int{1, 17, 1200} {
			all = append(all, constant(fmt.Sprintf("%d x %q", n, s), strings.Repeat(s, n)))
		}
	}
	for _, s := range []string{
		"", "0", "-1", "-2147483649", "255", "256", "65535", "65536", "99999", "2147483647", "2147483648", "4294967295", "4294967296",
		"9223372036854775808", "18446744073709551616", "1e9", "0x41", "+1", "1.5", "00000000000000000001", "١",
		"127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.1.75", "[::1]", "[::", "::1]", "[:::1]", "[fe80::1%25eth0]", "1.2.3.4.5", "999.1.1.1", "a..b", "-a-", "xn--\xc3",
		"*", "<>", "<<sip:a@b>>", "\"unclosed <sip:a@b>", "\"\\\" <sip:a@b>", "<sip:a@b", "sip:a@b>", "sip:", "sip:@", "tel:+1", "sips:a@b", "http://a/b", "data:,x",
		"\r\n", "\r\n\r\n", "\n", "\r", "x\r\nEvil: 1", "x\r\n\r\nBYE sip:a@b SIP/2.0", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xef\xbb\xbf", "\u202e", "\x1b[2J",
		"../../../../etc/passwd", "$(reboot)", "`reboot`", "';--", "{{7*7}}", "%41%42", "%", "%4", "%zz", "%0d%0aEvil:%201",
	} {
		all = append(all, constant(fmt.Sprintf("%q", s), s))
	}
	return append(all,
		anomaly{"twice", func(v string) string { return v + v }},
		anomaly{"twice, with a comma", func(v string) string { return v + ", " + v }},
		anomaly{"in blanks", func(v string) string { return " \t" + v + " \t" }},
		anomaly{"folded", func(v string) string { return "\r\n " + v }},
		anomaly{"quoted", func(v string) string { return "\"" + v + "\"" }},
		anomaly{"backwards", backwards},
		anomaly{"other case", strings.ToUpper},
		anomaly{"half", func(v string) string { return v[:len(v)/2] }},
		anomaly{"with a zero", func(v string) string { return v + "\x00" }},
	)
}

func backwards(s string) string {
	b := []byte(s)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	return string(b)
}

// cases makes n of them from a seed: first what concerns whole lines, then odd fields
// drawn from all there are, as many in SDP as SDP has fields.
func cases(seed uint64, n int) []malformed {
	all := append(lineCases(headTemplate, false), lineCases(bodyTemplate, true)...)
	for _, in := range []struct {
		template string
		sdp      bool
	}{{headTemplate, false}, {bodyTemplate, true}} {
		parts := split(in.template)
		for i, p := range parts {
			if p.field == "" {
				continue
			}
			for _, a := range anomalies() {
				var b strings.Builder
				for k, q := range parts {
					if k == i {
						b.WriteString(a.of(p.text))
					} else {
						b.WriteString(q.text)
					}
				}
				if b.Len() > maxCase {
					continue
				}
				all = append(all, assemble(p.field+": "+a.what, b.String(), in.sdp))
			}
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0x51))
	rng.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all[:min(n, len(all))]
}

// lineCases leave lines out, double, swap, cut and join them.
func lineCases(template string, sdp bool) (all []malformed) {
	lines := strings.SplitAfter(plain(template), "\r\n")
	lines = lines[:len(lines)-1]
	with := func(what string, i int, instead ...string) {
		out := append(append(append([]string{}, lines[:i]...), instead...), lines[i+1:]...)
		all = append(all, assemble(what+": "+strings.TrimSpace(lines[i]), strings.Join(out, ""), sdp))
	}
	for i, l := range lines {
		bare := strings.TrimSuffix(l, "\r\n")
		with("no line", i)
		with("line twice", i, l, l)
		with("line 200 times", i, strings.Repeat(l, 200))
		with("line ends in LF", i, bare+"\n")
		with("line ends in CR", i, bare+"\r")
		with("line without end", i, bare)
		with("line indented", i, " "+l)
		with("line without colon", i, strings.Replace(strings.Replace(l, ":", "", 1), "=", "", 1))
		with("empty line before", i, "\r\n", l)
		with("line backwards", i, backwards(bare)+"\r\n")
		all = append(all, assemble("cut: "+bare, strings.Join(lines[:i], "")+bare[:len(bare)/2], sdp))
	}
	return all
}

// plain is a template with nothing odd.
func plain(template string) string {
	var b strings.Builder
	for _, p := range split(template) {
		b.WriteString(p.text)
	}
	return b.String()
}

// assemble makes a whole message of a head or a body.
func assemble(what, text string, sdp bool) malformed {
	if sdp {
		return malformed{what: what, data: plain(headTemplate) + text, sdp: true}
	}
	return malformed{what: what, data: text + plain(bodyTemplate)}
}

// text is a case as it is sent by self, the i-th.
func (c malformed) text(i int, run int64, self netip.AddrPort, telephone string) (data []byte, callID string) {
	s := c.data
	if c.sdp {
		s = strings.ReplaceAll(s, "nobody", telephone)
	}
	callID = fmt.Sprintf("malformed-%d-%d", run, i)
	s = strings.NewReplacer("@SELF", self.String(), "@HOST", self.Addr().String(), "@BRANCH", fmt.Sprintf("%d.%d", run, i), "@TAG", fmt.Sprintf("t%d", i), "@CALL", callID).Replace(s)
	if strings.Contains(s, "@LENGTH") {
		_, body, _ := strings.Cut(s, "\r\n\r\n")
		s = strings.Replace(s, "@LENGTH", fmt.Sprint(len(body)), 1)
	}
	return []byte(s), callID
}
