package haltest

import (
	"sync"

	"chordophone/hal"
)

// Panel is a panel moved by a test. The zero value is not usable; see NewPanel.
type Panel struct {
	events chan hal.Event

	mu      sync.Mutex
	closed  bool
	picture hal.Picture
	notices []hal.Notice
}

// maxEvents bounds the movements a phone has not taken yet; a test that presses
// more keys than that at once is wrong.
const maxEvents = 1024

// NewPanel returns a panel whose handset rests in its cradle.
func NewPanel() *Panel { return &Panel{events: make(chan hal.Event, maxEvents)} }

// Lift takes the handset up.
func (p *Panel) Lift() { p.move(hal.Event{Key: hal.Hook, Down: false}) }

// Replace puts the handset back.
func (p *Panel) Replace() { p.move(hal.Event{Key: hal.Hook, Down: true}) }

// Press presses and releases each of keys, as in Press("102#").
func (p *Panel) Press(keys string) {
	for _, k := range keys {
		p.move(hal.Event{Key: hal.Key(k), Down: true})
		p.move(hal.Event{Key: hal.Key(k), Down: false})
	}
}

// Move makes one movement.
func (p *Panel) Move(ev hal.Event) { p.move(ev) }

func (p *Panel) move(ev hal.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	select {
	case p.events <- ev:
	default:
		panic("BUG: haltest: nobody takes the panel's events")
	}
}

// Events implements hal.Panel.
func (p *Panel) Events() <-chan hal.Event { return p.events }

// Show implements hal.Panel.
func (p *Panel) Show(pic hal.Picture) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.picture = pic
	return nil
}

// Tell implements hal.Panel.
func (p *Panel) Tell(n hal.Notice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notices = append(p.notices, n)
}

// Close closes Events: the panel is gone for good.
func (p *Panel) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.events)
	}
	return nil
}

// Picture is what the lamps show now.
func (p *Panel) Picture() hal.Picture {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.picture
}

// Take returns the notices told since the last Take, in their order.
func (p *Panel) Take() []hal.Notice {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.notices
	p.notices = nil
	return n
}
