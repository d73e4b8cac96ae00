package phone

import (
	"strconv"
	"strings"
	"time"

	"chordophone/firmware/phone/selftest"
	"chordophone/hal"
)

// OutgoingPrefix begins the name of every call that the telephone dials, so that
// it never equals the name of an incoming one.
const OutgoingPrefix = "out-"

// Phone is the state of one telephone with one handset.
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
// The state is that of the call in hand. Beside it the telephone may hold one call
// and have one waiting, which knocks while another is talked to:
//
//	          in hand   held   waiting
//	recall    A         -      W          W is answered, A held
//	          A         H      (W)        H is retrieved, A held; 3 soon after joins both
//	          A, H joined                 H is held again
//	          A         -      -          A is held; dial tone
//	          no call   H      -          H is retrieved; one on its way is given up
//	          no call   -      W          W is answered
//
// With the handset back a waiting call rings, and so does a held one: that is the
// state reminding, and lifting retrieves it. But if the call in hand was dialled
// while the other was held, putting the handset back joins the two (transfer).
//
// A call that the far side hands over (Transferred) has a successor, which takes
// its place when it is answered, wherever the call is by then. One that is here no
// more has none: then the new call is hung up.
//
// The line is busy in every state but idle, and but for the one call that may wait
// while talking: any other call offered is refused with 486. That decides glare. A
// call offered before the handset moves is answered by lifting it, one offered
// after is refused, even in the same instant; and two telephones that dial each
// other both hear busy.
type Phone struct {
	cfg Config
	now time.Time // of the last Step

	// What the office says.
	online                  bool
	extension, office, node string
	reason                  string // why not online
	code                    string // pairing code while enrolment is open
	contacts                hal.Picture

	directory   [hal.Lamps]entry
	messages    int    // waiting
	heard       Heard  // the last call
	fingerprint string // of the console
	trouble     string // with the body
	hotLine     string // called by lifting the handset
	missing     int    // phones of the office that cannot be reached

	// What somebody has set, or is about to.
	finger finger
	menu   menu // idle only
	log    []past
	volume int  // of the earpiece
	bell   int  // its volume
	locked bool // the keys
	silent bool // the bell

	// What goes on.
	state    state
	deadline time.Time       // when state ends by itself; zero: it does not
	number   string          // collecting: what was dialled so far
	call     call            // in hand: ringing to talking; refused: who it was, if anyone, without id
	held     call            // beside it, in any state but idle; not answered if the far side handed us over
	waiting  call            // beside it, from talking until the handset is back
	passing  []passage       // transfers that run, oldest first
	consult  bool            // the call in hand was dialled while held was held
	joined   bool            // talking: with held as well
	toggled  time.Time       // when the two last changed places
	tone     hal.Tone        // refused: what the earpiece plays
	text     string          // confirmed, refused, reminding: what the display says
	stalled  bool            // refused: only because offline
	dialled  int             // calls so far
	last     string          // number dialled last
	missed   string          // caller of the last call nobody took
	parts    []selftest.Part // what a test is to look at
	test     *selftest.Test  // trying
	told     bool            // trying: the results were told
	note     string          // on the display for a moment
	noteEnd  time.Time       // ... until then

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
	reminding               // on hook, a call is held
	trying                  // a self-test, on hook in part of it
)

// call is one call; the zero call is none.
type call struct {
	id, peer, name string
	said           string    // the state that was told last
	since          time.Time // when it was answered; zero: not yet
	until          time.Time // waiting: when it is refused
	held, farHeld  bool      // by this telephone, by the far side
	ringback       bool      // not answered: it rings there
	next           *call     // takes this one's place when it is answered
}

// entry is a number that is dialled in short.
type entry struct{ number, name string }

// New returns a telephone at rest: handset in its cradle, not online.
func New(cfg Config) *Phone {
	return &Phone{
		cfg: cfg, extension: cfg.Extension, office: cfg.Office, reason: "starting",
		volume: normalVolume, bell: normalVolume, shown: levels{kept: Settings{Volume: normalVolume, Bell: normalVolume}},
	}
}

