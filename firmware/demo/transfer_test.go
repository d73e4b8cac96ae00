package demo

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"chordophone/hal"
	"chordophone/hal/wav"
)

// with is a call with a peer in a state.
func with(peer, name string) func(event) bool {
	return func(e event) bool { return e.Event == "call" && e.Peer == peer && e.State == name }
}

// sees waits for the events of one phone, in any order.
func (f *fleet) sees(p *phone, what string, all ...func(event) bool) {
	f.t.Helper()
	for len(all) > 0 {
		at := 0
		_, err := p.expect(f.t.Context(), what, soon, func(e event) bool {
			for i, is := range all {
				if is(e) {
					at = i
					return true
				}
			}
			return false
		})
		if err != nil {
			f.t.Fatalf("%d left: %v", len(all), err)
		}
		all = append(all[:at:at], all[at+1:]...)
	}
}

// rests puts back a handset that a tone comes from.
func (f *fleet) rests(p *phone) {
	f.t.Helper()
	if err := p.rest(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// trio is an office of three; 102 and 103 each say the sentence, and nothing for so
// long before it.
func trio(f *fleet, quiet time.Duration) (one, two, three *phone, sentence []int16) {
	f.t.Helper()
	file := filepath.Join(f.out, "sentence.wav")
	sound, err := wav.ReadFile("speech.wav")
	if err != nil {
		f.t.Fatal(err)
	}
	sentence = sound.At(hal.Rate)
	late := append(make([]int16, int(quiet.Seconds()*hal.Rate)), sentence...)
	if err := wav.WriteFile(file, hal.Rate, late); err != nil {
		f.t.Fatal(err)
	}
	speaks := func(i int, args ...string) *phone {
		name := fmt.Sprint(100 + i)
		p, err := start(program, f.out, name, f.address(i), file, filepath.Join(f.out, name+".wav"), append(args, "--call-waiting")...)
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(p.kill)
		f.ready(p)
		return p
	}
	one = f.start(1, "--found", "office", "--pairing-code", "111111")
	f.ready(one)
	two = speaks(2, "--join", "111111", "--peer", f.address(1), "--pairing-code", "222222")
	three = speaks(3, "--join", "222222", "--peer", f.address(2))
	return one, two, three, sentence
}

// connect has one phone call another.
func (f *fleet) connect(from, to *phone) {
	f.t.Helper()
	s := &script{timeline: timeline{w: f.t.Output(), began: time.Now()}}
	if err := s.connect(f.t.Context(), from, to); err != nil {
		f.t.Fatal(err)
	}
}

// consult holds the call of one with two and has one talk to three.
func (f *fleet) consult(one, two, three *phone) {
	f.t.Helper()
	one.do("keys R")
	f.sees(one, "the held call and dial tone", with("102", "held"), tone("dial"))
	f.sees(two, "being held", with("101", "held"))
	one.do("keys 103#")
	f.sees(one, "ringback", tone("ringback"))
	f.sees(three, "ringing", rings)
	three.do("off")
	f.sees(three, "the consultation", with("101", "connected"))
	f.sees(one, "the consultation", with("103", "connected"))
}

// hears verifies what came out of a phone's earpiece, once its handset is back.
func (f *fleet) hears(p *phone, sentence []int16) {
	f.t.Helper()
	got, err := recorded(f.t.Context(), p.ear, length(sentence))
	if err != nil {
		f.t.Fatal(err)
	}
	like, at := Likeness(sentence, got)
	f.t.Logf("%s: likeness %.3f, %.2f s into %.2f s", p.name, like, float64(at)/hal.Rate, length(got).Seconds())
	// A machine with other work to do makes phones miss many frames; who hears nothing,
	// or somebody else, is near 0.
	if like < 0.4 {
		f.t.Errorf("%s heard the sentence with a likeness of %.3f", p.name, like)
	}
}

// 101 calls 102, holds and retrieves the call, consults 103 and puts the handset
// back: 102 and 103 talk.
func TestAttendedTransfer(t *testing.T) {
	t.Parallel()
	const quiet = 12 * time.Second
	f := newFleet(t, 44)
	one, two, three, sentence := trio(f, quiet)
	f.connect(one, two)
	began := time.Now()

	one.do("keys R")
	f.sees(one, "the held call", with("102", "held"))
	f.sees(two, "being held", with("101", "held"))
	one.do("keys R")
	f.sees(one, "the call retrieved", with("102", "connected"))
	f.sees(two, "being retrieved", with("101", "connected"))

	f.consult(one, two, three)
	one.do("keys R")
	f.sees(one, "the calls changed", with("103", "held"), with("102", "connected"))
	f.sees(two, "being retrieved", with("101", "connected"))
	f.sees(three, "being held", with("101", "held"))

	asked := time.Now()
	one.do("on")
	f.sees(two, "the transfer", with("103", "connected"), with("101", "ended"))
	f.sees(three, "the transfer", with("102", "connected"), with("101", "ended"))
	f.sees(one, "the transfer", with("102", "ended"), with("103", "ended"))
	t.Logf("joined %v after 101 put the handset back", ms(time.Since(asked)))
	if late := time.Since(began); late > quiet-time.Second {
		t.Fatalf("all that took %v: 102 speaks already", late)
	}

	time.Sleep(time.Until(began.Add(quiet + length(sentence) + 2*time.Second)))
	two.do("on")
	over, err := three.expect(t.Context(), "end of the call", soon, ended("102"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("how it sounded at 103: %+v", over.Sound)
	three.do("on")
	f.hears(three, sentence)
	f.hears(two, sentence)
}

// What 101 does with two calls: it passes the first on while the second rings; it
// is told of a call that waits, takes it, and is rung back for the one it holds;
// and it joins both to a conference, in which all hear all.
func TestTwoCalls(t *testing.T) {
	t.Parallel()
	const quiet = 4 * time.Second
	f := newFleet(t, 45)
	one, two, three, sentence := trio(f, quiet)

	f.connect(one, two)
	one.do("keys R")
	f.sees(one, "dial tone", tone("dial"))
	one.do("keys 103#")
	f.sees(one, "ringback", tone("ringback"))
	f.sees(three, "ringing", func(e event) bool { return rings(e) && e.From == "101" })
	one.do("on")
	f.sees(three, "ringing for the one transferred", func(e event) bool { return rings(e) && e.From == "102" })
	three.do("off")
	f.sees(two, "the transfer", with("103", "connected"), with("101", "ended"))
	f.sees(three, "the transfer", with("102", "connected"))
	f.sees(one, "the end of the call", with("102", "ended"))

	// 102 and 103 talk; 101 knocks at 102.
	one.do("off")
	one.do("keys 102#")
	f.sees(two, "the tone of a call that waits", with("101", "ringing"), tone("waiting"))
	f.sees(one, "ringback", tone("ringback"))
	two.do("keys R")
	f.sees(two, "the call taken", with("103", "held"), with("101", "connected"))
	f.sees(one, "the call", with("102", "connected"))
	f.sees(three, "being held", with("102", "held"))
	two.do("on")
	f.sees(two, "ringing back", with("101", "ended"), func(e event) bool { return rings(e) && e.From == "103" })
	f.sees(one, "the end of the call", with("102", "ended"))
	one.do("on")
	two.do("off")
	f.sees(two, "the call retrieved", with("103", "connected"))
	f.sees(three, "being retrieved", with("102", "connected"))
	two.do("on")
	f.sees(three, "the end of the call", with("102", "ended"))
	f.rests(three)

	f.connect(one, two)
	f.consult(one, two, three)
	one.do("keys R3")
	f.sees(one, "the conference", with("103", "held"), with("102", "connected"), with("103", "connected"))
	f.sees(two, "the conference", with("101", "connected"))
	time.Sleep(quiet + length(sentence) + 2*time.Second)
	one.do("on")
	f.sees(two, "the end of the conference", with("101", "ended"))
	f.sees(three, "the end of the conference", with("101", "ended"))
	two.do("on")
	three.do("on")
	f.hears(two, sentence)
	f.hears(three, sentence)
}
