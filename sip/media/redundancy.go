package media

import (
	"encoding/binary"
	"iter"
)

// RFC 2198: each packet carries the one before once more, so that a packet is lost
// only with its successor. Of each earlier block:
//
//	 0                   1                   2                   3
//	+-+-------------+---------------------------+-------------------+
//	|1|  type       |  timestamp offset         |  length           |
//	+-+-------------+---------------------------+-------------------+
//
// then one byte for the block that is new, a zero bit and its type; then the blocks.
const (
	redHeaderLen = 4
	redMaxOffset = 1<<14 - 1
	redMaxLen    = 1<<10 - 1
	redMaxBlocks = 4
)

// appendRedundant begins the payload of a packet that repeats an earlier one, which
// is older by offset; the new payload is to follow.
func appendRedundant(dst []byte, pt uint8, offset uint32, earlier []byte) []byte {
	h := 1<<31 | uint32(pt)<<24 | offset<<10 | uint32(len(earlier))
	dst = binary.BigEndian.AppendUint32(dst, h)
	dst = append(dst, pt)
	return append(dst, earlier...)
}

// block is one of the payloads in a redundant packet.
type block struct {
	pt      uint8
	offset  uint32 // by which it is older than the packet
	back    int    // number of packets by which it is earlier; 0: it is new
	payload []byte
}

// blocks yields what a redundant packet holds, the oldest first; nothing if it is
// malformed.
func blocks(b []byte) iter.Seq[block] {
	return func(yield func(block) bool) {
		headers, n, size := b, 0, 0
		for {
			if len(headers) == 0 {
				return
			}
			if headers[0]&0x80 == 0 {
				break
			}
			if len(headers) < redHeaderLen || n == redMaxBlocks {
				return
			}
			size += int(binary.BigEndian.Uint32(headers) & redMaxLen)
			headers = headers[redHeaderLen:]
			n++
		}
		rest := headers[1:]
		if len(rest) < size {
			return
		}
		for i := range n {
			h := binary.BigEndian.Uint32(b[i*redHeaderLen:])
			k := int(h & redMaxLen)
			if !yield(block{uint8(h >> 24 & 0x7F), h >> 10 & redMaxOffset, n - i, rest[:k]}) {
				return
			}
			rest = rest[k:]
		}
		yield(block{pt: headers[0], payload: rest})
	}
}
