package ua

import "slices"

// States of a dialog, RFC 4235, section 3.7.1.
const (
	Trying     = "trying"
	Early      = "early"
	Confirmed  = "confirmed"
	Terminated = "terminated"
)

// DialogState is what presence tells of one call.
type DialogState struct {
	ID, CallID          string
	LocalTag, RemoteTag string // RemoteTag is empty until the far side has spoken
	Initiator           bool   // we call
	State               string // Trying, Early, Confirmed, Terminated
	Remote              string // "sip:102@office"
	Held                bool   // by us
}

func (s *session) state() DialogState {
	d := DialogState{
		ID: s.id, CallID: s.d.callID, LocalTag: s.d.localTag, RemoteTag: s.d.remoteTag,
		Initiator: s.out, Remote: s.aor, Held: s.m.change.held,
	}
	if d.RemoteTag == "" {
		d.RemoteTag = s.earlyTag
	}
	switch s.m.state {
	case idle, locating, calling, weighing:
		d.State = Trying
	case proceeding:
		d.State = Trying
		if s.m.status > 100 {
			d.State = Early
		}
	case ringing:
		d.State = Early
	case confirmed:
		d.State = Confirmed
	default: // hung up: what is still to be said is of no interest to others
		d.State = Terminated
	}
	return d
}

// show tells cfg.Dialogs what has changed.
func (u *UA) show() {
	if u.cfg.Dialogs == nil {
		return
	}
	var all, living []DialogState
	for _, old := range u.shown {
		if u.call(old.ID) == nil {
			old.State, old.Held = Terminated, false
			all = append(all, old)
		}
	}
	for _, s := range u.calls {
		d := s.state()
		i := slices.IndexFunc(u.shown, func(old DialogState) bool { return old.ID == d.ID })
		switch {
		case d.State != Terminated:
			all, living = append(all, d), append(living, d)
		case i >= 0:
			all = append(all, d)
		}
	}
	if !slices.Equal(all, u.shown) {
		u.shown = living
		u.cfg.Dialogs(all)
	}
}
