//go:build interop

package capture_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/capture"
	"chordophone/overlay/reload"
)

// TestLife has programs that others wrote judge what an office says in its life:
// tshark reads the capture, openssl verifies certificates and signatures.
func TestLife(t *testing.T) {
	x := &life{t: t}
	var file bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var sum capture.Summary
	go func() {
		var err error
		sum, err = x.hub.Run(ctx, &file)
		ended <- err
	}()
	x.eventually("capture", func() bool { return x.hub.Running() == 1 })
	x.live()
	for _, p := range x.phones {
		p.off()
	}
	for _, p := range x.phones {
		p.pull()
		for why, n := range p.link.Stats().Dropped {
			switch why {
			case "broken", "unasked": // under way when a phone was switched off
			case "wrong-config": // while not all had the new one
			default:
				t.Errorf("phone %d dropped %d messages as %s", p.member.Extension(), n, why)
			}
		}
	}
	stop()
	if err := <-ended; err != nil || sum.Lost > 0 || int(sum.Frames) != len(x.frames) {
		t.Fatalf("%v of %d, %v", sum, len(x.frames), err)
	}
	messages := x.messages()
	t.Logf("%d frames, %d messages, %d octets of capture", len(x.frames), len(messages), file.Len())
	t.Run("methods", func(t *testing.T) { checkMethods(t, messages) })
	t.Run("tshark", func(t *testing.T) { checkDissection(t, x, messages, file.Bytes()) })
	t.Run("pathtrack", func(t *testing.T) { checkPathTrack(t, messages) })
	t.Run("openssl", func(t *testing.T) { checkSignatures(t, x, messages) })
}

// message is a captured message, as this project reads it.
type message struct {
	reload.Message
	frame  int // its number, from 0
	seq    uint32
	octets []byte
}

func (x *life) messages() (out []message) {
	for i, f := range x.frames {
		head, n, err := reload.ParseFrame(f)
		if err != nil || n+head.Length != len(f) {
			x.t.Fatalf("frame %d: %+v, %v", i, head, err)
		}
		if head.Ack {
			continue
		}
		m, err := reload.Parse(f[n:])
		if err != nil {
			x.t.Fatalf("frame %d: %v", i, err)
		}
		out = append(out, message{m, i, head.Sequence, f[n:]})
	}
	return out
}

// checkMethods sees to it that the life was a full one.
func checkMethods(t *testing.T, messages []message) {
	seen := make(map[reload.Code]int)
	for _, m := range messages {
		seen[m.Code]++
	}
	t.Log(seen)
	for code := reload.CodeProbeReq; code <= reload.CodePathTrackAns; code++ {
		if _, err := reload.ParseBody(code, nil); strings.Contains(fmt.Sprint(err), reload.ErrUnknownCode.Error()) {
			continue
		}
		if seen[code] == 0 && code != reload.CodeAppAttachAns { // it is always refused
			t.Errorf("no message with code %#x", code)
		}
	}
	if seen[reload.CodeError] == 0 {
		t.Error("no error")
	}
}

// fields are what tshark is asked for.
var fields = []string{
	"frame.protocols", "_ws.malformed", "_ws.expert.severity", "_ws.expert.message",
	"reload_framing.type", "reload_framing.sequence", "reload_framing.message.length",
	"reload.forwarding.trans_id", "reload.message.code", "reload.forwarding.overlay", "reload.forwarding.ttl",
	"reload.forwarding.configuration_sequence", "reload.forwarding.via_list.length", "reload.forwarding.destination_list.length",
	"reload.destination.data.nodeid", "reload.kinddata.kind", "reload.kindid", "reload.error_response.code",
	"reload.store.replica_number", "reload.joinreq.joining_peer_id", "reload.leavereq.leaving_peer_id", "reload.nodeid",
	"reload.chordroutequeryans.nodeid", "reload.uptime", "reload.num_resources", "reload.responsible_set",
	"reload.diagnosticresponse.hopcounter",
	"reload.ipv4addr", "exported_pdu.ipv4_src", "exported_pdu.src_port",
}

// row is a frame as tshark reads it.
type row map[string][]string

func (r row) one(field string) string {
	if len(r[field]) == 0 {
		return ""
	}
	return r[field][0]
}