// Next returns when Step wants to be called at the latest, with a Tick if
// nothing else happens; zero if it need not.
func (p *Phone) Next() time.Time {
	next := p.deadline
	if p.state == talking { // the display counts seconds
		next = p.call.since.Add(p.now.Sub(p.call.since).Truncate(time.Second) + time.Second)
	}
	for _, t := range [...]time.Time{p.waiting.until, p.noteEnd, p.finger.due, p.menu.until} {
		if next.IsZero() || !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// Dropped returns how many events meant nothing: they named a call that is not
// there (often one that crossed a hang-up) or a lamp that is not.
func (p *Phone) Dropped() int { return p.dropped }

// Step takes one event and returns what is to be done about it, in order.
// What is due by now happens before the event.
func (p *Phone) Step(now time.Time, ev Event) []Action {
	p.out = nil
	p.now = now
	p.expire()
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
	case Held:
		p.changed(ev)
	case Transferred:
		p.transferred(ev)
	case Referred:
		p.referred(ev)
	case Contact:
		p.contact(ev)
	case Directory:
		p.enlist(ev)
	case Messages:
		p.count(ev)
	case Enrolling:
		p.code = clean(ev.Code)
	case Unable:
		if p.state == confirmed {
			p.refuse(hal.Congestion, clean(ev.Text))
		}
	case Past:
		p.remember(past{clean(ev.Number), clean(ev.Name), ev.Way})
	case Heard:
		p.heard = ev
		p.heard.Peer, p.heard.Codec = clean(ev.Peer), clean(ev.Codec)
	case HostKey:
		p.fingerprint = clean(ev.Fingerprint)
	case Island:
		p.missing = max(0, ev.Missing)
	case HotLine:
		p.hotLine = clean(ev.Number)
	case Settings:
		p.set(ev)
	case Trouble:
		p.trouble = clean(ev.Text)
	case Part:
		p.part(ev)
	case Begin:
		p.begin()
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
	if s != idle {
		p.menu = menu{}
	}
}

// expire does what the passing of time brings.
func (p *Phone) expire() {
	due := func(t time.Time) bool { return !t.IsZero() && !p.now.Before(t) }
	for {
		key, t := p.finger.key, p.finger.expire(p.now)
		if t == touchNone {
			break
		}
		p.touch(key, t)
	}
	if due(p.menu.until) {
		p.close()
	}
	if due(p.noteEnd) {
		p.note, p.noteEnd = "", time.Time{}
	}
	if due(p.waiting.until) {
		p.do(Reject{p.waiting.id, 480})
		p.unheard("no answer", 480)
	}
	if !due(p.deadline) {
		return
	}
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
	case reminding:
		p.drop(&p.held, "nobody came back")
		p.rest()
	case trying:
		p.testLate()
	default:
		panic("BUG: phone: deadline in state " + strconv.Itoa(int(p.state)))
	}
}

func (p *Phone) input(ev Input) {
	if ev.Key == hal.Hook {
		p.finger = finger{} // a key that was held before means nothing after
	}
	switch {
	case ev.Key == hal.Hook && ev.Down:
		p.hangUp()
	case ev.Key == hal.Hook:
		p.lift()
	case ev.Key == hal.Recall && ev.Down:
		p.recall()
	case ev.Key == hal.Louder, ev.Key == hal.Softer, ev.Key != 0 && strings.ContainsRune(hal.Digits, rune(ev.Key)):
		p.touch(ev.Key, p.finger.move(p.now, ev.Event))
	case ev.Down:
		if i, ok := ev.Key.Contact(); ok {
			p.pick(i)
		}
	}
}

// lift is the handset leaving its cradle.
func (p *Phone) lift() {
	switch p.state {
	case idle:
		p.missed = ""
		number := or(p.pointed(), p.hotLine)
		p.offerDialTone()
		if number != "" && p.state == ready {
			p.dial(number)
		}
	case trying:
		p.tested(func() { p.test.Handset(false) })
	case ringing:
		p.do(Answer{p.call.id})
		p.enter(answering, 0)
	case reminding:
		p.retrieve()
	}
}

// hangUp is the handset going back.
func (p *Phone) hangUp() {
	switch p.state {
	case idle, ringing, reminding:
		return // it was there already
	case dialling:
		if p.transferable() && p.call.peer != "" {
			p.pass()
		} else {
			p.drop(&p.call, "cancelled")
		}
	case trying:
		over := false
		p.tested(func() { over = p.test.Handset(true) })
		if !over {
			return
		}
		p.endTest()
	case answering:
		p.drop(&p.call, "hung up")
	case talking:
		switch {
		case p.joined:
			p.drop(&p.held, "hung up")
			p.drop(&p.call, "hung up")
		case p.transferable():
			p.join()
		default:
			p.drop(&p.call, "hung up")
		}
	}
	p.rest()
}

// rest is the telephone with its handset back: idle, unless there is a call to
// come back to.
func (p *Phone) rest() {
	p.call, p.joined, p.text = call{}, false, ""
	switch {
	case p.waiting.id != "":
		p.call, p.waiting = p.waiting, call{}
		p.enter(ringing, p.call.until.Sub(p.now))
		p.call.until = time.Time{}
	case p.held.id != "" && p.held.since.IsZero():
		p.drop(&p.held, "hung up") // who is about to answer there, nobody here asked for
		p.enter(idle, 0)
	case p.held.id != "":
		p.enter(reminding, p.cfg.NoAnswer)
	default:
		p.enter(idle, 0)
	}
}

func (p *Phone) press(key hal.Key) {
	if p.locked && p.state != talking {
		return
	}
	switch p.state {
	case talking:
		if key == '3' && p.mayJoin() {
			p.confer()
			return
		}
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
	if ev.Lamp <= hal.LampLine || ev.Lamp >= hal.Lamps || ev.Signal > hal.LastSignal {
		p.dropped++
		return
	}
	p.contacts[ev.Lamp] = ev.Signal
}

func (p *Phone) enlist(ev Directory) {
	if ev.Lamp < hal.LampContact || ev.Lamp >= hal.Lamps {
		p.dropped++
		return
	}
	p.directory[ev.Lamp] = entry{number: clean(ev.Number), name: clean(ev.Name)}
}

// count lights the lamp of waiting messages and shows how many there are.
func (p *Phone) count(ev Messages) {
	p.messages = max(0, ev.Waiting)
	p.contacts[hal.LampMessage] = hal.Off
	if p.messages > 0 {
		p.contacts[hal.LampMessage] = hal.Wink
	}
}
