package phone

import (
	"strings"
	"time"

	"chordophone/hal"
)

const (
	longPress   = time.Second
	repeatAfter = 500 * time.Millisecond
	repeatEvery = 150 * time.Millisecond
	maxRepeats  = 40 // a key that hangs ends by itself
)

// The keys that mean something else when they are held, and those that repeat.
const (
	longKeys   = "0*#"
	repeatKeys = "28AB<>"
)

// touch is what a finger on a key means.
type touch uint8

const (
	touchNone  touch = iota
	touchDown        // it goes down
	touchAgain       // it stays down: the key repeats
	touchLong        // it has been down for longPress
	touchUp          // it comes up before that
)

// finger is the key that is down: the machine between movements of keys and what they
// mean.
//
//	     down: touchDown       1 s pass: touchLong (0 * #)
//	up ──────────────────▶ down ──────────────────────────▶ held
//	▲                      │  │ ▲                            │
//	│        up: touchUp   │  └─┘ 0.5 s, then each 0.15 s:   │ up
//	└──────────────────────┴────  touchAgain (2 8 A B < >) ──┘
//
// A second key takes the place of the first, which then means nothing any more.
type finger struct {
	key     hal.Key   // 0: none is down
	due     time.Time // when expire has something to say, zero if it has not
	long    bool      // touchLong was said
	repeats int
}

// move takes a movement of a key.
func (f *finger) move(now time.Time, ev hal.Event) touch {
	switch {
	case ev.Down:
		*f = finger{key: ev.Key}
		switch {
		case strings.ContainsRune(longKeys, rune(ev.Key)):
			f.due = now.Add(longPress)
		case strings.ContainsRune(repeatKeys, rune(ev.Key)):
			f.due = now.Add(repeatAfter)
		}
		return touchDown
	case ev.Key != f.key:
		return touchNone
	}
	long := f.long
	*f = finger{}
	if long {
		return touchNone
	}
	return touchUp
}

// expire says what the passing of time brings: one thing at a time, touchNone if there is
// nothing more.
func (f *finger) expire(now time.Time) touch {
	switch {
	case f.due.IsZero() || now.Before(f.due):
		return touchNone
	case strings.ContainsRune(longKeys, rune(f.key)):
		f.long, f.due = true, time.Time{}
		return touchLong
	}
	f.due = f.due.Add(repeatEvery)
	if f.repeats++; f.repeats >= maxRepeats {
		f.due = time.Time{}
	}
	return touchAgain
}

// touch is a key that means something.
func (p *Phone) touch(key hal.Key, t touch) {
	once := t == touchDown
	switch {
	case p.state == trying:
		if once {
			p.tested(func() { p.test.Press(key) })
		}
	case p.state == idle && p.menu.page != closed:
		if once || t == touchAgain {
			p.navigate(key)
		}
	case key == hal.Louder, key == hal.Softer:
		if once || t == touchAgain {
			p.turn(key == hal.Louder)
		}
	case p.state == idle:
		p.atRest(key, t)
	case t == touchLong:
		p.holding(key)
	case once:
		p.press(key)
	}
}

// atRest is what keys do while the handset rests.
func (p *Phone) atRest(key hal.Key, t touch) {
	switch {
	case key == '*' && t == touchLong:
		p.locked = !p.locked
		p.remark(map[bool]string{true: "keys are locked", false: "keys are unlocked"}[p.locked])
	case p.locked:
		if t == touchUp {
			p.remark("locked: hold *")
		}
	case key == '#' && t == touchLong:
		p.silent = !p.silent
		p.remark(map[bool]string{true: "the bell is off", false: "the bell is on"}[p.silent])
	case key == '#' && t == touchUp:
		p.open(top)
	}
}

// holding is what holding a key does with the handset lifted: 0 becomes the + of
// international numbers, and * unlocks the keys.
func (p *Phone) holding(key hal.Key) {
	switch {
	case key == '*' && p.locked && p.state != talking:
		p.locked = false
		p.remark("keys are unlocked")
	case key == '0' && p.state == collecting && p.number == "0":
		p.number = "+"
		p.enter(collecting, p.cfg.InterDigit)
	}
}

// remark shows a text for a moment.
func (p *Phone) remark(text string) {
	p.note, p.noteEnd = text, p.now.Add(p.cfg.Note)
}
