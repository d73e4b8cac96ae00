package reload

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestFrame(t *testing.T) {
	wire, err := AppendData(nil, 0x01020304, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte("\x80\x01\x02\x03\x04\x00\x00\x05hello"); !bytes.Equal(wire, want) {
		t.Errorf("DATA is %x, want %x", wire, want)
	}
	f, n, err := ParseFrame(wire)
	if err != nil || n != DataHeaderSize || f != (Frame{Sequence: 0x01020304, Length: 5}) {
		t.Errorf("%+v, %d, %v", f, n, err)
	}
	ack := AppendAck(nil, 7, 0x80000001)
	f, n, err = ParseFrame(ack)
	if err != nil || n != AckSize || f != (Frame{Ack: true, Sequence: 7, Received: 0x80000001}) {
		t.Errorf("%+v, %d, %v", f, n, err)
	}
	for _, whole := range [][]byte{wire[:DataHeaderSize], ack} {
		for i := range whole {
			if _, n, err := ParseFrame(whole[:i]); n != 0 || err != nil {
				t.Errorf("%d octets: took %d, %v", i, n, err)
			}
		}
	}
	if _, _, err := ParseFrame([]byte("GET / HTTP/1.1")); !errors.Is(err, ErrMalformed) {
		t.Errorf("garbage: %v", err)
	}
	if _, _, err := ParseFrame([]byte{frameData, 0, 0, 0, 0, 0xff, 0xff, 0xff}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a frame of 16 MB: %v", err)
	}
	if _, err := AppendData(nil, 0, make([]byte, MaxMessage+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message beyond MaxMessage: %v", err)
	}
}

// TestWindow compares the masks with a list of what was received: "if the
// sequence number M is less than N but greater than N-32, the N-M bit of the
// received bitmask is set". // RFC 6940, section 6.6.2
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w Window
		start := rapid.Uint32().Draw(t, "start")
		got := make(map[uint32]bool)
		newest := start
		for i, step := range rapid.SliceOfN(rapid.Int32Range(-40, 40), 1, 60).Draw(t, "steps") {
			seq := newest + uint32(step)
			if i == 0 {
				seq = start
			}
			f := Frame{Ack: true, Sequence: seq, Received: w.Receive(seq)}
			if int32(seq-newest) > 0 {
				newest = seq
			}
			got[seq] = true
			if !f.Covers(seq) {
				t.Fatalf("ACK of %d does not cover it", seq)
			}
			for n := uint32(1); n <= 64; n++ {
				if f.Covers(seq-n) && !got[seq-n] {
					t.Fatalf("ACK of %d covers %d, which never came", seq, seq-n)
				}
				if seq == newest && n <= 31 && got[seq-n] && newest-(seq-n) <= 32 && i < 32 && !f.Covers(seq-n) && recent(start, seq-n, newest) {
					t.Fatalf("ACK of %d does not cover %d", seq, seq-n)
				}
			}
			if f.Covers(seq + 1) {
				t.Fatalf("ACK of %d covers the next", seq)
			}
		}
	})
}

// recent reports whether seq cannot have been too old when it came.
func recent(start, seq, newest uint32) bool {
	return int32(seq-start) >= 0 && newest-start <= 32
}

func TestWindowInOrder(t *testing.T) {
	var w Window
	for seq := range uint32(100) {
		f := Frame{Ack: true, Sequence: seq, Received: w.Receive(seq)}
		for n := uint32(0); n <= min(seq, 32); n++ {
			if !f.Covers(seq - n) {
				t.Fatalf("ACK of %d does not cover %d", seq, seq-n)
			}
		}
	}
}
