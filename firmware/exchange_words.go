package firmware

import (
	"context"
	"sync"

	"chordophone/firmware/phone"
	"chordophone/firmware/usage"
	"chordophone/hal"
	"chordophone/sip/presence"
	"chordophone/sip/proxy"
	"chordophone/sip/ua"
)

// This file translates between the words of the packages that exchange puts
// together.

// telephoneDialogs is how sip/ua's calls are told to sip/presence.
func telephoneDialogs(all []ua.DialogState) []presence.DialogState {
	out := make([]presence.DialogState, len(all))
	for i, d := range all {
		out[i] = presence.DialogState{
			ID: d.ID, CallID: d.CallID, LocalTag: d.LocalTag, RemoteTag: d.RemoteTag,
			Initiator: d.Initiator, State: d.State, Remote: d.Remote, Held: d.Held,
		}
	}
	return out
}

// clientDialog is how sip/proxy's is told.
func clientDialog(d proxy.DialogState) presence.DialogState {
	return presence.DialogState{
		ID: d.ID, CallID: d.CallID, LocalTag: d.LocalTag, RemoteTag: d.RemoteTag,
		Initiator: d.Initiator, State: d.State.String(), Remote: d.Remote,
	}
}

// contactLists is presence.Lists.
type contactLists struct{ contacts *usage.Contacts }

func (l contactLists) List(ctx context.Context, owner string) ([]presence.Contact, error) {
	list, err := l.contacts.List(ctx, owner)
	out := make([]presence.Contact, len(list))
	for i, c := range list {
		out[i] = presence.Contact{Name: c.Name, AOR: c.AOR}
	}
	return out, err
}

// everybody in the office may see everybody.
type everybody struct{}

func (everybody) May(string, string) bool { return true }

// signalOf is what a contact's lamp shows, in the words that desk phones use, and
// one of our own for who cannot be reached.
func signalOf(s presence.State) hal.Signal {
	switch s.Line {
	case presence.Unreachable:
		return hal.Blip
	case presence.Ringing:
		return hal.Flash
	case presence.Held:
		return hal.Wink
	case presence.Busy:
		return hal.On
	}
	return hal.Off
}

// outbox tells the desk in order, for somebody who must not wait.
type outbox struct {
	tell func(phone.Event)
	wake chan struct{} // capacity 1

	mu     sync.Mutex // guards events
	events []phone.Event
}

func newOutbox(tell func(phone.Event)) *outbox {
	return &outbox{tell: tell, wake: make(chan struct{}, 1)}
}

func (o *outbox) post(ev phone.Event) {
	o.mu.Lock()
	o.events = append(o.events, ev)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run delivers until ctx is cancelled.
func (o *outbox) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		o.mu.Lock()
		events := o.events
		o.events = nil
		o.mu.Unlock()
		for _, ev := range events {
			o.tell(ev)
		}
	}
}
