//go:build interop

package capture_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/capture"
	"chordophone/overlay/reload"
)

// checkDissection: each frame reaches the dissector it is for, nothing in it is
// malformed or worth a remark, and its fields are what the sender meant.
func checkDissection(t *testing.T, x *life, messages []message, file []byte) {
	rows := tshark(t, file)
	if len(rows) != len(x.frames) {
		t.Fatalf("tshark sees %d frames of %d", len(rows), len(x.frames))
	}
	for i, r := range rows {
		if r.one("_ws.malformed")+r.one("_ws.expert.severity")+r.one("_ws.expert.message") != "" {
			t.Errorf("frame %d: malformed %q, expert %q %q", i, r["_ws.malformed"], r["_ws.expert.severity"], r["_ws.expert.message"])
		}
		if !strings.Contains(strings.Join(r["frame.protocols"], ","), "reload-framing") {
			t.Errorf("frame %d is taken for %v", i, r["frame.protocols"])
		}
	}
	byKey := make(map[string][]row) // several where a message was passed on
	for _, m := range messages {
		r := rows[m.frame]
		key := fmt.Sprint(m.Tx, m.Code)
		byKey[key] = append(byKey[key], r)
		if p := r.one("frame.protocols"); !strings.Contains(p+":", ":reload-framing:reload:") {
			t.Errorf("frame %d does not reach the RELOAD dissector: %s", m.frame, p)
			continue
		}
		for field, want := range map[string]uint64{
			"reload_framing.type": 128, "reload_framing.sequence": uint64(m.seq), "reload_framing.message.length": uint64(len(m.octets)),
			"reload.forwarding.trans_id": m.Tx, "reload.message.code": uint64(m.Code), "reload.forwarding.overlay": uint64(m.Overlay),
			"reload.forwarding.ttl": uint64(m.TTL), "reload.forwarding.configuration_sequence": uint64(m.Config),
			"reload.forwarding.via_list.length": 18 * uint64(len(m.Via)), "reload.forwarding.destination_list.length": lengthOf(m.To),
		} {
			if got := r.number(t, field); got != want {
				t.Errorf("frame %d: %s is %d, want %d", m.frame, field, got, want)
			}
		}
		checkBody(t, m, r)
	}
	// What the state machines handed over to be sent.
	lost := 0
	for _, s := range x.sent {
		rows := byKey[fmt.Sprint(s.tx, s.code)]
		if len(rows) == 0 {
			lost++ // to a phone that was gone
			continue
		}
		if !slices.ContainsFunc(rows, func(r row) bool {
			return containsAll(r["reload.destination.data.nodeid"], s.to) &&
				(s.code != reload.CodeFetchAns || containsAll(r["reload.kinddata.kind"], s.kinds))
		}) {
			t.Errorf("%+v is not among %v", s, rows)
		}
	}
	t.Logf("%d messages from the ring, %d of them not sent since the other side was off", len(x.sent), lost)
	if lost > len(x.sent)/10 {
		t.Errorf("%d of %d messages are not in the capture", lost, len(x.sent))
	}
}

func lengthOf(list []reload.Destination) (n uint64) {
	for _, d := range list {
		n += 2 + uint64(len(d.ID))
		if d.Type == reload.DestResource {
			n++
		}
	}
	return n
}

func containsAll(got, want []string) bool {
	for _, w := range want {
		if !slices.Contains(got, w) {
			return false
		}
	}
	return true
}

