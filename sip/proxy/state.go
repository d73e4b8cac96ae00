package proxy

import (
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// DialogState is one client's part in a call, for those who watch it (RFC 4235).
type DialogState struct {
	ID         string // of this part, for its life
	CallID     string
	LocalTag   string // the client's
	RemoteTag  string // empty until the far side has said one
	Initiator  bool   // the client calls
	State      State
	Remote     string // URI of the far side, and
	RemoteName string // what it calls itself; proves nothing
}

// State is that of RFC 4235, section 3.7.1.
type State uint8

const (
	Trying State = iota
	Proceeding
	Early
	Confirmed
	Terminated
)

func (s State) String() string {
	return [...]string{"trying", "proceeding", "early", "confirmed", "terminated"}[s]
}

// party is a client in a call. All of its methods may be called for nil: nobody
// wants to know.
type party struct {
	aor   string
	state DialogState
	holds int // what keeps it: its context or leg at work, and dialogs
}

// newParty begins a client's part in the call that an INVITE sets up.
func (p *Proxy) newParty(aor string, req *sip.Request, initiator bool) *party {
	if p.cfg.Dialogs == nil || aor == "" || req.Method != sip.INVITE {
		return nil
	}
	from, to := req.From(), req.To()
	a := &party{aor: aor, holds: 1}
	a.state = DialogState{ID: wire.Token(), CallID: callID(req), Initiator: initiator, State: Trying}
	if initiator {
		a.state.LocalTag, a.state.Remote, a.state.RemoteName = tagOf(from), to.Address.String(), wire.PlainText(to.DisplayName, 64)
	} else {
		a.state.RemoteTag, a.state.Remote, a.state.RemoteName = tagOf(from), from.Address.String(), wire.PlainText(from.DisplayName, 64)
	}
	p.cfg.Dialogs(a.aor, a.state)
	return a
}

// advance reports a state that comes after the one that was.
func (p *Proxy) advance(a *party, s State, tag string) {
	if a == nil || s <= a.state.State {
		return
	}
	a.state.State = s
	if tag != "" {
		if a.state.Initiator {
			a.state.RemoteTag = tag
		} else {
			a.state.LocalTag = tag
		}
	}
	p.cfg.Dialogs(a.aor, a.state)
}

func (a *party) hold() {
	if a != nil {
		a.holds++
	}
}

// release ends a client's part when nothing keeps it.
func (p *Proxy) release(a *party) {
	if a == nil {
		return
	}
	if a.holds--; a.holds == 0 {
		p.advance(a, Terminated, "")
	}
}
