package media

import (
	"encoding/binary"
	"strings"
)

// RFC 4733: keys pressed, as events in the stream of sound.
//
//	 0               1               2               3
//	+---------------+-+-+-----------+-------------------------------+
//	|     event     |E|R|  volume   |           duration            |
//	+---------------+-+-+-----------+-------------------------------+
const (
	eventLen     = 4
	eventEnd     = 0x80
	eventVolume  = 10 // -10 dBm0
	maxDigits    = 32 // waiting, in either direction
	digitFrames  = 5  // a key lasts 100 ms
	digitRepeats = 3  // the end is sent three times: section 2.5.1.4
	digitPause   = 3  // frames of sound before the next key
)

// keypad is the keys by event code, section 3.2.
const keypad = "0123456789*#ABCD"

// digitSender sends keys one after the other.
type digitSender struct {
	queue [maxDigits]uint8 // event codes
	n     int
	step  int // frame of the key being sent; negative: frames of pause left
	start uint32
}

// digitOf is a key as keypad has it.
func digitOf(key rune) (rune, bool) {
	if key >= 'a' && key <= 'd' {
		key += 'A' - 'a'
	}
	return key, key < 0x80 && strings.ContainsRune(keypad, key)
}

// push queues a key and reports whether it could.
func (d *digitSender) push(key rune) bool {
	key, ok := digitOf(key)
	if !ok || d.n == maxDigits {
		return false
	}
	d.queue[d.n] = uint8(strings.IndexRune(keypad, key))
	d.n++
	return true
}

// busy reports whether sound is to move in frames, for a key is being sent or the
// pause after one.
func (d *digitSender) busy() bool { return d.n > 0 || d.step != 0 }

// frame returns the packet to send in place of the sound of this frame, if a key
// is being sent: its payload, timestamp (of the clock) and marker. Durations are of a
// clock so many times as fast.
func (d *digitSender) frame(ts uint32, times int) (payload [eventLen]byte, start uint32, marker, ok bool) {
	if d.step < 0 {
		d.step++
		return payload, 0, false, false
	}
	if d.n == 0 {
		return payload, 0, false, false
	}
	if d.step == 0 {
		d.start, marker = ts, true
	}
	d.step++
	payload[0], payload[1] = d.queue[0], eventVolume
	duration := uint16(min(d.step, digitFrames) * frameTicks * times)
	if d.step >= digitFrames {
		payload[1] |= eventEnd
	}
	binary.BigEndian.PutUint16(payload[2:], duration)
	if d.step == digitFrames+digitRepeats-1 {
		copy(d.queue[:], d.queue[1:d.n])
		d.n--
		d.step = -digitPause
	}
	return payload, d.start, marker, true
}

// digitReceiver finds each key once among the packets that repeat it.
type digitReceiver struct {
	some  bool
	start uint32 // timestamp of the last event
	event uint8
	ended bool
	last  uint32 // duration of it so far
}

// packet returns the key that begins with this packet.
func (d *digitReceiver) packet(ts uint32, payload []byte) (rune, bool) {
	if len(payload) < eventLen || int(payload[0]) >= len(keypad) {
		return 0, false
	}
	event, end := payload[0], payload[1]&eventEnd != 0
	duration := uint32(binary.BigEndian.Uint16(payload[2:]))
	ahead := int32(ts - d.start)
	switch {
	case d.some && ahead == 0:
		d.last = max(d.last, duration)
		d.ended = d.ended || end
		return 0, false
	case d.some && ahead < 0 && ahead > -10*clock: // an older one, reordered
		return 0, false
	}
	// A key held longer than 16 bits of duration goes on in a new segment, whose
	// timestamp follows the old one's end: section 2.5.1.3.
	goesOn := d.some && event == d.event && !d.ended && d.last >= 0xFFFF-10*frameTicks && ahead <= 0xFFFF
	*d = digitReceiver{some: true, start: ts, event: event, ended: end, last: duration}
	if goesOn {
		return 0, false
	}
	return rune(keypad[event]), true
}