// checkBody compares what is particular to a method.
func checkBody(t *testing.T, m message, r row) {
	t.Helper()
	body, err := reload.ParseBody(m.Code, m.Body)
	if err != nil {
		t.Errorf("frame %d: %v", m.frame, err)
		return
	}
	is := func(field string, want ...string) {
		t.Helper()
		if got := r[field]; !slices.Equal(got, want) {
			t.Errorf("frame %d, %T: %s is %v, want %v", m.frame, body, field, got, want)
		}
	}
	number := func(field string, b []byte) {
		n := uint64(0)
		for _, o := range b {
			n = n<<8 | uint64(o)
		}
		if got := r.number(t, field); got != n {
			t.Errorf("frame %d, %T: %s is %d, want %d", m.frame, body, field, got, n)
		}
	}
	has := func(field string, want ...string) {
		t.Helper()
		if got := r[field]; !containsAll(got, want) {
			t.Errorf("frame %d, %T: %s is %v, without %v", m.frame, body, field, got, want)
		}
	}
	switch b := body.(type) {
	case reload.JoinReq:
		is("reload.joinreq.joining_peer_id", b.Joining.String())
	case reload.LeaveReq:
		is("reload.leavereq.leaving_peer_id", b.Leaving.String())
		has("reload.nodeid", hexes(b.Neighbors)...)
	case reload.UpdateReq:
		has("reload.nodeid", hexes(append(slices.Clone(b.Pred), b.Succ...))...)
	case reload.StoreReq:
		is("reload.store.replica_number", fmt.Sprint(b.Replica))
		for _, k := range b.Kinds {
			has("reload.kinddata.kind", fmt.Sprint(uint32(k.Kind)))
		}
	case reload.FetchReq:
		for _, s := range b.Specifiers {
			has("reload.kinddata.kind", fmt.Sprint(uint32(s.Kind)))
		}
	case reload.ErrorResponse:
		is("reload.error_response.code", fmt.Sprint(b.ErrorCode))
	case reload.RouteQueryAns:
		is("reload.chordroutequeryans.nodeid", b.Next.String())
	case reload.ProbeAns:
		for _, i := range b.Info {
			number(map[uint8]string{
				reload.ProbeResponsibleSet: "reload.responsible_set", reload.ProbeNumResources: "reload.num_resources", reload.ProbeUptime: "reload.uptime",
			}[i.Type], i.Value)
		}
	case reload.AttachReq:
		is("reload.ipv4addr", b.Candidates[0].Addr.Addr().String())
	case reload.AttachAns:
		is("reload.ipv4addr", b.Candidates[0].Addr.Addr().String())
	}
}

// checkPathTrack: tshark 4.0 knows PathTrack as a draft had it: with the message
// codes 101 and 102, and without timestamp_initiated in the answer (RFC 7851,
// sections 9.3 and 5.2). It judges the request, and where the path goes on, when it
// is given that. Of the list behind hop_counter it makes nothing, since it does not
// step over that octet.
func checkPathTrack(t *testing.T, messages []message) {
	var (
		hub      capture.Hub
		file     bytes.Buffer
		from, to = netip.MustParseAddrPort("127.0.77.1:6084"), netip.MustParseAddrPort("127.0.77.2:6084")
		answers  []reload.PathTrackAns
		ctx, end = context.WithCancel(t.Context())
		ended    = make(chan error, 1)
	)
	go func() {
		_, err := hub.Run(ctx, &file)
		ended <- err
	}()
	for hub.Running() == 0 {
		runtime.Gosched()
	}
	for _, m := range messages {
		switch m.Code {
		case reload.CodePathTrackReq:
			m.Code = 101
		case reload.CodePathTrackAns:
			body, err := reload.ParseBody(m.Code, m.Body)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, body.(reload.PathTrackAns))
			m.Code = 102
			const initiated = 2 + 16 + 8 // behind next_hop and expiration
			m.Body = slices.Delete(slices.Clone(m.Body), initiated, initiated+8)
		default:
			continue
		}
		octets, err := m.Message.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		frame, err := reload.AppendData(nil, m.seq, octets)
		if err != nil {
			t.Fatal(err)
		}
		hub.Frame(time.Now(), from, to, frame)
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	rows := tshark(t, file.Bytes())
	if len(rows) != 2*len(answers) || len(answers) == 0 {
		t.Fatalf("tshark sees %d frames", len(rows))
	}
	for i, r := range rows {
		if i%2 == 0 { // the request
			if r.one("_ws.malformed")+r.one("_ws.expert.severity")+r.one("_ws.expert.message") != "" {
				t.Errorf("malformed %q, expert %q %q", r["_ws.malformed"], r["_ws.expert.severity"], r["_ws.expert.message"])
			}
			continue
		}
		ans := answers[i/2]
		if got := r.number(t, "reload.diagnosticresponse.hopcounter"); got != uint64(ans.Response.HopCounter) {
			t.Errorf("hop counter %d, want %d", got, ans.Response.HopCounter)
		}
		if got, want := r["reload.destination.data.nodeid"], hex.EncodeToString(ans.Next.ID); !slices.Contains(got, want) {
			t.Errorf("next hop among %v, want %s", got, want)
		}
	}
}

func hexes(ids []overlay.ID) (out []string) {
	for _, id := range ids {
		out = append(out, id.String())
	}
	return out
}
