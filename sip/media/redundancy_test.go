package media

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// TestRedundantPayload writes the packet that RFC 2198, section 4 draws: one earlier
// block, then the new one.
func TestRedundantPayload(t *testing.T) {
	got := append(appendRedundant(nil, 7, 160, []byte("earlier")), "new"...)
	want := append([]byte{0x80 | 7, 160 >> 6, 160&0x3F<<2 | 0, 7, 7}, "earliernew"...)
	if !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	var read []block
	for b := range blocks(got) {
		read = append(read, b)
	}
	if len(read) != 2 || read[0].pt != 7 || read[0].offset != 160 || read[0].back != 1 || string(read[0].payload) != "earlier" ||
		read[1].back != 0 || string(read[1].payload) != "new" {
		t.Errorf("read back %+v", read)
	}
	for range blocks(append(bytes.Repeat([]byte{0x80, 0, 0, 0}, redMaxBlocks+1), 0)) {
		t.Error("more blocks than anybody sends are taken")
	}
	for n := range 5 + len("earlier") { // the new block may be empty, no header may be cut
		for range blocks(got[:n]) {
			t.Errorf("the first %d bytes hold blocks", n)
		}
	}
}

func FuzzRedundant(f *testing.F) {
	f.Add(append(appendRedundant(nil, 7, 160, []byte("earlier")), "new"...))
	f.Add([]byte{0x80, 0, 0, 0, 0x80, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, size := 0, 0
		for k := range blocks(b) {
			n, size = n+1, size+len(k.payload)
		}
		if n > redMaxBlocks+1 || size > len(b) {
			t.Fatalf("%d blocks of %d bytes in %d", n, size, len(b))
		}
	})
}

// TestRedundancyRestores loses one packet in ten at random. From the first packet on each is
// sent twice, so only pairs of losses are heard, and delay grows by no more than a packet.
func TestRedundancyRestores(t *testing.T) {
	cfg := Config{Redundancy: Always, Codecs: []string{"PCMU"}}
	call(t, cfg, cfg, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(1, 7))
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() == addrB && to.Port()%2 == 0 && rng.Float64() < 0.1 {
				return nil
			}
			return []time.Duration{0}
		}
		length := 40 * time.Second
		if raced {
			length = 15 * time.Second
		}
		talk(a, b, speech(length, 2))
		st := b.Stats()
		t.Logf("%+v", st)
		if st.Lost < int64(4*length/time.Second) || st.Restored < uint64(st.Lost)*8/10 || st.ConcealedRatio > 0.02 || st.MouthToEar > 80*time.Millisecond || st.MOSCQ < 4.0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestRedundancyComesAndGoes: the first report of loss switches it on, three without it
// off again.
func TestRedundancyComesAndGoes(t *testing.T) {
	cheap := Config{Codecs: []string{"PCMU"}}
	call(t, cheap, cheap, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(1, 7))
		said := speech(10*time.Second, 2)
		talk(a, b, said)
		if st := a.Stats(); st.Repeated != 0 {
			t.Errorf("without loss %d packets repeated", st.Repeated)
		}
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() == addrB && to.Port()%2 == 0 && rng.Float64() < 0.05 {
				return nil
			}
			return []time.Duration{0}
		}
		talk(a, b, said)
		if st := a.Stats(); st.Repeated < 100 {
			t.Errorf("of 500 packets in loss %d repeated", st.Repeated)
		}
		n.path = nil
		for range 4 {
			talk(a, b, said)
		}
		before := a.Stats().Repeated
		talk(a, b, said)
		if now := a.Stats().Repeated; now != before {
			t.Errorf("%d packets repeated 40 s after the last loss", now-before)
		}
		if st := b.Stats(); st.Delay > 45*time.Millisecond {
			t.Errorf("delay stays at %v", st.Delay)
		}
	})
}
