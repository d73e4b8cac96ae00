package sip

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/report"
)

func TestCases(t *testing.T) {
	all := cases(1, 4500)
	if len(all) != 4500 {
		t.Fatalf("%d cases", len(all))
	}
	if !reflect.DeepEqual(all, cases(1, 4500)) {
		t.Error("the same seed makes other cases")
	}
	if reflect.DeepEqual(all[:50], cases(2, 50)) {
		t.Error("another seed makes the same cases")
	}
	seen, fields, sdp := map[string]bool{}, map[string]bool{}, 0
	for i, c := range all {
		name, _, _ := strings.Cut(c.what, ": ")
		fields[name] = true
		if seen[c.what] {
			t.Errorf("twice: %s", c.what)
		}
		seen[c.what] = true
		if c.sdp {
			sdp++
		}
		data, _ := c.text(i, 7, client, "101")
		if len(data) > 65507 { // RFC 768: less IP and UDP
			t.Errorf("%s: %d octets", c.what, len(data))
		}
	}
	for _, p := range append(split(headTemplate), split(bodyTemplate)...) {
		if p.field != "" && !fields[p.field] {
			t.Errorf("nothing is wrong with %s in any case", p.field)
		}
	}
	if sdp < 1000 || sdp > 3500 {
		t.Errorf("%d of the cases are of SDP", sdp)
	}
}

// plainCase is the INVITE that cases are made of.
func plainCase(t *testing.T) []byte {
	t.Helper()
	c := assemble("", plain(headTemplate), false)
	data, id := c.text(3, 9, client, "101")
	m, ok := parseMessage(data)
	_, body, _ := strings.Cut(string(data), "\r\n\r\n")
	switch {
	case !ok, m.method != "INVITE", m.callID != id, m.field("to") == "", m.field("content-length") != strconv.Itoa(len(body)),
		strings.ContainsAny(string(data), "«»|"), strings.Contains(strings.ReplaceAll(string(data), "@127", ""), "@SELF"):
		t.Fatalf("not a plain request:\n%s", data)
	}
	return data
}

func TestAcknowledgement(t *testing.T) {
	invite := plainCase(t)
	m, _ := parseMessage(invite)
	for method, text := range map[string][]byte{
		"ACK": acknowledgement(invite, "<sip:a@b>;tag=1"), "CANCEL": cancel(invite),
	} {
		r, ok := parseMessage(text)
		if !ok || r.method != method || r.field("via") != m.field("via") || r.field("from") != m.field("from") ||
			r.callID != m.callID || r.field("cseq") != "1 "+method || !strings.HasSuffix(string(text), "Content-Length: 0\r\n\r\n") {
			t.Errorf("%s\n%s", method, text)
		}
		if want := map[string]string{"ACK": "<sip:a@b>;tag=1", "CANCEL": m.field("to")}[method]; r.field("to") != want {
			t.Errorf("%s To: %s", method, r.field("to"))
		}
	}
}

