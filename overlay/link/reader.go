package link

import (
	"bufio"
	"errors"
	"io"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// read receives frames until close_notify (nil) or something worse.
func (c *conn) read() error {
	br := bufio.NewReaderSize(c.nc, 4<<10)
	for {
		f, err := c.frame(br)
		if err == io.EOF && !c.tcp.eof.Load() {
			return nil
		}
		if err == io.EOF {
			return errCut
		}
		if err != nil {
			c.countFraming(err)
			return err
		}
		if f.Ack {
			c.acked(f, time.Now())
			continue
		}
		frame, err := readMessage(br, f)
		if err != nil {
			return err
		}
		c.tap(false, frame)
		wire := frame[reload.DataHeaderSize:]
		c.l.counters.messagesIn.Add(1)
		c.l.counters.bytesIn.Add(uint64(len(wire) + reload.DataHeaderSize))
		c.ack(f.Sequence)
		if err := c.receive(wire); err != nil {
			return err
		}
	}
}

func (c *conn) countFraming(err error) {
	switch {
	case errors.Is(err, reload.ErrTooLarge):
		c.l.drop(TooLarge, "frame", "peer", c.id.Short())
	case errors.Is(err, reload.ErrMalformed):
		c.l.drop(BadFraming, "frame", "peer", c.id.Short())
	}
}

// frame waits for the head of a frame, without limit for its first octet. It
// looks at one octet more each time, since an ACK is longer than the head of DATA
// and may be the last for long.
func (c *conn) frame(br *bufio.Reader) (reload.Frame, error) {
	if br.Buffered() == 0 {
		c.nc.SetReadDeadline(time.Time{})
	}
	if _, err := br.Peek(1); err != nil {
		return reload.Frame{}, err
	}
	c.nc.SetReadDeadline(time.Now().Add(frameTimeout))
	for need := 1; ; need++ {
		head, err := br.Peek(need)
		if err != nil {
			return reload.Frame{}, noEOF(err)
		}
		f, n, err := reload.ParseFrame(head)
		if n > 0 || err != nil {
			if f.Ack {
				c.tap(false, head)
			}
			br.Discard(n)
			return f, err
		}
	}
}

// noEOF makes an end in the middle of a frame an error of its own.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMessage reads the message of a DATA frame and returns the whole frame. It
// takes no more memory than has come.
func readMessage(br *bufio.Reader, f reload.Frame) ([]byte, error) {
	const step = 16 << 10
	n := reload.DataHeaderSize + f.Length
	frame := reload.AppendDataHeader(make([]byte, 0, min(n, step)), f.Sequence, f.Length)
	for len(frame) < n {
		at := len(frame)
		frame = append(frame, make([]byte, min(n-at, step))...)
		if _, err := io.ReadFull(br, frame[at:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return frame, nil
}

// ack queues an ACK. One acknowledges the 32 messages before, too.
// RFC 6940, section 6.6.2
func (c *conn) ack(seq uint32) {
	received := c.window.Receive(seq)
	c.mu.Lock()
	defer c.mu.Unlock()
	first := len(c.acks) == 0
	switch {
	case first:
		c.ackSince = time.Now()
		fallthrough
	case seq-c.ackBase > 32 && len(c.acks) < 64*reload.AckSize:
		c.ackBase = seq
		c.acks = reload.AppendAck(c.acks, seq, received)
	default:
		c.acks = reload.AppendAck(c.acks[:len(c.acks)-reload.AckSize], seq, received)
	}
	if first || len(c.acks) > reload.AckSize {
		c.signal()
	}
}

// acked takes note of an ACK.
func (c *conn) acked(f reload.Frame, now time.Time) {
	c.l.counters.bytesIn.Add(reload.AckSize)
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.unacked[:0]
	for _, s := range c.unacked {
		if s.seq == f.Sequence {
			c.rto.measure(now.Sub(s.at))
		}
		if !f.Covers(s.seq) {
			kept = append(kept, s)
		}
	}
	if len(kept) < len(c.unacked) {
		c.signal() // the window has room
	}
	c.unacked = kept
	c.remindLocked() // an ACK in good time may leave less time to the next
}

// receive opens a message and hands it to the node. Only what makes the
// connection useless is an error.
func (c *conn) receive(wire []byte) error {
	if wait := c.bucket.take(time.Now()); wait > 0 {
		select {
		case <-time.After(wait):
		case <-c.stop:
			return errEnded
		}
	}
	from := c.peer()
	in, reason, err := c.l.open(wire, from, c.remote, &c.kept)
	if errors.Is(err, errKeepers) {
		c.l.drop(reason, "message", "peer", from, "err", err)
		return err // begin anew
	}
	if in != nil {
		from = c.learn(in, from)
	}
	if err != nil {
		c.l.refused(from, in, reason, err)
		return nil
	}
	if c.l.handle(from, in) {
		return nil
	}
	select {
	case c.l.events <- chord.Receive{From: from, Msg: in.msg}:
		return nil
	case <-c.stop:
		return errEnded
	}
}

// learn notes at which address the other side listens, and completes the maker's
// with it.
func (c *conn) learn(in *incoming, from overlay.Peer) overlay.Peer {
	if maker := &in.msg.From; maker.ID == c.id {
		if maker.Addr.IsValid() {
			from.Addr = maker.Addr
		} else {
			maker.Addr = from.Addr
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addr, c.used = from.Addr, time.Now()
	return from
}
