package media

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"chordophone/sip/sdp"
)

func TestCallCarriesSpeech(t *testing.T) {
	for _, codec := range DefaultCodecs() {
		t.Run(codec, func(t *testing.T) {
			cfg := Config{Codecs: []string{codec}}
			call(t, cfg, cfg, func(t *testing.T, n *network, a, b *Session) {
				said := speech(5*time.Second, 1)
				heard := talk(a, b, said)
				c, delay := compare(said, heard)
				t.Logf("correlation %.4f, delay %v", c, delay)
				least := 0.99
				if codec == "opus" { // it keeps the sound, not the wave
					least = 0.95
				}
				if c < least {
					t.Errorf("correlation %.4f", c)
				}
				if delay > 50*time.Millisecond {
					t.Errorf("delay %v", delay)
				}
				sa, sb := a.Stats(), b.Stats()
				if sa.Codec != codec || !sa.Secure || sa.Sent != 250 {
					t.Errorf("sender: %+v", sa)
				}
				if sb.Received != 250 || sb.Lost != 0 || sb.Late != 0 || sb.Concealed != 0 || sb.Rejected != 0 || sb.Jitter > time.Millisecond {
					t.Errorf("receiver: %+v", sb)
				}
			})
		})
	}
}

// TestPacketTimes: a peer may send packets of other lengths than ours, and lose some.
func TestPacketTimes(t *testing.T) {
	said := speech(10*time.Second, 10)
	coded := newG722().encode(nil, said)
	for _, ms := range []int{10, 30, 40, 60, 120} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			a, b := n.session(t, addrA, Config{Secure: Optional}), n.session(t, addrB, Config{Secure: Optional})
			defer a.Close()
			defer b.Close()
			offer, _ := a.Offer()
			if _, err := b.Answer(withoutCrypto(offer)); err != nil {
				t.Fatal(err)
			}
			size := 8 * ms
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := 0; (i+1)*size <= len(coded); i++ {
					time.Sleep(time.Duration(ms) * time.Millisecond)
					if i%25 == 7 {
						continue
					}
					h := rtp.Header{Version: 2, PayloadType: 9, SequenceNumber: uint16(i), Timestamp: uint32(i * size), SSRC: 1}
					p := make([]byte, 12)
					h.MarshalTo(p)
					n.deliver(netip.AddrPortFrom(addrB, b.Port()), datagram{append(p, coded[i*size:(i+1)*size]...), netip.AddrPortFrom(addrA, a.Port())})
				}
			}()
			time.Sleep(3 * time.Millisecond)
			heard := make([]int16, len(said))
			for at := 0; at < len(heard); at += FrameSamples {
				b.Playout(heard[at : at+FrameSamples])
				time.Sleep(Frame)
			}
			<-done
			c, delay := compare(said[6*Rate:], heard[6*Rate:])
			st := b.Stats()
			t.Logf("%d ms: correlation %.3f, delay %v, %+v", ms, c, delay, st)
			if c < 0.9 || delay > time.Duration(2*ms+50)*time.Millisecond || st.Late > 2 || st.Dropped > 0 {
				t.Errorf("%d ms: correlation %.3f, delay %v, %+v", ms, c, delay, st)
			}
		})
	}
}

// linkTest sends speech over a path for a while and returns its figures of the last five
// seconds, when the buffer has found its delay.
func linkTest(t *testing.T, path func(rng *rand.Rand, i int) []time.Duration) (c float64, delay time.Duration, st Stats) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(7, 7))
		i := 0
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() != addrB || to.Port()%2 != 0 {
				return []time.Duration{0}
			}
			i++
			return path(rng, i)
		}
		said := speech(14*time.Second, 2)
		heard := talk(a, b, said)
		c, delay = compare(said[9*Rate:], heard[9*Rate:])
		st = b.Stats()
		t.Logf("correlation %.3f, delay %v, %+v", c, delay, st)
	})
	return c, delay, st
}

func TestLoss(t *testing.T) {
	c, delay, st := linkTest(t, func(rng *rand.Rand, _ int) []time.Duration {
		if rng.Float64() < 0.05 {
			return nil
		}
		return []time.Duration{0}
	})
	if c < 0.95 || delay > 50*time.Millisecond {
		t.Errorf("correlation %.3f, delay %v", c, delay)
	}
	if made := st.Concealed + st.Restored; st.Lost == 0 || made < uint64(st.Lost) || made > uint64(st.Lost)+3 {
		t.Errorf("lost %d, concealed %d, restored %d", st.Lost, st.Concealed, st.Restored)
	}
}