// pretend is a server that answers with what reply says of each request; nothing is no
// answer.
func pretend(t *testing.T, host *procs.Host, reply func(m message) []string) *target {
	t.Helper()
	var conn *net.UDPConn
	addr := netip.AddrPortFrom(phoneAddr, sipPort)
	if err := host.Do(func() (err error) {
		conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			m, ok := parseMessage(buf[:n])
			if err != nil || !ok || m.status != 0 {
				continue
			}
			for _, status := range reply(m) {
				conn.WriteToUDPAddrPort([]byte("SIP/2.0 "+status+" x\r\nVia: "+m.field("via")+"\r\nTo: "+m.field("to")+
					"\r\nCall-ID: "+m.callID+"\r\nCSeq: "+m.field("cseq")+"\r\n\r\n"), from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return &target{name: one, entry: phoneAddr}
}

func privateHost(t *testing.T) *procs.Host {
	t.Helper()
	h, err := procs.NewHost()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func TestRobust(t *testing.T) {
	host := privateHost(t)
	invites := 0
	var acks atomic.Int64
	srv := pretend(t, host, func(m message) []string {
		switch {
		case m.method == "INVITE" && strings.Contains(m.field("to"), "nobody"):
			if invites++; invites == 60 { // the warm-up sends fifty
				return []string{"200"}
			}
			return []string{"404"}
		case m.method == "INVITE":
			return []string{"100", "180", "487"}
		case m.method == "ACK":
			acks.Add(1)
		case m.method == "OPTIONS":
			return []string{"200"}
		}
		return nil
	})
	r, err := robust(t.Context(), host, srv, 1, 120, "101")
	if err != nil || !r.Alive || r.Sent != 120 {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.wrong() != 1 || len(r.Wrong) != 1 || r.Answers[404] == 0 || r.Answers[487] == 0 {
		t.Errorf("%+v", r)
	}
	if acks.Load() == 0 {
		t.Error("nothing was acknowledged")
	}
}

func TestRobustDeath(t *testing.T) {
	host := privateHost(t)
	n := 0
	srv := pretend(t, host, func(m message) []string {
		if m.method == "INVITE" {
			n++
		}
		if n > 195 { // a hundred are warm-up
			return nil
		}
		return []string{"400"}
	})
	r, err := robust(t.Context(), host, srv, 1, 1000, "101")
	if err != nil || r.Alive || r.LastSeen == "" || r.Sent >= 1000 {
		t.Errorf("a server that fell silent: %+v, %v", r, err)
	}
}

func TestTorture(t *testing.T) {
	host := privateHost(t)
	// Who says 400 to everything is right about some.
	srv := pretend(t, host, func(m message) []string { return []string{"400"} })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	all, err := torture(ctx, host, srv, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	right, of := score(all, "4475")
	if of != 49 || right < 15 || right > 35 {
		t.Errorf("%d of %d", right, of)
	}
}

func TestScenarios(t *testing.T) {
	files, err := scenarios.ReadDir("data")
	if err != nil || len(files) != 5 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for _, f := range files {
		text, err := scenarios.ReadFile("data/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("%s: %v", f.Name(), err)
				break
			}
		}
	}
	if n := len(accounts()); n > 500 {
		t.Errorf("%d accounts, and an office has at most 500", n)
	}
}

func TestRows(t *testing.T) {
	find := func(all []report.Row, id string) report.Row {
		for _, r := range all {
			if r.ID == id {
				return r
			}
		}
		t.Fatalf("no row %s", id)
		return report.Row{}
	}
	ours := figures{"cpu.call": {800, 1400, 900}, "early": {0}, "rfc4475": {48}, "capacity.calls": {500}}
	peer := figures{"cpu.call": {600}, "capacity.calls": {1000}}
	both := rowsOf(1, ours, peer)
	cpu := find(both, "cpu.call")
	if *cpu.Ours != 900 || cpu.OursSpread == nil || cpu.OursSpread.Least != 800 || cpu.OursSpread.Most != 1400 ||
		cpu.Bar.Limit != 900 || cpu.Verdict != report.Pass {
		t.Errorf("%+v %+v", cpu, cpu.Bar)
	}
	if r := find(both, "capacity.calls"); r.Verdict != report.Miss {
		t.Errorf("half of the peer's calls: %+v", r)
	}
	if r := find(both, "rfc4475"); r.Verdict != report.Miss {
		t.Errorf("48 of 49: %+v", r)
	}
	if r := find(both, "early"); r.Verdict != report.Pass {
		t.Errorf("none early: %+v", r)
	}
	if r := find(rowsOf(2, ours, peer), "cpu.call"); r.Bar.Limit != 1800 {
		t.Errorf("of two phones: %+v", r.Bar)
	}
	// Without a peer what would be compared is not run, never passed.
	if r := find(rowsOf(1, ours, nil), "cpu.call"); r.Verdict != report.NotRun {
		t.Errorf("without a peer: %+v", r)
	}
}

func TestRollup(t *testing.T) {
	n, err := parseRollup([]byte("5586 ---p 00000000 00:00 0 [rollup]\nRss:   5000 kB\nPss:                1234 kB\nPss_Anon: 7 kB\n"))
	if err != nil || n != 1234<<10 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := parseRollup(nil); err == nil {
		t.Error("nothing was read as a rollup")
	}
}
