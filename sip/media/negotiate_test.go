package media

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"chordophone/sip/sdp"
)

// wiretap records the RTP headers that go to b in the clear, and the payload lengths.
type wiretap struct {
	headers []rtp.Header
	lengths []int
}

func (w *wiretap) on(n *network) {
	n.path = func(from, to netip.AddrPort, b []byte) []time.Duration {
		if to.Addr() == addrB && to.Port()%2 == 0 {
			var h rtp.Header
			k, _ := h.Unmarshal(b)
			w.headers = append(w.headers, h)
			w.lengths = append(w.lengths, len(b)-k)
		}
		return []time.Duration{0}
	}
}

// clear lets a call b without encryption; edit changes what the other says on the way.
func inClear(t *testing.T, a, b *Session, offer, answer func(string) string) {
	t.Helper()
	same := func(s string) string { return s }
	if offer == nil {
		offer = same
	}
	if answer == nil {
		answer = same
	}
	o, err := a.Offer()
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Answer([]byte(offer(string(withoutCrypto(o)))))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Accept([]byte(answer(string(got)))); err != nil {
		t.Fatalf("%v\n%s", err, answer(string(got)))
	}
}

// clearCall runs body in a bubble with two phones that may speak in the clear.
func clearCall(t *testing.T, cfgA, cfgB Config, body func(t *testing.T, n *network, a, b *Session)) {
	cfgA.Secure, cfgB.Secure = Optional, Optional
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := n.session(t, addrA, cfgA), n.session(t, addrB, cfgB)
		defer a.Close()
		defer b.Close()
		body(t, n, a, b)
	})
}

// TestPacketTimeSent: "a=ptime ... gives the length of time in milliseconds represented by
// the media in a packet", "a=maxptime ... the maximum amount of media that can be
// encapsulated in each packet" (RFC 8866, sections 6.4, 6.5).
func TestPacketTimeSent(t *testing.T) {
	seconds := 2
	if raced {
		seconds = 1
	}
	for _, c := range []struct {
		codec, attributes string
		ms                int
	}{
		{"PCMU", "a=ptime:10", 10}, {"PCMU", "a=ptime:20", 20}, {"PCMU", "a=ptime:30", 30},
		{"G722", "a=ptime:40", 40}, {"PCMA", "a=ptime:60", 60}, {"PCMU", "a=ptime:120", 60},
		{"PCMU", "a=ptime:25", 20}, {"PCMU", "a=ptime:5", 10}, {"PCMU", "", 20},
		{"PCMU", "a=ptime:60\r\na=maxptime:30", 30}, {"PCMU", "a=maxptime:10", 10},
		{"opus", "a=ptime:10", 10}, {"opus", "a=ptime:30", 20}, {"opus", "a=ptime:60", 60},
	} {
		if _, ok := codecKind(c.codec); !ok {
			continue
		}
		t.Run(c.codec+" "+c.attributes, func(t *testing.T) {
			clearCall(t, Config{Codecs: []string{c.codec}}, Config{}, func(t *testing.T, n *network, a, b *Session) {
				var w wiretap
				w.on(n)
				inClear(t, a, b, nil, func(s string) string {
					var out []string
					for _, l := range strings.SplitAfter(s, "\r\n") {
						if !strings.HasPrefix(l, "a=ptime") && !strings.HasPrefix(l, "a=maxptime") {
							out = append(out, l)
						}
					}
					return strings.Join(out, "") + c.attributes + "\r\n"
				})
				said := speech(time.Duration(seconds)*time.Second, 1)
				settle(a, b)
				heard := talk(a, b, said)
				corr, delay := compare(said[Rate/2:], heard[Rate/2:])
				st := a.Stats()
				if st.PacketTime != time.Duration(c.ms)*time.Millisecond || int(st.Sent) < 1000*seconds/c.ms-1 {
					t.Errorf("%d packets of %v, want %d ms", st.Sent, st.PacketTime, c.ms)
				}
				if corr < 0.95 || delay > 50*time.Millisecond+time.Duration(c.ms)*time.Millisecond {
					t.Errorf("correlation %.3f, delay %v", corr, delay)
				}
				for i := 1; i < len(w.headers); i++ {
					h, before := w.headers[i], w.headers[i-1]
					times := max(1, map[string]int{"opus": 6}[c.codec])
					if got := h.Timestamp - before.Timestamp; int(got) != c.ms*8*times || h.SequenceNumber != before.SequenceNumber+1 {
						t.Fatalf("packet %d is %d ticks after the one before", i, got)
					}
				}
				if q := b.Stats(); q.Concealed != 0 || q.Late != 0 || q.Dropped != 0 {
					t.Errorf("%+v", q)
				}
			})
		})
	}
}