func TestJitter(t *testing.T) {
	c, delay, st := linkTest(t, func(rng *rand.Rand, _ int) []time.Duration {
		return []time.Duration{1 + time.Duration(rng.Int64N(int64(50*time.Millisecond)))}
	})
	if c < 0.97 || delay > 120*time.Millisecond {
		t.Errorf("correlation %.3f, delay %v", c, delay)
	}
	if st.Jitter < 5*time.Millisecond {
		t.Errorf("jitter %v", st.Jitter)
	}
}

func TestReorderAndDuplicates(t *testing.T) {
	c, delay, st := linkTest(t, func(rng *rand.Rand, i int) []time.Duration {
		switch {
		case i%10 == 0:
			return []time.Duration{25 * time.Millisecond} // after its successor
		case i%7 == 0:
			return []time.Duration{0, 0}
		}
		return []time.Duration{0}
	})
	if c < 0.97 || delay > 80*time.Millisecond {
		t.Errorf("correlation %.3f, delay %v", c, delay)
	}
	if st.Rejected == 0 { // SRTP knows copies: RFC 3711, section 3.3.2
		t.Errorf("no copy was noticed: %+v", st)
	}
}

// TestDelayComesBack shows that delay taken for a disturbance is given back within
// ten seconds of its end.
func TestDelayComesBack(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(6, 6))
		said := speech(5*time.Second, 3)
		measure := func() time.Duration {
			heard := talk(a, b, said)
			_, delay := compare(said[3*Rate:], heard[3*Rate:])
			return delay
		}
		before := measure()
		n.path = func(netip.AddrPort, netip.AddrPort, []byte) []time.Duration {
			return []time.Duration{1 + time.Duration(rng.Int64N(int64(80*time.Millisecond)))}
		}
		during := measure()
		n.path = nil
		measure()
		after := measure()
		t.Logf("delay %v, %v, %v", before, during, after)
		if during < before+40*time.Millisecond {
			t.Errorf("delay %v in jitter, %v before", during, before)
		}
		if after > before+15*time.Millisecond {
			t.Errorf("delay %v after, %v before", after, before)
		}
	})
}

// TestDrift lets the sender's clock run fast, then slow, by far more than two
// sound cards differ.
func TestDrift(t *testing.T) {
	for _, step := range []time.Duration{-20 * time.Microsecond, 20 * time.Microsecond} { // 1000 ppm
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			a, b := n.session(t, addrA, Config{}), n.session(t, addrB, Config{})
			defer a.Close()
			defer b.Close()
			negotiate(t, a, b)
			said := speech(2*time.Second, 4)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := range 100 * 50 {
					at := i * FrameSamples % len(said)
					a.Capture(said[at : at+FrameSamples])
					time.Sleep(Frame + step)
				}
			}()
			out := make([]int16, FrameSamples)
			for range 90 * 50 {
				b.Playout(out)
				time.Sleep(Frame)
			}
			st := b.Stats()
			t.Logf("%+v", st)
			if st.Delay > 80*time.Millisecond || st.Dropped > 0 || st.Late > 2 || st.Concealed > 20 {
				t.Errorf("after 90 seconds at %v a frame: %+v", step, st)
			}
			<-done
		})
	}
}

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

func TestRenegotiation(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		said := speech(2*time.Second, 6)
		talk(a, b, said)
		first, _ := a.Offer()
		second, _ := a.Offer()
		if !bytes.Equal(first, second) {
			t.Errorf("two offers of the same\n%s\n%s", first, second)
		}

		if _, err := b.Hold(true); err != nil {
			t.Fatal(err)
		}
		negotiate(t, b, a)
		if a.Direction() != sdp.RecvOnly || b.Direction() != sdp.SendOnly {
			t.Errorf("held: %v, %v", a.Direction(), b.Direction())
		}
		sent := a.Stats().Sent
		heard := talk(a, b, said)
		if a.Stats().Sent != sent || power(heard[Rate/2:]) != 0 {
			t.Errorf("a sends while held: %+v, power %g", a.Stats(), power(heard[Rate/2:]))
		}

		if _, err := b.Hold(false); err != nil {
			t.Fatal(err)
		}
		negotiate(t, b, a)
		c, delay := compare(said, talk(a, b, said))
		if c < 0.98 || delay > 60*time.Millisecond {
			t.Errorf("after hold: correlation %.3f, delay %v", c, delay)
		}
		if st := b.Stats(); st.Rejected != 0 || !st.Secure {
			t.Errorf("after hold: %+v", st)
		}
		o, _ := sdp.Parse(first)
		last, _ := b.Offer()
		d, _ := sdp.Parse(last)
		if len(d.Media[0].Cryptos) != 1 || bytes.Equal(o.Media[0].Cryptos[0].Key, d.Media[0].Cryptos[0].Key) {
			t.Error("both directions have the same key, or a second suite is offered in a running call")
		}
		if d.Origin.Version != 3 { // answer, hold, resume
			t.Errorf("version %d after two changes", d.Origin.Version)
		}
	})
}