// number reads decimal or 0x.
func (r row) number(t *testing.T, field string) uint64 {
	n, err := strconv.ParseUint(r.one(field), 0, 64)
	if err != nil {
		t.Errorf("%s: %v", field, err)
	}
	return n
}

func tshark(t *testing.T, file []byte) (rows []row) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "office.pcapng")
	config := filepath.Join(dir, "wireshark")
	write(t, name, file)
	if err := os.Mkdir(config, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(config, "reload_kindids"), []byte(capture.KindTable(overlay.OfficeMember)))
	args := []string{"-r", name, "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(os.Environ(), "WIRESHARK_CONFIG_DIR="+config)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		r := make(row)
		for i, v := range strings.Split(strings.TrimRight(line, "\n"), "|") {
			if v != "" {
				r[fields[i]] = strings.Split(v, ",")
			}
		}
		rows = append(rows, r)
	}
	return rows
}

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

// checkSignatures has openssl accept the chain of each phone, taken from what it
// sent, and one signature of each phone for each method.
func checkSignatures(t *testing.T, x *life, messages []message) {
	dir := t.TempDir()
	certs := make(map[string][]byte) // by hash
	for _, m := range messages {
		for _, c := range m.Certificates {
			sum := sha256.Sum256(c.Data)
			certs[string(sum[:])] = c.Data
		}
	}
	root := filepath.Join(dir, "root.pem")
	write(t, root, pemOf(x.phones[0].member.Root()))
	keys := make(map[string]string) // file by hash
	for i, p := range x.phones {
		chain := p.member.Chain()
		sum := sha256.Sum256(chain[0])
		leaf, above := filepath.Join(dir, fmt.Sprint("leaf", i)), filepath.Join(dir, fmt.Sprint("above", i))
		write(t, leaf, pemOf(certs[string(sum[:])]))
		args := []string{"verify", "-x509_strict", "-CAfile", root}
		if len(chain) > 1 {
			write(t, above, pemOf(chain[1:]...))
			args = append(args, "-untrusted", above)
		}
		if out, err := openssl(append(args, leaf)...); err != nil || !strings.Contains(out, ": OK") {
			t.Errorf("phone %d: %v: %s", p.member.Extension(), err, out)
		}
		key := filepath.Join(dir, fmt.Sprint("key", i))
		if out, err := openssl("x509", "-in", leaf, "-noout", "-pubkey", "-out", key); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		keys[string(sum[:])] = key
	}
	if out, err := openssl("verify", "-CAfile", root, filepath.Join(dir, "key0")); err == nil {
		t.Errorf("openssl accepts what is no certificate: %s", out)
	}
	done := make(map[string]bool)
	for _, m := range messages {
		signer := string(m.Signature.Signer.Sum)
		if what := fmt.Sprint(m.Code, signer); done[what] {
			continue
		} else {
			done[what] = true
		}
		if keys[signer] == "" {
			t.Errorf("frame %d: signed by nobody", m.frame)
			continue
		}
		contents, err := m.Contents.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		input, err := reload.AppendSigned(nil, m.Overlay, m.Tx, contents, m.Signature.Signer)
		if err != nil {
			t.Fatal(err)
		}
		good, bad, sig := filepath.Join(dir, "good"), filepath.Join(dir, "bad"), filepath.Join(dir, "sig")
		write(t, good, input)
		write(t, sig, m.Signature.Value)
		if out, err := openssl("dgst", "-sha256", "-verify", keys[signer], "-signature", sig, good); err != nil || !strings.Contains(out, "Verified OK") {
			t.Errorf("frame %d, code %#x: %v: %s", m.frame, m.Code, err, out)
		}
		if len(done) == 1 {
			input[len(input)/2] ^= 1
			write(t, bad, input)
			if out, err := openssl("dgst", "-sha256", "-verify", keys[signer], "-signature", sig, bad); err == nil {
				t.Errorf("openssl accepts the signature of another text: %s", out)
			}
		}
	}
	t.Logf("%d signatures, %d certificates", len(done), len(certs))
}

func openssl(args ...string) (string, error) {
	out, err := exec.Command("openssl", args...).CombinedOutput()
	return string(out), err
}

func pemOf(certs ...[]byte) (out []byte) {
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return out
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
