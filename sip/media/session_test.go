package media

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
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
				settle(a, b)
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
				const packets = uint64((5*time.Second + calmTime) / Frame)
				if sa.Codec != codec || !sa.Secure || sa.Sent != packets {
					t.Errorf("sender: %+v", sa)
				}
				if sb.Received != packets || sb.Lost != 0 || sb.Late != 0 || sb.Concealed != 0 || sb.Rejected != 0 || sb.Jitter > time.Millisecond {
					t.Errorf("receiver: %+v", sb)
				}
			})
		})
	}
}

// TestPacketTimes: a peer may send packets of other lengths than ours, and lose some, to
// telephones that move sound in short steps and in long ones.
func TestPacketTimes(t *testing.T) {
	said := speech(10*time.Second, 10)
	coded := newG722().encode(nil, said)
	for _, c := range []struct{ ms, step int }{
		{10, short}, {20, short}, {30, short}, {40, short}, {60, short}, {120, short},
		{10, FrameSamples}, {30, FrameSamples}, {120, FrameSamples},
	} {
		ms := c.ms
		if raced && ms != 10 && ms != 120 {
			continue
		}
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
			for at := 0; at < len(heard); at += c.step {
				b.Playout(heard[at : at+c.step])
				time.Sleep(time.Duration(c.step) * time.Second / Rate)
			}
			<-done
			corr, delay := compare(said[6*Rate:], heard[6*Rate:])
			st := b.Stats()
			t.Logf("%d ms, steps of %d samples: correlation %.3f, delay %v, %+v", ms, c.step, corr, delay, st)
			if corr < 0.9 || delay > time.Duration(2*ms+50)*time.Millisecond || st.Late > 2 || st.Dropped > 0 {
				t.Errorf("%d ms, steps of %d samples: correlation %.3f, delay %v, %+v", ms, c.step, corr, delay, st)
			}
		})
	}
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