// TestPacketTimesDiffer: each side sends what the other wishes, and who wishes short packets
// hears the other sooner.
func TestPacketTimesDiffer(t *testing.T) {
	call(t, Config{Ptime: Frame / 2}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		said := speech(3*time.Second, 1)
		for _, c := range []struct {
			from, to *Session
			packet   time.Duration
			late     time.Duration // mouth to ear
		}{{a, b, Frame, 40 * time.Millisecond}, {b, a, Frame / 2, 35 * time.Millisecond}} {
			settle(c.from, c.to)
			before := c.from.Stats().Sent
			heard := talk(c.from, c.to, said)
			corr, delay := compare(said[Rate:], heard[Rate:])
			st := c.from.Stats()
			if sent := time.Duration(st.Sent-before) * c.packet; st.PacketTime != c.packet || sent != 3*time.Second {
				t.Errorf("%v of sound sent in packets of %v, want %v", sent, st.PacketTime, c.packet)
			}
			if late := delay + Frame/2; corr < 0.98 || late > c.late {
				t.Errorf("packets of %v: correlation %.3f, mouth to ear %v", c.packet, corr, late)
			}
		}
	})
}

// TestAsymmetricPayloadTypes: "the answerer MAY include different payload type numbers
// ... in which case the answer's numbers are used towards the answerer".
func TestAsymmetricPayloadTypes(t *testing.T) {
	clearCall(t, Config{Codecs: []string{"G722"}, Redundancy: Always}, Config{Redundancy: Always}, func(t *testing.T, n *network, a, b *Session) {
		var w wiretap
		w.on(n)
		// b wants G.722 as 109, events as 110 and redundancy as 111: it answers so, and is
		// told an offer that had these numbers, so that it expects them.
		shift := strings.NewReplacer("RTP/AVP 121 9 13 101", "RTP/AVP 111 109 13 110", ":121 red", ":111 red", ":121 9/9", ":111 109/109", ":9 G722", ":109 G722", ":101 ", ":110 ")
		inClear(t, a, b, shift.Replace, nil)
		settle(a, b)
		said := speech(3*time.Second, 1)
		corr, _ := compare(said, talk(a, b, said))
		a.SendDigit('7')
		talk(a, b, said)
		if corr < 0.99 || b.Stats().Rejected != 0 || len(b.Digits()) != 1 {
			t.Errorf("correlation %.3f, %d keys, %+v", corr, len(b.Digits()), b.Stats())
		}
		for i, h := range w.headers {
			// The first of a talkspurt has nothing to repeat.
			if h.PayloadType != 111 && h.PayloadType != 110 && h.PayloadType != 109 || (h.PayloadType == 109) != h.Marker && h.PayloadType != 110 {
				t.Fatalf("packet %d of type %d", i, h.PayloadType)
			}
		}
	})
}

// TestPayloadTypesStay: "the mapping from a particular dynamic payload type number to a
// particular codec within that media stream MUST NOT change for the duration of a
// session" (RFC 3264, section 8.3.2).
func TestPayloadTypesStay(t *testing.T) {
	n := newNetwork()
	a, b := n.session(t, addrA, Config{Secure: Optional}), n.session(t, addrB, Config{Secure: Optional})
	defer a.Close()
	defer b.Close()
	client := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
		"m=audio 4000 RTP/AVP 9 96 121\r\na=rtpmap:96 telephone-event/8000\r\na=rtpmap:121 speex/16000\r\n"
	if _, err := b.Answer([]byte(client)); err != nil {
		t.Fatal(err)
	}
	again, _ := b.Offer()
	d, err := sdp.Parse(again)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint8]string{}
	for _, c := range d.Media[0].Codecs {
		if seen[c.PT] != "" {
			t.Errorf("%d is %s and %s", c.PT, seen[c.PT], c.Name)
		}
		seen[c.PT] = c.Name
	}
	if seen[96] != sdp.TelephoneEvent || seen[9] != "G722" {
		t.Errorf("the next offer has %v", seen)
	}
}