// TestHold: "If the stream to be placed on hold was previously a sendrecv media
// stream, it is placed on hold by marking it as sendonly. If the stream to be placed
// on hold was previously a recvonly media stream, it is placed on hold by marking it
// inactive." (RFC 3264, section 8.4)
func TestHold(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		said := speech(time.Second, 6)
		version := uint64(0)
		change := func(s, far *Session, on bool, want string) {
			t.Helper()
			offer, err := s.Hold(on)
			if err != nil {
				t.Fatal(err)
			}
			d, err := sdp.Parse(offer)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Media[0].Direction.String(); got != want {
				t.Errorf("hold=%t offers %s, want %s", on, got, want)
			}
			if s == a {
				if version != 0 && d.Origin.Version != version+1 {
					t.Errorf("version %d after %d", d.Origin.Version, version)
				}
				version = d.Origin.Version
			}
			answer, err := far.Answer(offer)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Accept(answer); err != nil {
				t.Fatal(err)
			}
		}
		mute := func(s, far *Session) {
			t.Helper()
			sent := s.Stats().Sent
			talk(s, far, said)
			if got := s.Stats().Sent; got != sent {
				t.Errorf("%d packets of the microphone sent while held", got-sent)
			}
		}

		if _, err := a.Hold(true); err != nil {
			t.Fatal(err)
		}
		mute(a, b) // at once, not only when the other side has agreed
		if a.SendDigit('1') {
			t.Error("a key is taken while held")
		}
		change(a, b, true, "sendonly")
		mute(a, b)
		mute(b, a)
		change(a, b, false, "sendrecv")
		c, _ := compare(said, talk(a, b, said))
		if c < 0.95 {
			t.Errorf("retrieved: correlation %.3f", c)
		}

		change(a, b, true, "sendonly")
		change(b, a, true, "inactive")
		mute(a, b)
		mute(b, a)
		version = 0 // a has answered since
		change(a, b, false, "sendrecv")
		if b.Direction() != sdp.SendOnly {
			t.Errorf("b holds with %v", b.Direction())
		}
		mute(a, b)
		mute(b, a)
		change(b, a, false, "sendrecv")
		if c, _ := compare(said, talk(b, a, said)); c < 0.95 {
			t.Errorf("retrieved by both: correlation %.3f", c)
		}
	})
}

func TestStreamsKeepTheirPlaces(t *testing.T) {
	n := newNetwork()
	a, b := n.session(t, addrA, Config{}), n.session(t, addrB, Config{})
	defer a.Close()
	defer b.Close()
	offer, _ := a.Offer()
	i := bytes.Index(offer, []byte("m=audio"))
	offer = append(append(append([]byte(nil), offer[:i]...), "m=video 4000 RTP/AVP 31\r\n"...), offer[i:]...)
	answer, err := b.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := b.Offer()
	for _, text := range [][]byte{answer, again} {
		d, err := sdp.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Media) != 2 || d.Media[0].Kind != "video" || d.Media[0].Port != 0 || d.Audio() != 1 {
			t.Errorf("streams moved:\n%s", text)
		}
	}
}

func TestDigits(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(3, 3))
		n.path = func(netip.AddrPort, netip.AddrPort, []byte) []time.Duration {
			if rng.Float64() < 0.1 {
				return nil
			}
			return []time.Duration{time.Duration(rng.IntN(30)) * time.Millisecond}
		}
		keys := "0123456789*#ABCDd5550"
		for _, k := range keys {
			if !a.SendDigit(k) {
				t.Fatalf("key %c refused", k)
			}
		}
		if a.SendDigit('x') {
			t.Error("key x taken")
		}
		var got []rune
		silence := speech(10*time.Second, 8)
		talk(a, b, silence)
		for len(b.Digits()) > 0 {
			got = append(got, <-b.Digits())
		}
		if string(got) != strings.ToUpper(keys) {
			t.Errorf("sent %s, got %s", keys, string(got))
		}
	})
}

