package media

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"chordophone/sip/sdp"
)

func TestWrongKeyIsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := n.session(t, addrA, Config{}), n.session(t, addrB, Config{})
		defer a.Close()
		defer b.Close()
		offer, _ := a.Offer()
		// b is given an offer with another key in it.
		d, err := sdp.Parse(offer)
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.Media[0].Cryptos {
			d.Media[0].Cryptos[i].Key[3] ^= 1
		}
		answer, err := b.Answer(d.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Accept(answer); err != nil {
			t.Fatal(err)
		}
		heard := talk(a, b, speech(time.Second, 5))
		if p := power(heard); p != 0 {
			t.Errorf("heard noise of power %g", p)
		}
		if st := b.Stats(); st.Rejected != 50 || st.Received != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestInjection sprays packets from a stranger and, in the clear, from the peer's
// own address (threat T7).
func TestInjection(t *testing.T) {
	for _, policy := range []Policy{Required, Optional} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			a, b := n.session(t, addrA, Config{Secure: policy}), n.session(t, addrB, Config{Secure: policy})
			defer a.Close()
			defer b.Close()
			offer, _ := a.Offer()
			if policy == Optional {
				offer = withoutCrypto(offer)
			}
			answer, err := b.Answer(offer)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Accept(answer); err != nil {
				t.Fatal(err)
			}
			if got := b.Stats().Secure; got != (policy == Required) {
				t.Fatalf("secure %v", got)
			}
			silence := make([]int16, FrameSamples)
			out := make([]int16, FrameSamples)
			rng := rand.New(rand.NewPCG(1, 2))
			target := netip.AddrPortFrom(addrB, b.Port())
			var leaked int
			stranger, _ := n.listen(netip.AddrPortFrom(addrC, 5000))
			go func() {
				buf := make([]byte, 2000)
				for {
					if _, _, err := stranger.ReadFromUDPAddrPort(buf); err != nil {
						return
					}
					leaked++
				}
			}()
			spray := func(from netip.AddrPort) {
				ssrc := rng.Uint32()
				for i := range 20 {
					h := rtp.Header{Version: 2, PayloadType: uint8(8 * rng.IntN(2)), SequenceNumber: uint16(i), Timestamp: uint32(i * frameTicks), SSRC: ssrc}
					p := make([]byte, 12+160)
					h.MarshalTo(p)
					for j := range p[12:] {
						p[12+j] = byte(rng.Uint32())
					}
					n.deliver(target, datagram{p, from})
				}
			}
			var heard float64
			for range 100 {
				a.Capture(silence)
				spray(netip.AddrPortFrom(addrC, 5000))
				synctest.Wait()
				spray(netip.AddrPortFrom(addrA, a.Port()))
				spray(netip.AddrPortFrom(addrA, 9999))
				b.Capture(silence)
				b.Playout(out)
				heard = max(heard, power(out))
				time.Sleep(Frame)
			}
			stranger.Close()
			synctest.Wait()
			st := b.Stats()
			if heard > 100 { // A-law has no zero: silence is 8
				t.Errorf("policy %d: heard injected sound of power %g", policy, heard)
			}
			if leaked != 0 {
				t.Errorf("policy %d: %d packets went to the stranger", policy, leaked)
			}
			if st.Received != 100 || st.Rejected != 6000 {
				t.Errorf("policy %d: %+v", policy, st)
			}
		})
	}
}

// withoutCrypto makes an offer one of an old client.
func withoutCrypto(offer []byte) []byte {
	var lines []string
	for _, l := range strings.SplitAfter(string(offer), "\r\n") {
		if !strings.HasPrefix(l, "a=crypto") {
			lines = append(lines, strings.Replace(l, "RTP/SAVP", "RTP/AVP", 1))
		}
	}
	return []byte(strings.Join(lines, ""))
}

func TestPolicy(t *testing.T) {
	n := newNetwork()
	required, optional := n.session(t, addrA, Config{}), n.session(t, addrB, Config{Secure: Optional})
	defer required.Close()
	defer optional.Close()

	offer, _ := optional.Offer()
	if !bytes.Contains(offer, []byte("RTP/AVP")) || !bytes.Contains(offer, []byte("a=crypto")) {
		t.Errorf("optional offer\n%s", offer)
	}
	if _, err := required.Answer(withoutCrypto(offer)); !errors.Is(err, sdp.ErrNotAcceptable) {
		t.Errorf("offer without crypto: %v, want ErrNotAcceptable", err)
	}
	if st := required.Stats(); st.Codec != "" {
		t.Errorf("a refused offer left %+v", st)
	}
	answer, err := required.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := optional.Accept(answer); err != nil {
		t.Fatal(err)
	}
	if !optional.Stats().Secure || !required.Stats().Secure {
		t.Error("two phones that can did not encrypt")
	}
	// Once encrypted, no way back, for either side.
	again, _ := required.Offer()
	if _, err := optional.Answer(withoutCrypto(again)); !errors.Is(err, sdp.ErrNotAcceptable) {
		t.Errorf("downgrade by re-INVITE: %v, want ErrNotAcceptable", err)
	}
	if err := required.Accept(withoutCrypto(answer)); !errors.Is(err, sdp.ErrNotAcceptable) {
		t.Errorf("downgrade by answer: %v, want ErrNotAcceptable", err)
	}
}

func TestAcceptWithoutOffer(t *testing.T) {
	n := newNetwork()
	a, b := n.session(t, addrA, Config{}), n.session(t, addrB, Config{})
	defer a.Close()
	defer b.Close()
	offer, _ := b.Offer()
	if err := a.Accept(offer); !errors.Is(err, ErrNoOffer) {
		t.Errorf("%v, want ErrNoOffer", err)
	}
	if _, err := a.Answer([]byte("hello")); !errors.Is(err, sdp.ErrSyntax) {
		t.Errorf("%v, want ErrSyntax", err)
	}
}

// TestReflectedOffer: an offer that comes back as its own answer would have both
// sides encrypt under one key.
func TestReflectedOffer(t *testing.T) {
	n := newNetwork()
	a := n.session(t, addrA, Config{})
	defer a.Close()
	offer, _ := a.Offer()
	d, _ := sdp.Parse(offer)
	d.Media[0].Cryptos = d.Media[0].Cryptos[:1]
	if err := a.Accept(d.Bytes()); !errors.Is(err, sdp.ErrNotAcceptable) {
		t.Errorf("%v, want ErrNotAcceptable", err)
	}
}

// TestGarbage feeds what is neither RTP nor RTCP, in the clear.
func TestGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := n.session(t, addrA, Config{Secure: Optional}), n.session(t, addrB, Config{Secure: Optional})
		defer a.Close()
		defer b.Close()
		offer, _ := a.Offer()
		answer, err := b.Answer(withoutCrypto(offer))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Accept(answer); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(5, 5))
		out := make([]int16, FrameSamples)
		for range 2000 {
			p := make([]byte, rng.IntN(80))
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			if len(p) > 1 {
				p[0] = 0x80 | p[0]&0x3F // so that some go further
				p[1] = []byte{0, 8, 101, 200, 201, 203, 228}[rng.IntN(7)]
			}
			port := rng.IntN(2)
			n.deliver(netip.AddrPortFrom(addrB, b.Port()+uint16(port)), datagram{p, netip.AddrPortFrom(addrA, a.Port()+uint16(port))})
			synctest.Wait()
			b.Playout(out)
		}
		if st := b.Stats(); st.Rejected < 500 {
			t.Errorf("%+v", st)
		}
	})
}