// TestCodecChange: a re-INVITE moves a running call to another codec, clock and back.
func TestCodecChange(t *testing.T) {
	names := DefaultCodecs()
	clearCall(t, Config{Codecs: names}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		said := speech(3*time.Second, 1)
		for _, name := range append(slices.Clone(names), "G722") {
			a.neg.mu.Lock()
			a.cfg.Codecs = []string{name}
			a.neg.mu.Unlock()
			inClear(t, a, b, nil, nil)
			before := b.Stats()
			settle(a, b)
			corr, delay := compare(said, talk(a, b, said))
			st := b.Stats()
			if corr < 0.93 || delay > 80*time.Millisecond || a.Stats().Codec != name || st.Concealed > before.Concealed+4 || st.Dropped > 0 {
				t.Errorf("%s: correlation %.3f, delay %v, %+v", name, corr, delay, st)
			}
		}
	})
}

// TestClientThatPrefersOpus gets it; our own phones agree on G.722.
func TestClientThatPrefersOpus(t *testing.T) {
	if _, ok := opusKind(); !ok {
		t.Log("built without Opus")
		return
	}
	n := newNetwork()
	a, b := n.session(t, addrA, Config{Secure: Optional}), n.session(t, addrB, Config{Secure: Optional})
	defer a.Close()
	defer b.Close()
	inClear(t, a, b, nil, nil)
	if a.Stats().Codec != "G722" || b.Stats().Codec != "G722" {
		t.Errorf("two phones agree on %s", a.Stats().Codec)
	}
	client := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
		"m=audio 4000 RTP/AVP 107 9 0 98 99\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:98 telephone-event/8000\r\na=rtpmap:99 telephone-event/48000\r\n"
	answer, err := b.Answer([]byte(client))
	if err != nil {
		t.Fatal(err)
	}
	if b.Stats().Codec != "opus" || !strings.Contains(string(answer), "a=rtpmap:107 opus/48000/2\r\n") {
		t.Errorf("%s\n%s", b.Stats().Codec, answer)
	}
	if b.send.event != 99 || b.send.events != 6 {
		t.Errorf("events under %d, clock %d times 8 kHz", b.send.event, b.send.events)
	}
}

// TestKeysBesideOpus: the clock of events is that of the sound.
func TestKeysBesideOpus(t *testing.T) {
	if _, ok := opusKind(); !ok {
		return
	}
	cfg := Config{Codecs: []string{"opus"}}
	clearCall(t, cfg, cfg, func(t *testing.T, n *network, a, b *Session) {
		inClear(t, a, b, nil, nil)
		for _, k := range "42#" {
			a.SendDigit(k)
		}
		talk(a, b, speech(3*time.Second, 1))
		got := ""
		for len(b.Digits()) > 0 {
			got += string(<-b.Digits())
		}
		if got != "42#" || b.Stats().Concealed > 30 {
			t.Errorf("keys %q, %+v", got, b.Stats())
		}
	})
}

// TestRedundancyNegotiated: offered last it is given when packets are lost, first always.
func TestRedundancyNegotiated(t *testing.T) {
	for _, c := range []struct {
		a, b   Redundancy
		line   string
		repeat bool
	}{
		{OnLoss, OnLoss, "0 121 13 101", false},
		{Always, OnLoss, "121 0 13 101", true},
		{Never, Always, "0 13 101", false},
		{Always, Never, "121 0 13 101", false},
	} {
		t.Run(fmt.Sprint(c.a, c.b), func(t *testing.T) {
			clearCall(t, Config{Codecs: []string{"PCMU"}, Redundancy: c.a}, Config{Codecs: []string{"PCMU"}, Redundancy: c.b}, func(t *testing.T, n *network, a, b *Session) {
				offer, _ := a.Offer()
				if !strings.Contains(string(offer), " RTP/AVP "+c.line+"\r\n") {
					t.Errorf("offer\n%s", offer)
				}
				if has := strings.Contains(string(offer), "a=rtpmap:121 red/8000\r\na=fmtp:121 0/0\r\n"); has != (c.a != Never) {
					t.Errorf("offer\n%s", offer)
				}
				inClear(t, a, b, nil, nil)
				talk(a, b, speech(time.Second, 1))
				talk(b, a, speech(time.Second, 1))
				if st := a.Stats(); (st.Repeated > 0) != c.repeat {
					t.Errorf("offerer: %+v", st)
				}
				if st := b.Stats(); (st.Repeated > 0) != c.repeat || st.Concealed > 1 || st.Restored != 0 {
					t.Errorf("answerer: %+v", st)
				}
			})
		})
	}
}
