package link

import "sync/atomic"

// Reason says why something was dropped.
type Reason uint8

const (
	Malformed    Reason = iota // does not parse as RELOAD, or not as this profile
	WrongOverlay               // another office's
	BadSignature               // of a message
	BadRecord                  // a record's signature or its writer's right
	Unsigned                   // to be forwarded, but without its signed octets
	Unencodable                // ours, but does not fit the wire
	TooLarge                   // a frame beyond reload.MaxMessage
	TTLTooHigh
	QueueFull  // the peer takes what we send too slowly
	Unknown    // no connection to the peer and no address
	Refused    // a connection without a certificate of the office
	Busy       // a connection beyond the bounds
	Broken     // queued or not acknowledged when its connection broke
	NoAck      // a connection without ACK in time
	BadFraming // a connection that ended in a protocol error
	Replayed   // a message that ended here before
	Relayed    // an Update or a Leave that did not come from its maker
	WrongConfig
	Unsupported // a critical extension or forwarding option that we do not know
	Unasked     // an answer that nobody waits for
	CutOff      // of or to a node that is cut off
	reasons
)

var reasonNames = [reasons]string{
	"malformed", "wrong-overlay", "bad-signature", "bad-record", "unsigned", "unencodable", "too-large",
	"ttl-too-high", "queue-full", "unknown-peer", "refused", "busy", "broken", "no-ack", "bad-framing",
	"replayed", "relayed", "wrong-config", "unsupported", "unasked", "cut-off",
}

func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "reason?"
}

// Stats counts since Listen.
type Stats struct {
	MessagesIn, MessagesOut uint64
	BytesIn, BytesOut       uint64 // of frames, without TLS and TCP
	Dials, Accepts          uint64 // connections established
	Conns                   int    // active now
	Dropped                 map[string]uint64
}

// counters is Stats while it counts.
type counters struct {
	messagesIn, messagesOut, bytesIn, bytesOut, dials, accepts atomic.Uint64

	dropped [reasons]atomic.Uint64
}

func (c *counters) drop(r Reason) { c.dropped[r].Add(1) }

// Stats are the counters so far.
func (l *Link) Stats() Stats {
	c := &l.counters
	s := Stats{
		MessagesIn: c.messagesIn.Load(), MessagesOut: c.messagesOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		Dials: c.dials.Load(), Accepts: c.accepts.Load(),
		Dropped: make(map[string]uint64),
	}
	for r := range c.dropped {
		if n := c.dropped[r].Load(); n > 0 {
			s.Dropped[Reason(r).String()] = n
		}
	}
	l.mu.Lock()
	s.Conns = len(l.conns)
	l.mu.Unlock()
	return s
}
