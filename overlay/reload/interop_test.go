//go:build interop

package reload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWireshark has tshark, whose dissector others wrote, read every sample. A
// frame passes when it reaches the RELOAD dissector (one that is cut short does
// not, and raises nothing), when nothing in it is malformed or worth a remark, and
// when code and transaction are what we meant.
func TestWireshark(t *testing.T) {
	dir := t.TempDir()
	var frames [][]byte
	all := samples(t)
	for i, s := range all {
		frame, err := AppendData(nil, uint32(i), encode(t, s.msg))
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
	ack := AppendAck(nil, uint32(len(all)-1), 0xffffffff)
	rows := tshark(t, dir, append(frames, ack))
	for i, s := range all {
		name, row := s.name, rows[i]
		if !strings.HasSuffix(strings.Split(row[0], ":x509")[0], ":reload-framing:reload") && !strings.Contains(row[0], ":reload-framing:reload:") {
			t.Errorf("%s: does not reach the RELOAD dissector: %s", name, row[0])
		}
		if row[1] != "" || row[2] != "" || row[3] != "" {
			t.Errorf("%s: malformed %q, expert %q %q", name, row[1], row[2], row[3])
		}
		tx, err := strconv.ParseUint(strings.TrimPrefix(row[4], "0x"), 16, 64)
		if err != nil || tx != s.msg.Tx {
			t.Errorf("%s: transaction %q, want %#x", name, row[4], s.msg.Tx)
		}
		if code, err := strconv.ParseUint(strings.SplitN(row[5], ",", 2)[0], 0, 16); err != nil || Code(code) != s.msg.Code {
			t.Errorf("%s: code %q, want %#x", name, row[5], s.msg.Code)
		}
	}
	if row := rows[len(all)]; !strings.HasSuffix(row[0], ":reload-framing") || row[1]+row[2] != "" {
		t.Errorf("ACK: %q", row)
	}
}

// TestWiresharkNotices shows that the check above fails on what is wrong.
func TestWiresharkNotices(t *testing.T) {
	wire := encode(t, samples(t)[0].msg)
	frame, err := AppendData(nil, 0, wire)
	if err != nil {
		t.Fatal(err)
	}
	row := tshark(t, t.TempDir(), [][]byte{frame[:len(frame)-9]})[0]
	if strings.Contains(row[0], ":reload-framing:reload") && row[1]+row[2] == "" {
		t.Errorf("a message that is cut short passes: %q", row)
	}
}

// TestForeignMessages reads messages that another implementation made, one
// framed message a file, in the directory RELOAD_VECTORS, and makes the same
// octets of them.
func TestForeignMessages(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("RELOAD_VECTORS"), "*.bin"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: set RELOAD_VECTORS to their directory (%v)", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		wire, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, n, err := ParseFrame(wire)
		if err != nil || n != DataHeaderSize || f.Length != len(wire)-n {
			t.Errorf("%s: frame %+v, %v", name, f, err)
			continue
		}
		m, err := Parse(wire[n:])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := ParseBody(m.Code, m.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checkCanonical(t, wire[n:])
		again, err := AppendData(nil, f.Sequence, encode(t, m))
		if err != nil || !bytes.Equal(again, wire) {
			t.Errorf("%s: becomes %x, %v", name, again, err)
		}
		for cut := range wire[n:] {
			if _, err := Parse(wire[n : n+cut]); err == nil {
				t.Errorf("%s: %d octets parse", name, cut)
			}
		}
		for cut := range m.Body {
			if _, err := ParseBody(m.Code, m.Body[:cut]); err == nil {
				t.Errorf("%s: %d octets of the body parse", name, cut)
			}
		}
	}
}

// tshark gives for each frame, sent over UDP: protocols, malformed, expert
// severity, expert message, transaction, message code.
func tshark(t *testing.T, dir string, frames [][]byte) [][]string {
	t.Helper()
	capture := filepath.Join(dir, "reload.pcap")
	if err := os.WriteFile(capture, pcap(frames), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "wireshark")
	if err := os.MkdirAll(conf, 0o700); err != nil {
		t.Fatal(err)
	}
	kinds := fmt.Sprintf("%q,%q,%q\n", strconv.Itoa(int(KindPrivate)), "OFFICE-MEMBER", "DICTIONARY")
	if err := os.WriteFile(filepath.Join(conf, "reload_kindids"), []byte(kinds), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tshark", "-r", capture, "-d", "udp.port==6084,reload-framing", "-T", "fields", "-E", "separator=|",
		"-e", "frame.protocols", "-e", "_ws.malformed", "-e", "_ws.expert.severity", "-e", "_ws.expert.message",
		"-e", "reload.forwarding.trans_id", "-e", "reload.message.code")
	cmd.Env = append(os.Environ(), "WIRESHARK_CONFIG_DIR="+conf)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, &stderr)
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "|"))
	}
	if len(rows) != len(frames) {
		t.Fatalf("tshark saw %d frames of %d: %s", len(rows), len(frames), &stderr)
	}
	return rows
}

// pcap writes the frames as UDP datagrams between two loopback addresses:
// LINKTYPE_RAW, no checksums.
func pcap(frames [][]byte) []byte {
	out := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	out = binary.LittleEndian.AppendUint32(out, 1<<18)
	out = binary.LittleEndian.AppendUint32(out, 101)
	for i, f := range frames {
		ip := []byte{0x45, 0, 0, 0, 0, byte(i), 0, 0, 64, 17, 0, 0, 127, 0, 0, 11, 127, 0, 0, 12}
		binary.BigEndian.PutUint16(ip[2:], uint16(28+len(f)))
		udp := []byte{0x17, 0xc4, 0x17, 0xc4, 0, 0, 0, 0}
		binary.BigEndian.PutUint16(udp[4:], uint16(8+len(f)))
		out = binary.LittleEndian.AppendUint32(out, uint32(i))
		out = binary.LittleEndian.AppendUint32(out, 0)
		out = binary.LittleEndian.AppendUint32(out, uint32(28+len(f)))
		out = binary.LittleEndian.AppendUint32(out, uint32(28+len(f)))
		out = append(append(append(out, ip...), udp...), f...)
	}
	return out
}
