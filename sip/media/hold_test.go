package media

import (
	"bytes"
	"testing"
	"time"

	"chordophone/sip/sdp"
)

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
		talk(b, a, said) // the delay finds its place
		if c, _ := compare(said, talk(b, a, said)); c < 0.95 {
			t.Errorf("retrieved by both: correlation %.3f", c)
		}
	})
}
