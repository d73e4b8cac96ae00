package link

import (
	"time"

	"chordophone/overlay/reload"
)

// write sends what is queued until the connection drains or fails.
func (c *conn) write() {
	var (
		buf  []byte
		ends []int // of the frames in buf
	)
	later := time.NewTimer(0)
	defer later.Stop()
	for {
		acks, batch, wait, last := c.take(time.Now())
		if len(acks) == 0 && len(batch) == 0 {
			if last {
				c.nc.SetWriteDeadline(time.Now().Add(frameTimeout))
				if err := c.nc.CloseWrite(); err != nil {
					c.fail(err)
				}
				return
			}
			if wait > 0 {
				later.Reset(wait)
			}
			select {
			case <-c.wake:
			case <-later.C:
			case <-c.stop:
				return
			}
			continue
		}
		buf = append(buf[:0], acks...)
		ends = ends[:0]
		for n := reload.AckSize; n <= len(acks); n += reload.AckSize {
			ends = append(ends, n)
		}
		for _, o := range batch {
			buf = c.appendData(buf, o)
			ends = append(ends, len(buf))
		}
		for at, start := 0, 0; at < len(ends); at++ { // before it goes out: the ACK is seen later
			c.tap(true, buf[start:ends[at]])
			start = ends[at]
		}
		c.l.counters.bytesOut.Add(uint64(len(buf)))
		c.nc.SetWriteDeadline(time.Now().Add(frameTimeout))
		if _, err := c.nc.Write(buf); err != nil {
			c.fail(err)
			return
		}
		if cap(buf) > 64<<10 {
			buf = nil
		}
	}
}

// ackDelay is how long an ACK waits for a message that goes the same way, or for
// other messages that it can acknowledge, too.
const ackDelay = 20 * time.Millisecond

// take takes as many messages as may be sent now, and the ACKs if they go with
// them or have waited long enough; wait is how long they may still. last says that
// nothing will follow.
func (c *conn) take(now time.Time) (acks []byte, batch []*outgoing, wait time.Duration, last bool) {
	const most = 32 // messages in one write
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.queue), maxUnacked-len(c.unacked), most)
	last = !c.drainSince.IsZero() && len(c.queue) == n
	if len(c.acks) > 0 {
		wait = ackDelay - now.Sub(c.ackSince)
		if wait <= 0 || n > 0 || last || len(c.acks) > reload.AckSize {
			acks, c.acks, wait = c.acks, nil, 0
		}
	}
	batch = append(batch, c.queue[:n]...)
	clear(c.queue[:n])
	c.queue = c.queue[n:]
	for i, o := range batch {
		c.octets -= o.size()
		c.unacked = append(c.unacked, sentFrame{c.seq + uint32(i), now})
	}
	if n > 0 {
		c.remindLocked()
	}
	return acks, batch, wait, last
}

// appendData signs and frames a message. One that cannot be made leaves a gap in
// the sequence, which take has noted as sent.
func (c *conn) appendData(buf []byte, o *outgoing) []byte {
	seq := c.seq
	c.seq++
	wire, err := c.l.finish(o, c.id, &c.sent)
	if err == nil {
		var out []byte
		if out, err = reload.AppendData(buf, seq, wire); err == nil {
			c.l.counters.messagesOut.Add(1)
			return out
		}
	}
	c.l.drop(Unencodable, "send", "peer", c.id.Short(), "err", err)
	c.acked(reload.Frame{Ack: true, Sequence: seq}, time.Now())
	return buf
}

// tap shows a frame to whoever looks on.
func (c *conn) tap(out bool, frame []byte) {
	if c.l.cfg.Tap == nil || len(frame) == 0 {
		return
	}
	from, to := c.localAddr, c.remoteAddr
	if !out {
		from, to = to, from
	}
	c.l.cfg.Tap.Frame(time.Now(), from, to, frame)
}
