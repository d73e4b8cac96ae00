package ua

import "fmt"

// input is what a machine is told; its printed form is that of the stories in
// testdata.
type input interface{ input() }

type (
	// From the owner.
	dial   struct{}
	answer struct{}
	reject struct{ status int }
	hangup struct{}

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
	invited  struct{ offer bool }
	reinvite struct{ offer bool }
	ack      struct{ answer bool } // it carried a description
	cancel   struct{ cause string }
	bye      struct{ cause string }

	agreed    struct{}                 // what negotiate asked for was done
	disagreed struct{ malformed bool } // ... or could not be
	tick      struct{}
)

func (dial) input()        {}
func (answer) input()      {}
func (reject) input()      {}
func (hangup) input()      {}
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
	}
	forget struct{}
)

func (lookup) String() string     { return "lookup" }
func (a invite) String() string   { return fmt.Sprintf("invite contact=%d fresh=%t", a.contact, a.fresh) }
func (drop) String() string       { return "drop" }
func (sendAck) String() string    { return "ACK" }
func (sendCancel) String() string { return "CANCEL" }
func (sendBye) String() string    { return "BYE" }
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
	return fmt.Sprintf("report ended %d by %s: %s", a.status, by, a.cause)
}
