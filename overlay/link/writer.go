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
	for {
		acks, batch, last := c.take()
		if len(acks) == 0 && len(batch) == 0 {
			if last {
				c.nc.SetWriteDeadline(time.Now().Add(frameTimeout))
				if err := c.nc.CloseWrite(); err != nil {
					c.fail(err)
				}
				return
			}
			select {
			case <-c.wake:
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

// take takes the ACKs and as many messages as may be sent now. last says that
// nothing will follow.
func (c *conn) take() (acks []byte, batch []*outgoing, last bool) {
	const most = 32 // messages in one write
	c.mu.Lock()
	defer c.mu.Unlock()
	acks, c.acks = c.acks, nil
	n := min(len(c.queue), maxUnacked-len(c.unacked), most)
	batch = append(batch, c.queue[:n]...)
	clear(c.queue[:n])
	c.queue = c.queue[n:]
	now := time.Now()
	for i, o := range batch {
		c.octets -= o.size()
		c.unacked = append(c.unacked, sentFrame{c.seq + uint32(i), now})
	}
	return acks, batch, !c.drainSince.IsZero() && len(c.queue) == 0
}

// appendData signs and frames a message. One that cannot be made leaves a gap in
// the sequence, which take has noted as sent.
func (c *conn) appendData(buf []byte, o *outgoing) []byte {
	seq := c.seq
	c.seq++
	wire, err := c.l.finish(o, &c.sent)
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
