package presence

import (
	"slices"

	"chordophone/sip/presence/document"
)

// facts is what one phone says of an address that it serves.
type facts struct {
	dialogs  []document.Dialog
	presence document.Presence // published, and the count of changes of bindings
}

// view is all that is known of an address.
type view struct {
	known       bool // whether anything is
	unreachable bool // it is bound, but nobody who serves it answers
	bound       bool
	dialogs     []document.Dialog
	published   document.Presence
}

func (v view) equal(w view) bool {
	return v.known == w.known && v.unreachable == w.unreachable && v.bound == w.bound &&
		slices.Equal(v.dialogs, w.dialogs) && v.published.Equal(w.published)
}

// compose is the order of package presence's comment.
func (v view) compose(aor string) document.Presence {
	p := document.Presence{Entity: "sip:" + aor}
	switch {
	case !v.known:
		return p
	case v.unreachable:
		p.Basic, p.Unreachable = document.Closed, true
	case onThePhone(v.dialogs):
		p.Basic, p.Activities, p.Note = document.Open, []string{document.OnThePhone}, v.published.Note
	case v.published.Basic != document.Unsaid:
		p.Basic, p.Activities, p.Note = v.published.Basic, v.published.Activities, v.published.Note
	default:
		p.Activities, p.Note = v.published.Activities, v.published.Note
		p.Basic = document.Closed
		if v.bound {
			p.Basic = document.Open
		}
	}
	return p
}

// calls is what a dialog-info document says.
func (v view) calls(aor string) document.DialogInfo {
	return document.DialogInfo{Entity: "sip:" + aor, Unreachable: v.unreachable, Dialogs: v.dialogs}
}

func onThePhone(dialogs []document.Dialog) bool {
	return slices.ContainsFunc(dialogs, busy)
}

// busy tells a dialog in which the user talks, or waits for somebody to answer.
func busy(d document.Dialog) bool {
	return d.State == document.Confirmed || d.Initiator && d.State != document.Terminated
}

// Line is what a lamp shows of an address.
type Line uint8

const (
	Unknown     Line = iota // not heard of yet
	Unreachable             // nobody can be asked
	Offline                 // it has no telephone
	Idle
	Ringing // somebody calls there
	Busy    // on the phone
	Held    // all calls there are on hold
)

func (l Line) String() string {
	return [...]string{"unknown", "unreachable", "offline", "idle", "ringing", "busy", "held"}[l]
}

// State is what is known of an address, for a lamp.
type State struct {
	Line            Line
	MessagesWaiting int // new ones
}

func (v view) line() Line {
	held, ringing := false, false
	for _, d := range v.dialogs {
		switch {
		case d.State == document.Confirmed && d.Held:
			held = true
		case busy(d):
			return Busy
		case d.State != document.Terminated:
			ringing = true
		}
	}
	switch {
	case !v.known:
		return Unknown
	case v.unreachable:
		return Unreachable
	case ringing:
		return Ringing
	case held:
		return Held
	case v.bound:
		return Idle
	}
	return Offline
}
