package sip

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/sip/wire/wiretest"
)

var (
	client = netip.MustParseAddrPort("127.0.77.21:5060")
	server = netip.MustParseAddrPort("127.0.77.1:5060")
)

// captured makes a capture of datagrams, as tcpdump writes it.
func captured(packets ...packet) []byte {
	var b bytes.Buffer
	word := func(v uint32) { binary.Write(&b, binary.NativeEndian, v) }
	word(pcapMicroseconds)
	b.Write(make([]byte, 12))
	word(1600)
	word(linkEthernet)
	for _, p := range packets {
		word(uint32(p.at.Unix()))
		word(uint32(p.at.Nanosecond() / 1000))
		n := uint32(etherHeader + 20 + 8 + len(p.payload))
		word(n)
		word(n)
		b.Write(append(make([]byte, 12), 8, 0))
		ip := make([]byte, 28)
		ip[0], ip[9] = 0x45, 17
		copy(ip[12:], p.from.Addr().AsSlice())
		copy(ip[16:], p.to.Addr().AsSlice())
		binary.BigEndian.PutUint16(ip[20:], p.from.Port())
		binary.BigEndian.PutUint16(ip[22:], p.to.Port())
		b.Write(ip)
		b.Write(p.payload)
	}
	return b.Bytes()
}

// at is a datagram so many milliseconds after the beginning.
func at(ms int, from, to netip.AddrPort, text string) packet {
	return packet{time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond), from, to, []byte(text)}
}

func request(method, id string) string {
	return method + " sip:callee@office.test SIP/2.0\r\nCall-ID: " + id + "\r\nCSeq: 1 " + method + "\r\n\r\n"
}

func response(status, method, id string, more ...string) string {
	return "SIP/2.0 " + status + "\r\ni: " + id + "\r\nCSeq: 1 " + method + "\r\n" + strings.Join(more, "") + "\r\n"
}

func TestCapture(t *testing.T) {
	far := netip.MustParseAddrPort("127.0.77.22:5060")
	file := captured(
		at(0, client, server, request("INVITE", "a")),
		at(1, server, far, request("INVITE", "a")), // sent on: not the caller's
		at(2, server, client, response("100 Trying", "INVITE", "a")),
		at(3, far, server, response("180 Ringing", "INVITE", "a")),
		at(4, server, client, response("180 Ringing", "INVITE", "a")),
		at(6, server, client, response("200 OK", "INVITE", "a")),
		at(7, client, server, request("ACK", "a")),
		at(9, server, client, response("200 OK", "INVITE", "a")), // sent again
		at(10, client, server, request("INVITE", "b")),
		at(510, client, server, request("INVITE", "b")), // sent again: it counts from the first
		at(511, server, client, response("200 OK", "INVITE", "b")),
		at(512, server, client, response("180 Ringing", "INVITE", "b")), // overtaken
		at(600, client, server, request("INVITE", "c")),
		at(601, server, client, response("503 Service Unavailable", "INVITE", "c", "Retry-After: 5\r\n")),
		at(602, client, server, request("INVITE", "d")),
		at(603, server, client, response("503 Service Unavailable", "INVITE", "d")),
		at(604, client, server, request("INVITE", "e")), // nobody answers
		at(700, client, server, request("BYE", "a")),
		at(701, server, client, response("200 OK", "BYE", "a")),
		at(702, server, client, "\r\n\r\n"),
		at(800, client, server, request("INVITE", "f")),
		at(801, server, client, response("180 Ringing", "INVITE", "f")),
		at(802, server, client, response("200 OK", "INVITE", "f")),
	)
	x := newExchanges(client.Addr())
	if err := readPcap(bytes.NewReader(file), x.packet); err != nil {
		t.Fatal(err)
	}
	x.end()
	for key, want := range map[string][]time.Duration{
		"INVITE 100": {2}, "INVITE 180": {4, 502, 1}, "INVITE 200": {6, 501, 2}, "INVITE 503": {1, 1}, "BYE 200": {1},
	} {
		got := x.times[key]
		if len(got) != len(want) {
			t.Errorf("%s: %v", key, got)
			continue
		}
		for i, w := range want {
			if got[i] != w*time.Millisecond {
				t.Errorf("%s: %v, want %v ms", key, got, want)
			}
		}
	}
	if x.early != 1 {
		t.Errorf("%d calls had their 200 before the 180, want 1", x.early)
	}
	if x.finals[200] != 3 || x.finals[503] != 2 || x.finals[0] != 1 || x.curt != 1 {
		t.Errorf("finals %v, %d without Retry-After", x.finals, x.curt)
	}

	for n := 25; n < len(file); n += 7 { // no end is taken for a whole capture, but at a record's
		err := readPcap(bytes.NewReader(file[:n]), func(packet) {})
		if whole := wholeRecords(file[:n]); (err == nil) != whole {
			t.Fatalf("%d of %d octets: %v", n, len(file), err)
		}
	}
	if err := readPcap(strings.NewReader(strings.Repeat("x", 100)), func(packet) {}); err == nil {
		t.Error("something else was taken for a capture")
	}
}

func wholeRecords(file []byte) bool {
	file = file[24:]
	for len(file) >= 16 {
		n := 16 + int(binary.NativeEndian.Uint32(file[8:]))
		if len(file) < n {
			return false
		}
		file = file[n:]
	}
	return len(file) == 0
}

