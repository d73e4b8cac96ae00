package firmware

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
	"chordophone/sip/media"
	"chordophone/sip/siptest"
	"chordophone/sip/ua"
)

// datagrams is a socket of a network in memory, as package media has them.
type datagrams struct{ *siptest.PacketConn }

func (d datagrams) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := d.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	return n, from.(*net.UDPAddr).AddrPort(), nil
}

func (d datagrams) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return d.WriteTo(b, net.UDPAddrFromAddrPort(to))
}

// inCall has a desk call 102, who answers: what is done then, in a bubble.
func inCall(t *testing.T, do func(t *testing.T, w *deskTest, near, far *media.Session, net *siptest.Network)) {
	synctest.Test(t, func(t *testing.T) {
		w := newDeskTest(t)
		defer w.stop()
		w.do("h102#")
		w.asked("dial out-1 102")
		net := siptest.NewNetwork()
		var sides [2]*media.Session
		for i, at := range []string{"192.0.2.1", "192.0.2.2"} {
			s, err := media.New(media.Config{Local: netip.MustParseAddr(at), Listen: func(at netip.AddrPort) (media.PacketConn, error) {
				c, err := net.Packets(at)
				return datagrams{c}, err
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			sides[i] = s
		}
		agree(t, sides[0], sides[1])
		w.clerk.events <- ua.Answered{Call: "out-1", Media: sides[0], Peer: "102"}
		do(t, w, sides[0], sides[1], net)
	})
}

func agree(t *testing.T, a, b *media.Session) {
	t.Helper()
	offer, err := a.Offer()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Accept(answer); err != nil {
		t.Fatal(err)
	}
}

// speak has those sides speak and hear for a while whose handset is at it.
func speak(d time.Duration, sides ...*media.Session) {
	var pcm [hal.FrameSamples]int16
	for range d / hal.Frame {
		for _, s := range sides {
			s.Capture(pcm[:])
			s.Playout(pcm[:])
		}
		time.Sleep(hal.Frame)
	}
}

// A call whose far side has gone without a word is given up after half a minute, and not before.
func TestDeskGivesUpSilence(t *testing.T) {
	inCall(t, func(t *testing.T, w *deskTest, near, far *media.Session, net *siptest.Network) {
		speak(5*time.Second, near, far)
		net.Lose(func(_, _ netip.AddrPort, _ []byte) bool { return true })
		speak(silenceLimit-time.Second, near, far)
		w.asked()
		speak(1300*time.Millisecond, near, far)
		w.asked("abort out-1: nothing was heard for 30 s")
		w.clerk.events <- ua.Ended{Call: "out-1", Status: 200, Cause: "nothing was heard for 30 s"}
		w.asked()
	})
}

// Who is held for long, and whoever's microphone the far side has put aside, is not given up:
// reports go on, by which each knows that the other is there.
func TestDeskHoldsForLong(t *testing.T) {
	inCall(t, func(t *testing.T, w *deskTest, near, far *media.Session, _ *siptest.Network) {
		speak(5*time.Second, near, far)
		// The handset is at another call: only the desk looks after this one.
		if _, err := near.Hold(true); err != nil {
			t.Fatal(err)
		}
		speak(5*time.Minute, far)
		if silent := far.Stats().Silent; silent > 10*time.Second {
			t.Errorf("the far side has not heard of us for %v", silent)
		}
		w.asked()
		if _, err := near.Hold(false); err != nil {
			t.Fatal(err)
		}
		speak(time.Second, near, far)
		if st := far.Stats(); st.Late > 3 || st.Dropped > 3 {
			t.Errorf("after hold packets come late: %+v", st)
		}
	})
}

// RFC 8083, section 4.2: when reports say five times that nothing of ours arrives, we stop, and the
// call is of no use.
func TestDeskGivesUpDeafPeer(t *testing.T) {
	inCall(t, func(t *testing.T, w *deskTest, near, far *media.Session, net *siptest.Network) {
		speak(10*time.Second, near, far)
		net.Lose(func(_, to netip.AddrPort, _ []byte) bool {
			return to.Addr() == netip.MustParseAddr("192.0.2.2") && to.Port()%2 == 0
		})
		speak(10*time.Second, near, far)
		w.asked()
		for range 60 {
			speak(time.Second, near, far)
			if near.Stats().Broken != "" {
				break
			}
		}
		time.Sleep(listenTime)
		w.clerk.events <- ua.Progress{}
		w.clerk.asked = slices.Compact(w.clerk.asked) // nobody has done it yet
		w.asked("abort out-1: our sound is stopped: nothing arrives")
	})
}

// How a call sounded is told when it has ended and kept; the far side's keys are told.
func TestDeskTellsQuality(t *testing.T) {
	inCall(t, func(t *testing.T, w *deskTest, near, far *media.Session, _ *siptest.Network) {
		w.clerk.events <- ua.Pressed{Call: "out-1", Key: '7'} // by INFO
		synctest.Wait()
		far.SendDigit('#') // with the sound
		speak(20*time.Second, near, far)
		if now := w.desk.ledger.calls(); len(now) != 1 || now[0].Sound.MOSCQ < 4.3 || now[0].Sound.Codec != "G722" {
			t.Errorf("in progress: %+v", now)
		}
		w.clerk.events <- ua.Ended{Call: "out-1", Status: 200, ByFar: true}
		w.asked()
		var keys string
		var told *hal.Sound
		for _, n := range w.panel.Take() {
			switch n := n.(type) {
			case hal.Pressed:
				keys += n.ID + " " + n.Key + " "
			case hal.CallState:
				if n.State == "ended" {
					told = n.Sound
				}
			}
		}
		if keys != "out-1 7 out-1 # " {
			t.Errorf("keys %q", keys)
		}
		kept := (<-w.desk.ledger.ended).Sound
		if told == nil || *told != kept || kept.R < 90 || kept.MOSLQ < 4.3 || kept.Received < 900 || !kept.Secure ||
			kept.DelayMS < 10 || kept.DelayMS > 80 || kept.FarMOS < 4.3 {
			t.Errorf("told %+v, kept %+v", told, kept)
		}
	})
}

func TestHopeless(t *testing.T) {
	for _, c := range []struct {
		st    media.Stats
		cause string
	}{
		{media.Stats{}, ""},
		{media.Stats{Silent: silenceLimit - 1, ConcealedRatio: 0.9, MOSCQ: 1}, ""}, // bad is not hopeless
		{media.Stats{Silent: silenceLimit}, "nothing was heard for 30 s"},
		{media.Stats{Broken: "the network is congested"}, "our sound is stopped: the network is congested"},
	} {
		if got := hopeless(c.st); got != c.cause {
			t.Errorf("%+v: %q, want %q", c.st, got, c.cause)
		}
	}
}
