package phone

import (
	"strconv"
	"strings"
	"time"

	"chordophone/hal"
)

// OutgoingPrefix begins the name of every call that the telephone dials, so that
// it never equals the name of an incoming one.
const OutgoingPrefix = "out-"

// Phone is the state of one telephone with one handset and one call.
//
//	          offered                lift: Answer           answered
//	┌──────┐ ────────▶ ┌─────────┐ ─────────▶ ┌───────────┐ ────────▶ ┌─────────┐
//	│ idle │           │ ringing │            │ answering │           │ talking │
//	└──────┘ ◀──────── └─────────┘            └───────────┘           └─────────┘
//	    │     given up, no answer                   │                   ▲  │
//	    │ lift                                      │           answered│  │
//	    ▼                         # or pause:       │                   │  │
//	┌───────┐ digit ┌────────────┐    Dial          │          ┌──────────┐│
//	│ ready │ ────▶ │ collecting │ ─────────────────┼────────▶ │ dialling ││
//	└───────┘       └────────────┘                  │          └──────────┘│
//	  │   ▲ time     code│   │ own number,          │ ended          │ ended│ ended
//	  │   │ ┌───────────┐│   │ unknown code         ▼                │      │
//	  │   └─│ confirmed │◀   │                 ┌─────────┐ ◀─────────┴──────┘
//	  │     └───────────┘    └───────────────▶ │ refused │
//	  └──────────────────────────────────────▶ └─────────┘ ──▶ ┌────────┐
//	         no digit in time, offline                    time │ parked │
//	                                                           └────────┘
//
// A digit leads from confirmed to collecting as it does from ready. Putting the
// handset back leads to idle from everywhere and hangs up what there is.
//
// The line is busy in every state but idle: a call offered then is refused with
// 486. That decides glare. A call offered before the handset moves is answered by
// lifting it, one offered after is refused, even in the same instant; and two
// telephones that dial each other both hear busy.
type Phone struct {
	cfg Config
	now time.Time // of the last Step

	// What the office says.
	online                  bool
	extension, office, node string
	reason                  string // why not online
	code                    string // pairing code while enrolment is open
	contacts                hal.Picture

	// What goes on.
	state    state
	deadline time.Time // when state ends by itself; zero: it does not
	number   string    // collecting: what was dialled so far
	call     call      // ringing to talking; refused: who it was, if anyone, without id
	tone     hal.Tone  // dialling, refused: what the earpiece plays
	text     string    // confirmed, refused: what the display says
	stalled  bool      // refused: only because offline
	dialled  int       // calls so far
	missed   string    // caller of the last call nobody took

	shown   levels
	out     []Action // of the Step in hand
	dropped int
}

type state uint8

const (
	idle       state = iota // on hook
	ringing                 // on hook, a call is offered
	ready                   // dial tone
	collecting              // some digits
	dialling                // a call on its way
	answering               // the handset lifted, the call not yet agreed
	talking                 // the call answered
	confirmed               // a service code was accepted
	refused                 // a tone says that it cannot be
	parked                  // the handset was forgotten off the hook
)

// call is the one call of the telephone; the zero call is none.
type call struct {
	id, peer, name string
	since          time.Time // talking: when it was answered
}

// New returns a telephone at rest: handset in its cradle, not online.
func New(cfg Config) *Phone {
	return &Phone{cfg: cfg, extension: cfg.Extension, office: cfg.Office, reason: "starting"}
}

// Next returns when Step wants to be called at the latest, with a Tick if
// nothing else happens; zero if it need not.
func (p *Phone) Next() time.Time {
	if p.state == talking { // the display counts seconds
		return p.call.since.Add(p.now.Sub(p.call.since).Truncate(time.Second) + time.Second)
	}
	return p.deadline
}

// Dropped returns how many events meant nothing: they named a call that is not
// there (often one that crossed a hang-up) or a lamp that is not.
func (p *Phone) Dropped() int { return p.dropped }

