//go:build interop

package capture_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chordophone/overlay"
	"chordophone/overlay/capture"
)

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
