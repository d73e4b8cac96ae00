package transaction

import (
	"strings"
	"time"
)

// Timer values of RFC 3261, table 4.
const (
	T1 = 500 * time.Millisecond // an estimate of the round trip
	T2 = 4 * time.Second        // longest interval of what is repeated
	T4 = 5 * time.Second        // longest life of a message in the network

	giveUp      = 64 * T1                // Timers B, F, H, J, L and M
	timerD      = 32 * time.Second       // "at least 32 seconds"
	tryingAfter = 200 * time.Millisecond // section 17.2.1
)

// Kind is what happened.
type Kind uint8

const (
	Tick        Kind = iota // Next has come
	Again                   // server: the request came again
	Acked                   // server: an ACK of this transaction came
	Provisional             // a 1xx: came (client), or is to be sent (server)
	Success                 // a 2xx to INVITE
	Final                   // 300-699 to INVITE; any final response to other methods
	Broken                  // what was sent did not go out
	Cancelled               // client: a CANCEL was sent
)

// Event is what happened, with the octets of what a server is to send.
type Event struct {
	Kind   Kind
	Octets []byte
}

// Actions are what is to be done, in the order of the constants.
type Actions uint8

const (
	Send        Actions = 1 << iota // Octets, to the far side
	Trying                          // make a 100, and step it in as Provisional
	Acknowledge                     // make an ACK for the response at hand, give it to Ack, send it
	Pass                            // the message at hand is for the user
	TimedOut                        // tell the user: nothing came in time
	Failed                          // tell the user: the transport failed
	End                             // forget the transaction
)

// Has reports whether all of a are to be done.
func (do Actions) Has(a Actions) bool { return do&a == a }

func (do Actions) String() string {
	var names []string
	for i, name := range []string{"send", "trying", "acknowledge", "pass", "timed out", "failed", "end"} {
		if do&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// core is what the four have in common.
type core struct {
	octets   []byte
	interval time.Duration // between what is repeated
	repeat   time.Time     // when to repeat next; zero: never
	end      time.Time     // when the state's last timer fires; zero: never
	state    state
	reliable bool
}

type state uint8

const (
	unborn     state = iota
	calling          // InviteClient
	trying           // Client, Server
	proceeding       // all
	accepted         // InviteClient, InviteServer: RFC 6026
	completed        // all
	confirmed        // InviteServer
	terminated       // all
)

// Next is when a Tick is due; zero for never.
func (c *core) Next() time.Time {
	if c.repeat.IsZero() || !c.end.IsZero() && c.end.Before(c.repeat) {
		return c.end
	}
	return c.repeat
}

// Octets is what Send sends.
func (c *core) Octets() []byte { return c.octets }

// Over reports whether the transaction has ended.
func (c *core) Over() bool { return c.state == terminated }

// enter begins a state in which nothing is repeated and that ends after d, at once
// for 0. forget says that what was sent will not be sent again.
func (c *core) enter(now time.Time, s state, d time.Duration, forget bool) Actions {
	c.state, c.interval, c.repeat, c.end = s, 0, time.Time{}, now.Add(d)
	if forget {
		c.octets = nil
	}
	if d == 0 {
		return c.terminate()
	}
	return 0
}

// terminate keeps the octets: what stands in the same Actions may still be to send.
func (c *core) terminate() Actions {
	c.state, c.repeat, c.end = terminated, time.Time{}, time.Time{}
	return End
}

// due reports whether a timer fires. Whoever ticks early does no harm.
func due(now, t time.Time) bool { return !t.IsZero() && !now.Before(t) }

// repeatEvery sets the timer of what is repeated.
func (c *core) repeatEvery(now time.Time, d time.Duration) {
	c.interval, c.repeat = d, now.Add(d)
}

// stragglers is how long to wait for what may still come: reliable transports bring
// nothing twice.
func (c *core) stragglers(d time.Duration) time.Duration {
	if c.reliable {
		return 0
	}
	return d
}