func TestReports(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		i := 0
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() == addrB && to.Port()%2 == 0 {
				if i++; i%5 == 0 {
					return nil
				}
			}
			return []time.Duration{15 * time.Millisecond}
		}
		talk(a, b, make([]int16, 25*Rate))
		st := a.Stats()
		if st.RoundTrip < 29*time.Millisecond || st.RoundTrip > 31*time.Millisecond {
			t.Errorf("round trip %v, want 30 ms", st.RoundTrip)
		}
		if st.RemoteLost < 0.19 || st.RemoteLost > 0.21 {
			t.Errorf("remote loss %.3f, want 0.2", st.RemoteLost)
		}
		if st.Rejected != 0 || b.Stats().Rejected != 0 {
			t.Errorf("reports rejected: %+v %+v", st, b.Stats())
		}
	})
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

func TestPortRange(t *testing.T) {
	n := newNetwork()
	var all []*Session
	seen := map[uint16]bool{}
	for range 3 {
		s := n.session(t, addrA, Config{Ports: PortRange{16385, 16391}})
		defer s.Close()
		if s.Port()%2 != 0 || s.Port() < 16386 || s.Port() > 16390 || seen[s.Port()] {
			t.Errorf("port %d", s.Port())
		}
		seen[s.Port()] = true
		all = append(all, s)
	}
	if _, err := New(Config{Local: addrA, Ports: PortRange{16385, 16391}, Listen: n.listen}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("%v, want ErrNoPorts", err)
	}
	all[0].Close()
	n.session(t, addrA, Config{Ports: PortRange{16385, 16391}}).Close()
}

// TestLoopback uses the sockets of the operating system.
func TestLoopback(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := New(Config{Local: local, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := New(Config{Local: local})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	negotiate(t, a, b)
	frame := make([]int16, FrameSamples)
	for range 20 {
		a.Capture(frame)
	}
	for deadline := time.Now().Add(5 * time.Second); b.Stats().Received < 20; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", b.Stats())
		}
	}
	a.Close()
	a.Capture(frame) // harmless
	if s := fmt.Sprint(logged.String()); strings.Contains(s, "inline") || !strings.Contains(s, "secure=true") {
		t.Errorf("log: %s", s)
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"G722", Config{}},
		{"G722 twice", Config{Redundancy: Always}},
		{"PCMU", Config{Codecs: []string{"PCMU"}}},
		{"PCMU with VAD", Config{Codecs: []string{"PCMU"}, VAD: true}},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkFrame(b, c.cfg) })
	}
}

// TestNoAllocations: a call in steady state makes no garbage, packets repeated or not.
func TestNoAllocations(t *testing.T) {
	for _, cfg := range []Config{{}, {Redundancy: Always}, {Codecs: []string{"PCMU"}, VAD: true}} {
		n := newNetwork()
		x, y := n.session(t, addrA, cfg), n.session(t, addrB, cfg)
		negotiate(t, x, y)
		var wire []byte
		said, out := speech(2*time.Second, 1), make([]int16, FrameSamples)
		now, i := time.Now(), 0
		frame := func() {
			at := i * FrameSamples % len(said)
			i++
			x.send.frame(said[at:at+FrameSamples], tapConn{&wire})
			y.recv.rtpPacket(now, wire, netip.AddrPortFrom(addrA, x.Port()))
			now = now.Add(Frame)
			y.recv.playout(now, out)
		}
		for range 20 {
			frame()
		}
		if a := testing.AllocsPerRun(200, frame); a > forgotten {
			t.Errorf("%+v: %.2f allocations for a frame", cfg, a)
		}
		x.Close()
		y.Close()
	}
}

func benchmarkFrame(b *testing.B, cfg Config) {
	n := newNetwork()
	x, y := n.session(b, addrA, cfg), n.session(b, addrB, cfg)
	defer x.Close()
	defer y.Close()
	negotiate(b, x, y)
	var wire []byte
	from := netip.AddrPortFrom(addrA, x.Port())
	tap := tapConn{&wire}
	said := speech(2*time.Second, 1)
	out := make([]int16, FrameSamples)
	now := time.Now()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		at := i * FrameSamples % len(said)
		i++
		x.send.frame(said[at:at+FrameSamples], tap)
		y.recv.rtpPacket(now, wire, from)
		now = now.Add(Frame)
		y.recv.playout(now, out)
	}
}

// tapConn keeps what was written last.
type tapConn struct{ last *[]byte }

func (c tapConn) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) { panic("not read") }
func (c tapConn) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	*c.last = append((*c.last)[:0], b...)
	return len(b), nil
}
func (c tapConn) Close() error { return nil }
