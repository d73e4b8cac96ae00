//go:build interop

package interop

import (
	"testing"
	"time"
)

// pause is what people at least wait between one key and the next. A linphonec that is
// told to transfer before it has the ACK of its answer refuses the NOTIFY with 491.
const pause = 500 * time.Millisecond

// holder can hold a call and hand it on.
type holder interface {
	telephone
	hold()
	resume()
	transfer(to string)
}

// ears is where a telephone's received sound is listened to when calls are
// renegotiated: on the wire at clients, at the earpiece of our own.
func ears(s *scene, t telephone) listener {
	switch t := t.(type) {
	case *baresip:
		return s.wire(t.host, t.String())
	case *linphone:
		return s.wire(t.host, t.String())
	}
	return t
}

// Hold and retrieval: who is held falls silent, and is heard again afterwards.
func TestHold(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, pair := range []struct{ a, b maker }{
		{aBaresip, aBaresip}, {aBaresip, aLinphone}, {aLinphone, aBaresip}, {aBaresip, ourPhone}, {aLinphone, ourPhone},
	} {
		for _, over := range transports {
			all = append(all, trial{
				part: "hold", what: pair.a.name + " holds " + pair.b.name, over: over, alone: pair.b.ours,
				script: func(s *scene) {
					s.g711 = true
					a, b := pair.a.make(s, 0, over, voices[2]).(holder), pair.b.make(s, 1, over, voices[3])
					a.registered()
					b.registered()
					atA, atB := ears(s, a), ears(s, b)
					connect(a, b)
					s.hears(atA, b.voice())
					a.hold()
					s.deaf(atA)
					a.resume()
					s.hear(hearing{atA, b.voice()}, hearing{atB, a.voice()})
					a.hangup()
					b.closed()
				},
			})
		}
	}
	trials(t, all)
}

// Transfers: a and b talk, b hands a on to c, and a and c hear each other.
func TestTransfer(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, three := range []struct{ a, b, c maker }{
		{aBaresip, aBaresip, aBaresip}, {aLinphone, aBaresip, aBaresip}, {aBaresip, aLinphone, aBaresip},
		{aBaresip, aBaresip, aLinphone}, {ourPhone, aBaresip, aBaresip}, {ourPhone, aLinphone, aBaresip}, {aBaresip, aBaresip, ourPhone},
	} {
		for _, over := range transports {
			all = append(all, trial{
				part: "transfer", what: "blind: " + three.b.name + " hands " + three.a.name + " on to " + three.c.name, over: over,
				alone: three.a.ours || three.c.ours,
				script: func(s *scene) {
					s.g711 = true
					a := three.a.make(s, 0, over, voices[1])
					b := three.b.make(s, 1, over, voices[2]).(holder)
					c := three.c.make(s, 0, over, voices[3])
					a.registered()
					b.registered()
					c.registered()
					atA, atC := ears(s, a), ears(s, c)
					connect(a, b)
					time.Sleep(pause)
					b.transfer(c.number())
					c.ringing(a.number())
					c.answer()
					c.connected()
					b.closed()
					s.hear(hearing{atA, c.voice()}, hearing{atC, a.voice()})
					c.hangup()
				},
			})
		}
	}
	for _, three := range []struct{ a, c maker }{{aLinphone, aLinphone}, {ourPhone, aLinphone}, {aLinphone, ourPhone}} {
		for _, over := range transports {
			all = append(all, trial{
				part: "transfer", what: "attended: linphone hands " + three.a.name + " on to " + three.c.name, over: over,
				alone: three.a.ours || three.c.ours,
				script: func(s *scene) {
					s.g711 = true
					a := three.a.make(s, 0, over, voices[1])
					b := aLinphone.make(s, 1, over, voices[2]).(*linphone)
					c := three.c.make(s, 0, over, voices[3])
					a.registered()
					b.registered()
					c.registered()
					atA, atC := ears(s, a), ears(s, c)
					a.dial(b.number())
					b.ringing(a.number())
					b.answer()
					b.connected()
					a.connected()
					b.hold()
					connect(b, c)
					time.Sleep(pause)
					b.write("transfer 1 --to-call 2")
					s.hear(hearing{atA, c.voice()}, hearing{atC, a.voice()})
					c.hangup()
				},
			})
		}
	}
	trials(t, all)
}