func TestVoice(t *testing.T) {
	s := streams{}
	for i, seq := range []uint16{65533, 65534, 65535, 1, 0, 4} { // 2 and 3 are missing
		p := at(20*i, client, server, "")
		if i == 5 {
			p = at(200, client, server, "")
		}
		p.payload = make([]byte, 172)
		p.payload[0] = 0x80
		binary.BigEndian.PutUint16(p.payload[2:], seq)
		s.packet(p)
	}
	report := at(50, client, server, "")
	report.payload = append([]byte{0x80, 200, 0, 6}, make([]byte, 24)...)
	s.packet(report)
	if q := s.quality(); q.Streams != 1 || q.Packets != 6 || q.Missing != 2 || q.GapMax != 120 {
		t.Errorf("%+v", q)
	}
}

func TestStats(t *testing.T) {
	r, err := parseStats("TotalCallCreated;SuccessfulCall(C);FailedCall(C);Retransmissions(C);GenericCounter1(C);\n" +
		"5;5;0;0;0;\n100;90;10;7;20;\n")
	if err != nil || r.Created != 100 || r.OK != 90 || r.Failed != 10 || r.Again != 7 || r.good() != 70 {
		t.Errorf("%+v, %v", r, err)
	}
	for what, text := range map[string]string{
		"empty": "", "head only": "TotalCallCreated;\n", "another's": "a;b\n1;2\n",
	} {
		if _, err := parseStats(text); err == nil {
			t.Errorf("%s statistics were read", what)
		}
	}
	if (result{Created: 10, OK: 10, Refused: 1}).clean(10) || (result{Created: 10, OK: 9, Failed: 1}).clean(10) || !(result{Created: 10, OK: 10}).clean(10) {
		t.Error("clean")
	}
}

func TestExpectations(t *testing.T) {
	all := expectations()
	for _, c := range wiretest.Torture() {
		e, ok := all[c.Name]
		if !ok {
			t.Errorf("nothing is expected of %s", c.Name)
		}
		if c.Response() && !e.right(nil) {
			t.Errorf("%s is a response and is to be answered", c.Name)
		}
		delete(all, c.Name)
	}
	for name := range all {
		t.Errorf("%s is expected, and is not there", name)
	}
	answered := func(status int, contact string) *message {
		return &message{status: status, fields: []field{{"contact", "<sip:other@192.0.2.7>"}, {"contact", contact}}}
	}
	for _, c := range []struct {
		name string
		m    *message
		want bool
	}{
		{"wsinv", answered(404, ""), true}, {"wsinv", answered(400, ""), false}, {"wsinv", nil, false},
		{"esc02", answered(200, ""), false}, // RFC 4475, section 3.1.1.5: not a REGISTER
		{"badvers", answered(505, ""), true}, {"badvers", answered(400, ""), false},
		{"bcast", nil, true}, {"bcast", answered(400, ""), false},
		{"trws", answered(400, ""), true}, {"trws", answered(404, ""), true}, {"trws", nil, false},
		{"cparam01", answered(200, "<sip:watson@a.example>;expires=60"), true},
		{"cparam01", answered(200, "<sip:watson@a.example;unknownparam>;expires=60"), false},
		{"cparam01", answered(403, ""), false},
		{"cparam02", answered(200, "<sip:watson@a.example;unknownparam>;expires=60"), true},
		{"cparam02", answered(200, "<sip:watson@a.example>;expires=60"), false},
	} {
		if got := expectations()[c.name].right(c.m); got != c.want {
			t.Errorf("%s answered with %+v: right is %v", c.name, c.m, got)
		}
	}
}

func TestTortureMessages(t *testing.T) {
	for name, want := range map[string]uint16{
		"quotbal": 5050, "wsinv": 5060, "ipv6-good": 5060, "mult-ip-in-header": 6050, "ipv4-mapped-ipv6": 19823, "test": 5060,
	} {
		if got := sentBy(wiretest.Message(name)); got != want {
			t.Errorf("answers to %s go to port %d, want %d", name, got, want)
		}
	}
	data := fresh(wiretest.Message("lwsdisp"), ".7")
	m, ok := parseMessage(data)
	if !ok || !strings.HasSuffix(m.callID, ".7") || !strings.Contains(m.field("via"), "kkdjuw.7") && !strings.Contains(m.field("via"), ".7") {
		t.Errorf("not made fresh:\n%s", data)
	}
	own := answers(data, ".7")
	for text, want := range map[string]bool{
		"SIP/2.0 404 Not Found\r\nVia: " + m.field("via") + ";received=127.0.0.1\r\nCall-ID: x\r\n\r\n":        true,
		"SIP/2.0 404 Not Found\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKother\r\nCall-ID: " + m.callID + "\r\n\r\n": false,
	} {
		if r, _ := parseMessage([]byte(text)); own(r) != want {
			t.Errorf("taken for an answer: %v, of\n%s", !want, text)
		}
	}
	// A message without Call-ID is answered by whatever is not an answer to ours.
	none := answers(fresh(wiretest.Message("insuf"), ".8"), ".8")
	if none(message{callID: "agent-5060-1@127.0.0.1", status: 200}) {
		t.Error("an answer to OPTIONS was taken for that to insuf")
	}
}

func TestScore(t *testing.T) {
	var all []outcome
	for _, c := range wiretest.Torture() {
		all = append(all, outcome{Name: c.Name, RFC: c.RFC, Right: true, Alive: true})
	}
	all[0].Right, all[1].Alive = false, false
	for rfc, want := range map[string][2]int{"4475": {47, 49}, "5118": {12, 12}} {
		if right, of := score(all, rfc); right != want[0] || of != want[1] {
			t.Errorf("RFC %s: %d of %d", rfc, right, of)
		}
	}
}
