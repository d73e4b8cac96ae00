package ua

import (
	"fmt"
	"time"
)

// input is what a machine is told; its printed form is that of the stories in
// testdata.
type input interface{ input() }

type (
	// From the owner.
	dial     struct{}
	answer   struct{}
	reject   struct{ status int }
	hangup   struct{ cause string } // cause: not by the owner's hand
	hold     struct{ on bool }
	transfer struct{}

	// While we call.
	located struct {
		contacts int
		status   int // not 0: the look-up failed
		cause    string
	}
	sent        struct{ reused bool } // INVITE is written, perhaps to an old connection
	provisional struct{ status int }
	success     struct{} // 2xx to INVITE, also repeated
	failure     struct {
		status int
		cause  string
	}
	unreachable struct{} // no connection, or it broke
	byeDone     struct{} // our BYE has its response, or never will

	// While we are called, and within a dialog.
	invited struct {
		offer    bool
		replaces bool // a call of ours: RFC 3891
	}
	reinvite struct{ offer bool }
	ack      struct{ answer bool } // it carried a description
	cancel   struct{ cause string }
	bye      struct{ cause string }

	agreed    struct{ held bool }      // what negotiate asked for was done; the far side wants no sound
	disagreed struct{ malformed bool } // ... or could not be

	// Within a dialog, of requests that we sent.
	renewed struct { // final response to our re-INVITE, 2xx also repeated; 408, 503 without one
		status int
		wait   time.Duration // after 491
	}
	referred struct{ status int } // final response to our REFER
	notified struct {             // what came of it
		status int
		last   bool // nothing more will come
	}

	refer    struct{}             // we are to call somebody else
	followed struct{ status int } // ... and how that ended
	timed    struct {             // RFC 4028; 0: not limited
		interval time.Duration
		ours     bool // we refresh
	}
	tick struct{}
)

func (dial) input()        {}
func (answer) input()      {}
func (reject) input()      {}
func (hangup) input()      {}
func (hold) input()        {}
func (transfer) input()    {}
func (located) input()     {}
func (sent) input()        {}
func (provisional) input() {}
func (success) input()     {}
func (failure) input()     {}
func (unreachable) input() {}
func (byeDone) input()     {}
func (invited) input()     {}
func (reinvite) input()    {}
func (ack) input()         {}
func (cancel) input()      {}
func (bye) input()         {}
func (agreed) input()      {}
func (disagreed) input()   {}
func (renewed) input()     {}
func (referred) input()    {}
func (notified) input()    {}
func (refer) input()       {}
func (followed) input()    {}
func (timed) input()       {}
func (tick) input()        {}

// action is what a machine wants done.
type action interface{ String() string }

// target says which request a response is for.
type target uint8

const (
	toInvite target = iota // the INVITE that set up or is changing the session
	toExtra                // the request just received: BYE, or an INVITE that is refused
)

type reportKind uint8

const (
	reportOffered reportKind = iota
	reportProgress
	reportAnswered
	reportEnded
	reportReplaced // this call takes the place of another
	reportHeld
	reportReferred
)

type (
	lookup struct{}
	invite struct { // connect and send INVITE
		contact int
		fresh   bool // not over a connection that is there already
	}
	drop       struct{} // close the connection: nobody is at the other end
	sendAck    struct{}
	sendCancel struct{}
	sendBye    struct{}
	sendRefer  struct{}
	reoffer    struct{ hold bool } // send re-INVITE with a new offer
	revert     struct{ hold bool } // ... which was refused: back to this
	supplant   struct{}            // hang up the call that this one replaces
	follow     struct{}            // call whom REFER names
	respond    struct {
		to     target
		status int
	}
	take      struct{}              // the request just received becomes the INVITE at hand
	negotiate struct{ what string } // offer, answer or accept; then step agreed or disagreed
	report    struct {
		kind   reportKind
		status int
		cause  string
		far    bool
		on     bool
	}
	forget struct{}
)

func (lookup) String() string     { return "lookup" }
func (a invite) String() string   { return fmt.Sprintf("invite contact=%d fresh=%t", a.contact, a.fresh) }
func (drop) String() string       { return "drop" }
func (sendAck) String() string    { return "ACK" }
func (sendCancel) String() string { return "CANCEL" }
func (sendBye) String() string    { return "BYE" }
func (sendRefer) String() string  { return "REFER" }
func (a reoffer) String() string  { return fmt.Sprintf("re-INVITE hold=%t", a.hold) }
func (a revert) String() string   { return fmt.Sprintf("revert hold=%t", a.hold) }
func (supplant) String() string   { return "supplant" }
func (follow) String() string     { return "follow" }
func (a respond) String() string {
	if a.to == toExtra {
		return fmt.Sprintf("respond %d to that request", a.status)
	}
	return fmt.Sprintf("respond %d", a.status)
}
func (take) String() string        { return "take" }
func (a negotiate) String() string { return "negotiate " + a.what }
func (forget) String() string      { return "forget" }
func (a report) String() string {
	switch a.kind {
	case reportOffered:
		return "report offered"
	case reportProgress:
		return fmt.Sprintf("report progress %d", a.status)
	case reportAnswered:
		return "report answered"
	}
	by := "us"
	if a.far {
		by = "far"
	}
	switch a.kind {
	case reportReplaced:
		return "report replaced"
	case reportHeld:
		return fmt.Sprintf("report held=%t by %s", a.on, by)
	case reportReferred:
		return fmt.Sprintf("report referred %d: %s", a.status, a.cause)
	}
	return fmt.Sprintf("report ended %d by %s: %s", a.status, by, a.cause)
}
