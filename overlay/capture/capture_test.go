package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
)

var (
	alice = netip.MustParseAddrPort("127.0.1.1:6084")
	bob   = netip.MustParseAddrPort("127.0.1.2:40000")
)

// block is one block of a file.
type block struct {
	typ  uint32
	body []byte
}

// blocks takes a file apart and checks what holds for every block.
func blocks(t *testing.T, file []byte) (out []block) {
	t.Helper()
	for len(file) > 0 {
		if len(file) < 12 {
			t.Fatalf("%d octets behind the last block", len(file))
		}
		typ, n := le.Uint32(file), int(le.Uint32(file[4:]))
		if n%4 != 0 || n < 12 || n > len(file) || int(le.Uint32(file[n-4:])) != n {
			t.Fatalf("block %#x of length %d in %d octets", typ, n, len(file))
		}
		out = append(out, block{typ, file[8 : n-4]})
		file = file[n:]
	}
	return out
}

// TestFormat spells a packet out octet by octet.
func TestFormat(t *testing.T) {
	p := packet{time.Unix(1, 2), alice, bob, []byte{129, 0, 0, 0, 1, 0, 0, 0, 0}}
	got := hex.EncodeToString(appendPacket(nil, p, 3))
	pdu := "000c0010" + hex.EncodeToString([]byte("reload-framing\x00\x00")) +
		"001400047f000101" + "001500047f000102" + "0018000400000002" + "00190004000017c4" + "001a000400009c40" + "00000000" +
		"810000000100000000"
	length := hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, uint32(len(pdu)/2)))
	body := "00000000" + "00000000" + "02ca9a3b" + length + length + pdu + "000000" + "0400080003000000000000" + "0000000000"
	n := hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, uint32(len(body)/2+12)))
	if want := "06000000" + n + body + n; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestIPv6(t *testing.T) {
	p := packet{time.Unix(1, 2), netip.MustParseAddrPort("[fd00::1]:6084"), netip.MustParseAddrPort("[fd00::2]:1"), nil}
	got := hex.EncodeToString(appendPDU(nil, p))
	for _, want := range []string{"00160010fd000000000000000000000000000001", "00170010fd000000000000000000000000000002"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

// TestRun: two captures see the same frames, from when they begin to when they
// end, and the frame given may be changed afterwards.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			h           Hub
			one, two    bytes.Buffer
			first, both = context.WithCancel(t.Context())
			ctx, stop   = context.WithCancel(t.Context())
			sums        [2]Summary
			errs        [2]error
		)
		h.Frame(time.Now(), alice, bob, []byte("before"))
		go func() { sums[0], errs[0] = h.Run(first, &one) }()
		synctest.Wait()
		frame := []byte("first ")
		h.Frame(time.Now(), alice, bob, frame)
		copy(frame, "damage")
		go func() { sums[1], errs[1] = h.Run(ctx, &two) }()
		synctest.Wait()
		h.Frame(time.Now(), bob, alice, []byte("second"))
		both()
		synctest.Wait()
		h.Frame(time.Now(), alice, bob, []byte("third"))
		stop()
		synctest.Wait()
		h.Frame(time.Now(), alice, bob, []byte("after"))
		for i, want := range []struct {
			file   *bytes.Buffer
			frames []string
		}{{&one, []string{"first ", "second"}}, {&two, []string{"second", "third"}}} {
			if errs[i] != nil || sums[i] != (Summary{Frames: 2}) {
				t.Errorf("%+v, %v", sums[i], errs[i])
			}
			all := blocks(t, want.file.Bytes())
			if len(all) != 2+2+1 || all[0].typ != blockSection || all[1].typ != blockInterface || all[4].typ != blockStatistics {
				t.Fatalf("%d blocks", len(all))
			}
			for j, f := range want.frames {
				if b := all[2+j]; b.typ != blockPacket || !bytes.Contains(b.body, []byte(f)) {
					t.Errorf("block %#x without %q: %q", b.typ, f, b.body)
				}
			}
		}
		if h.running.Load() != 0 {
			t.Error("the hub goes on")
		}
	})
}

// gate is a file on a disk that stands still until it is opened.
type gate struct {
	bytes.Buffer
	open chan struct{}
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	return g.Buffer.Write(b)
}

// TestSlow: a capture that is too slow loses frames and says how many, and where.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			h         Hub
			slow      = &gate{open: make(chan struct{})}
			ctx, stop = context.WithCancel(t.Context())
			sum       Summary
		)
		go func() { sum, _ = h.Run(ctx, slow) }()
		synctest.Wait()
		for range maxQueue + 5 {
			h.Frame(time.Now(), alice, bob, []byte("x"))
		}
		close(slow.open)
		synctest.Wait()
		h.Frame(time.Now(), alice, bob, []byte("y"))
		h.Frame(time.Now(), alice, bob, make([]byte, maxOctets+1))
		stop()
		synctest.Wait()
		if want := (Summary{Frames: maxQueue + 1, Lost: 6}); sum != want {
			t.Errorf("%+v, want %+v", sum, want)
		}
		if got := sum.String(); !strings.Contains(got, "6 lost") {
			t.Error(got)
		}
		all := blocks(t, slow.Bytes())
		afterGap := all[len(all)-2].body
		if !bytes.Contains(afterGap, []byte("\x04\x00\x08\x00\x05\x00\x00\x00\x00\x00\x00\x00")) {
			t.Errorf("the frame after the gap does not tell of it: %x", afterGap)
		}
		if statistics := all[len(all)-1].body; !bytes.Contains(statistics, []byte("\x05\x00\x08\x00\x06\x00\x00\x00\x00\x00\x00\x00")) {
			t.Errorf("the end does not tell what was lost: %x", statistics)
		}
	})
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left on device")

func TestFull(t *testing.T) {
	var h Hub
	if _, err := h.Run(t.Context(), full{}); !errors.Is(err, errFull) {
		t.Errorf("%v, want %v", err, errFull)
	}
	if h.running.Load() != 0 {
		t.Error("the hub goes on")
	}
}

func TestTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		for range maxRuns {
			go h.Run(t.Context(), new(bytes.Buffer))
		}
		synctest.Wait()
		if _, err := h.Run(t.Context(), new(bytes.Buffer)); !errors.Is(err, ErrTooMany) {
			t.Errorf("%v, want %v", err, ErrTooMany)
		}
	})
}

func TestKindTable(t *testing.T) {
	if got, want := KindTable(overlay.OfficeMember, overlay.OfficeMember), "\"4026531841\",\"OFFICE-MEMBER\",\"DICTIONARY\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// BenchmarkOff is what each frame costs while nobody captures.
func BenchmarkOff(b *testing.B) {
	var h Hub
	frame := make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		h.Frame(time.Time{}, alice, bob, frame)
	}
}
