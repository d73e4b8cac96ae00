package firmware

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"chordophone/firmware/phone"
	"chordophone/firmware/phone/selftest"
	"chordophone/hal"
	"chordophone/sip/media"
	"chordophone/sip/ua"
)

// enrolment is what the desk can do for newcomers.
type enrolment interface {
	Open() (code string)
	OpenFor(extension string) (code string, err error)
	Close()
}

// userAgent is what the desk asks of the telephone's calls: sip/ua's UA.
type userAgent interface {
	Events() <-chan ua.Event
	Dial(call, number string)
	Answer(call string)
	Reject(call string, status int)
	Hangup(call string)
	Abort(call, cause string)
	Hold(call string, on bool)
	Transfer(call, number string)
	TransferTo(call, other string)
}

// desk is the loop round the telephone's state machine: it translates between
// the words of the panel, of the user agent and of the phone, and carries out
// what the phone wants.
type desk struct {
	phone    *phone.Phone
	recorder *phoneRecorder
	panel    hal.Panel
	calls    userAgent
	voice    *voice
	gain     func(decibel float64) // of the earpiece
	bell     func(decibel float64) // its gain
	keep     func(phone.Settings)
	enrol    enrolment
	ledger   *ledger
	events   *mailbox // from the rest of the program
	log      *slog.Logger

	again  []phone.Event             // what came of the actions just carried out
	sounds map[string]*media.Session // of the calls that were answered
	parts  func() []selftest.Part    // of the telephone's body
}