// Step takes one event and returns what is to be done about it, in order.
// What is due by now happens before the event.
func (p *Phone) Step(now time.Time, ev Event) []Action {
	p.out = nil
	p.now = now
	if !p.deadline.IsZero() && !now.Before(p.deadline) {
		p.expire()
	}
	switch ev := ev.(type) {
	case Input:
		p.input(ev)
	case Online:
		p.connected(ev)
	case Offline:
		p.disconnected(ev)
	case Offered:
		p.offered(ev)
	case Progress:
		p.progress(ev)
	case Answered:
		p.answered(ev)
	case Ended:
		p.ended(ev)
	case Contact:
		p.contact(ev)
	case Enrolling:
		p.code = clean(ev.Code)
	case Tick:
	default:
		panic("BUG: phone: unknown event")
	}
	p.render()
	out := p.out
	p.out = nil
	return out
}

// do gives an action.
func (p *Phone) do(a Action) { p.out = append(p.out, a) }

// enter changes the state for at most d; zero: until something happens.
func (p *Phone) enter(s state, d time.Duration) {
	p.state, p.deadline = s, time.Time{}
	if d > 0 {
		p.deadline = p.now.Add(d)
	}
	p.stalled = false
}

// expire does what the passing of time brings.
func (p *Phone) expire() {
	switch p.state {
	case ringing:
		// Nobody came: temporarily unavailable. // RFC 3261, section 21.4.18
		p.do(Reject{p.call.id, 480})
		p.endRinging("no answer", 480)
	case ready:
		p.refuse(hal.Congestion, "no number dialled")
	case collecting:
		p.complete()
	case confirmed:
		p.offerDialTone()
	case refused:
		p.enter(parked, 0)
	default:
		panic("BUG: phone: deadline in state " + strconv.Itoa(int(p.state)))
	}
}

func (p *Phone) input(ev Input) {
	switch {
	case ev.Key == hal.Hook && ev.Down:
		p.hangUp()
	case ev.Key == hal.Hook:
		p.lift()
	case ev.Down && strings.ContainsRune(hal.Digits, rune(ev.Key)):
		p.press(ev.Key)
	}
}

// lift is the handset leaving its cradle.
func (p *Phone) lift() {
	switch p.state {
	case idle:
		p.missed = ""
		p.offerDialTone()
	case ringing:
		p.do(Answer{p.call.id})
		p.enter(answering, 0)
	}
}

// hangUp is the handset going back.
func (p *Phone) hangUp() {
	switch p.state {
	case idle, ringing:
		return // it was there already
	case dialling:
		p.do(Hangup{p.call.id})
		p.tell("ended", "cancelled", 0)
	case answering, talking:
		p.do(Hangup{p.call.id})
		p.tell("ended", "hung up", 0)
	}
	p.call = call{}
	p.enter(idle, 0)
}

func (p *Phone) press(key hal.Key) {
	switch p.state {
	case talking:
		p.do(Digit{p.call.id, key})
	case ready, confirmed, collecting:
		p.collect(key)
	}
}

// offerDialTone waits for a number, if there is anywhere to call.
func (p *Phone) offerDialTone() {
	p.call = call{}
	p.number = ""
	if !p.online {
		p.refuse(hal.Congestion, "not connected")
		p.stalled = true
		return
	}
	p.enter(ready, p.cfg.FirstDigit)
}

// refuse plays a tone until the handset goes back.
func (p *Phone) refuse(tone hal.Tone, text string) {
	p.tone, p.text = tone, text
	p.enter(refused, p.cfg.Refused)
}

func (p *Phone) connected(ev Online) {
	if !p.online || ev != (Online{p.extension, p.office, p.node}) {
		p.do(Tell{hal.Ready{Extension: ev.Extension, Office: ev.Office, Node: ev.Node}})
	}
	p.online, p.reason = true, ""
	p.extension, p.office, p.node = ev.Extension, ev.Office, ev.Node
	if p.state == refused && p.stalled {
		p.offerDialTone()
	}
}

func (p *Phone) disconnected(ev Offline) {
	reason := clean(ev.Reason)
	if p.online || reason != p.reason {
		p.do(Tell{hal.Fault{
			Message: "not connected to the office: " + reason,
			Hint:    "check the network; the telephone keeps trying by itself",
		}})
	}
	p.online, p.reason = false, reason
	if p.state == ready {
		p.offerDialTone()
	}
}

func (p *Phone) contact(ev Contact) {
	if ev.Lamp <= hal.LampLine || ev.Lamp >= hal.Lamps || ev.Signal > hal.Blip {
		p.dropped++
		return
	}
	p.contacts[ev.Lamp] = ev.Signal
}
