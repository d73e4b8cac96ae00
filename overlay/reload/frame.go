package reload

import (
	"encoding/binary"
	"fmt"
)

// Sizes of what goes before a message on a connection.
const (
	DataHeaderSize = 8 // octets before the message
	AckSize        = 9 // octets of an ACK
)

const (
	frameData = 128
	frameAck  = 129
)

// Frame is one FramedMessage. // RFC 6940, section 6.6.2
//
//	DATA  +-----+-------------------+---------------+------------
//	      | 128 | sequence, 32 bits | length, 24    | message ...
//	      +-----+-------------------+---------------+------------
//	ACK   +-----+-------------------+-------------------+
//	      | 129 | sequence, 32 bits | received, 32 bits |
//	      +-----+-------------------+-------------------+
//
// Bit n of received (1 is the lowest, n from 1) says that sequence - n was
// received too.
type Frame struct {
	Ack      bool
	Sequence uint32
	Received uint32 // ACK
	Length   int    // DATA: octets of the message, which follows
}

// AppendData appends a DATA frame with its message.
func AppendData(out []byte, sequence uint32, message []byte) ([]byte, error) {
	if len(message) > MaxMessage {
		return nil, fmt.Errorf("frame of %d octets: %w", len(message), ErrTooLarge)
	}
	return append(AppendDataHeader(out, sequence, len(message)), message...), nil
}

// AppendDataHeader appends what stands before a message of n octets in its frame.
func AppendDataHeader(out []byte, sequence uint32, n int) []byte {
	out = append(out, frameData)
	out = binary.BigEndian.AppendUint32(out, sequence)
	return append(out, byte(n>>16), byte(n>>8), byte(n))
}

// AppendAck appends an ACK frame.
func AppendAck(out []byte, sequence, received uint32) []byte {
	out = append(out, frameAck)
	out = binary.BigEndian.AppendUint32(out, sequence)
	return binary.BigEndian.AppendUint32(out, received)
}

// ParseFrame reads the head of a frame: a whole ACK, or the first eight octets of
// a DATA frame. n is how many octets it took, 0 when b is too short to tell.
func ParseFrame(b []byte) (f Frame, n int, err error) {
	if len(b) == 0 {
		return f, 0, nil
	}
	switch b[0] {
	case frameAck:
		if len(b) < AckSize {
			return f, 0, nil
		}
		return Frame{
			Ack:      true,
			Sequence: binary.BigEndian.Uint32(b[1:]),
			Received: binary.BigEndian.Uint32(b[5:]),
		}, AckSize, nil
	case frameData:
		if len(b) < DataHeaderSize {
			return f, 0, nil
		}
		f.Sequence = binary.BigEndian.Uint32(b[1:])
		f.Length = int(b[5])<<16 | int(b[6])<<8 | int(b[7])
		if f.Length > MaxMessage {
			return f, 0, fmt.Errorf("frame of %d octets: %w", f.Length, ErrTooLarge)
		}
		return f, DataHeaderSize, nil
	}
	return f, 0, malformed("frame type")
}

// Window keeps track of the sequence numbers received on a connection for the
// mask of an ACK. The zero Window has received nothing.
type Window struct {
	newest uint32
	mask   uint32 // bit n-1: newest - n was received
	any    bool
}

// Receive notes a sequence number and returns the received mask of its ACK.
// RFC 6940, section 6.6.2
func (w *Window) Receive(seq uint32) (received uint32) {
	if !w.any {
		w.any, w.newest = true, seq
		return 0
	}
	switch ahead := int32(seq - w.newest); {
	case ahead > 32:
		w.newest, w.mask = seq, 0
	case ahead > 0:
		w.mask = w.mask<<ahead | 1<<(ahead-1)
		w.newest = seq
	case ahead == 0:
	case ahead >= -32:
		w.mask |= 1 << (-ahead - 1)
		return w.mask >> -ahead
	default:
		return 0
	}
	return w.mask
}

// Covers reports whether an ACK acknowledges a sequence number.
func (f Frame) Covers(seq uint32) bool {
	behind := f.Sequence - seq
	return f.Ack && (behind == 0 || behind <= 32 && f.Received&(1<<(behind-1)) != 0)
}