// run serves the telephone until ctx is cancelled or the panel is gone.
func (d *desk) run(ctx context.Context) error {
	defer close(d.events.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	look, looking := time.NewTimer(0), true
	defer look.Stop()
	keys, calls := d.panel.Events(), d.calls.Events()
	for {
		var ev phone.Event
		over := "" // the call that ends with this event
		select {
		case <-ctx.Done():
			d.voice.set(earpiece{})
			return nil
		case key, ok := <-keys:
			if !ok {
				return errQuit
			}
			ev = phone.Input{Event: key}
		case e, ok := <-calls:
			if !ok {
				calls = nil // the user agent has ended, and soon so will ctx
				continue
			}
			ev = d.fromCall(e)
			if e, ok := e.(ua.Ended); ok {
				over = e.Call
			}
		case ev = <-d.events.c:
		case <-timer.C:
			ev = phone.Tick{}
		case <-look.C:
			d.listen()
			if looking = len(d.sounds) > 0; looking {
				look.Reset(listenTime)
			}
			continue
		}
		d.step(ev)
		for len(d.again) > 0 {
			ev, d.again = d.again[0], d.again[1:]
			d.step(ev)
		}
		delete(d.sounds, over) // also one that the phone had done with before it was answered
		if len(d.sounds) > 0 && !looking {
			look.Reset(listenTime)
			looking = true
		}
		if next := d.phone.Next(); !next.IsZero() {
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
	}
}

// step gives one event to the phone and carries out what it wants.
func (d *desk) step(ev phone.Event) {
	d.log.Debug("phone", "event", discreet(ev))
	now := time.Now()
	actions := d.phone.Step(now, ev)
	d.recorder.record(now, ev, actions)
	for _, a := range actions {
		d.log.Debug("phone", "action", discreet(a))
		d.do(a)
	}
}

// discreet is an event or action for the log: a pairing code is not for whoever
// reads that.
func discreet(what any) any {
	switch w := what.(type) {
	case phone.Enrolling:
		return phone.Enrolling{Code: phone.Stars(w.Code)}
	case phone.Tell:
		if l, ok := w.Notice.(hal.Lines); ok {
			return phone.Tell{Notice: hal.Lines{Lines: phone.HideCode(l.Lines)}}
		}
	}
	return what
}

// mailbox brings the desk events from other goroutines. When the desk has ended
// they are lost.
type mailbox struct {
	c    chan phone.Event
	done chan struct{}
}

func newMailbox() *mailbox {
	return &mailbox{c: make(chan phone.Event), done: make(chan struct{})}
}

func (m *mailbox) tell(ev phone.Event) {
	select {
	case m.c <- ev:
	case <-m.done:
	}
}

// fromCall translates an event of the user agent.
func (d *desk) fromCall(e ua.Event) phone.Event {
	switch e := e.(type) {
	case ua.Offered:
		return phone.Offered{Call: e.Call, From: e.From, Name: e.Name}
	case ua.Progress:
		return phone.Progress{Call: e.Call, Status: e.Status}
	case ua.Answered:
		d.sounds[e.Call] = e.Media.(*media.Session)
		return phone.Answered{Call: e.Call}
	case ua.Pressed:
		if s := d.sounds[e.Call]; s != nil {
			s.ReceiveDigit(e.Key)
		}
		return phone.Tick{}
	case ua.Held:
		return phone.Held{Call: e.Call, ByFar: e.ByFar, On: e.On}
	case ua.Transferred:
		return phone.Transferred{Call: e.Call, New: e.New, To: e.To}
	case ua.Referred:
		return phone.Referred{Call: e.Call, Status: e.Status, Cause: e.Cause}
	case ua.Ended:
		return phone.Ended{Call: e.Call, Status: e.Status, Cause: e.Cause, ByFar: e.ByFar}
	default:
		return phone.Tick{}
	}
}

// do carries out one action of the phone.
func (d *desk) do(a phone.Action) {
	switch a := a.(type) {
	case phone.Dial:
		d.calls.Dial(a.Call, a.Number)
	case phone.Answer:
		d.calls.Answer(a.Call)
	case phone.Reject:
		d.calls.Reject(a.Call, a.Status)
	case phone.Hangup:
		d.calls.Hangup(a.Call)
	case phone.Hold:
		d.calls.Hold(a.Call, a.On)
	case phone.Transfer:
		d.calls.Transfer(a.Call, a.Number)
	case phone.TransferTo:
		d.calls.TransferTo(a.Call, a.Other)
	case phone.Digit:
		if s := d.sounds[a.Call]; s != nil {
			s.SendDigit(rune(a.Key))
		}
	case phone.Sound:
		e := earpiece{open: a.Open, tone: a.Tone}
		if s := d.sounds[a.Call]; s != nil {
			e.call = s
		}
		if s := d.sounds[a.With]; s != nil {
			e.with = s
		}
		if a.Call == phone.LoopCall {
			e.call = selftest.NewLoop()
		}
		d.voice.set(e)
	case phone.Ring:
		// The bell is the panel's, which is told.
	case phone.Volume:
		d.gain(decibels(a.Level))
	case phone.BellVolume:
		d.bell(decibels(a.Level))
	case phone.Keep:
		d.keep(a.Settings)
	case phone.Show:
		if err := d.panel.Show(a.Picture); err != nil {
			d.log.Warn("lamps", "err", err)
		}
	case phone.Tell:
		d.tell(a.Notice)
	case phone.SelfTest:
		d.again = append(d.again, partEvents(d.parts())...)
	case phone.OpenEnrolment:
		if a.For != "" {
			d.again = append(d.again, openFor(d.enrol, a.For, d.log))
			break
		}
		d.again = append(d.again, phone.Enrolling{Code: d.enrol.Open()})
	case phone.CloseEnrolment:
		d.enrol.Close()
		d.again = append(d.again, phone.Enrolling{})
	}
}

// decibels is a volume of the phone as a gain: 3 dB a step, 7 changes nothing.
func decibels(level int) float64 { return 3 * float64(level-7) }

// tell passes a notice on, with what the phone cannot know: how a call sounded.
func (d *desk) tell(n hal.Notice) {
	var sound *media.Session
	if c, ok := n.(hal.CallState); ok {
		sound = d.sounds[c.ID]
		if c.State == "ended" && sound != nil {
			delete(d.sounds, c.ID)
			q := quality(sound)
			c.Sound = &q
			d.again = append(d.again, heard(c.Peer, q))
			n = c
		}
	}
	d.ledger.note(time.Now(), n, sound)
	d.panel.Tell(n)
}

// listen looks after the calls that were answered, in the order of their names: their far
// sides hear that we are there, the keys that these have pressed are told, and what
// cannot be heard any more is given up.
func (d *desk) listen() {
	for _, call := range slices.Sorted(maps.Keys(d.sounds)) {
		s := d.sounds[call]
		s.Report()
		for range len(s.Digits()) {
			d.panel.Tell(hal.Pressed{ID: call, Key: string(<-s.Digits())})
		}
		if cause := hopeless(s.Stats()); cause != "" {
			d.log.Warn("call given up", "call", call, "cause", cause)
			d.calls.Abort(call, cause)
		}
	}
}
