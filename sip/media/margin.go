package media

import "time"

// How long a Buffer remembers what its delay was needed for.
const (
	windowTime = time.Second
	windows    = 32                   // the longest memory
	shortest   = 5                    // the shortest
	regret     = 30 * time.Second     // delay taken again so soon should have been kept
	longest    = 100                  // steps after which packets of odd length count as come round
	calm       = 5 * time.Millisecond // packets that differ by less have shown in a second what they will do
)

// window holds the extremes of a second.
type window struct {
	slowest time.Duration // packet: arrival less timestamp
	fastest time.Duration
	offset  time.Duration // earliest need: playing time less timestamp
	rest    time.Duration // least decoded sound that did not make a step of playing
	some    bool          // a packet was seen
	need    bool          // offset and rest were seen
}

// transit is a time less a timestamp, both from the base. Timestamps come round in
// long calls; the difference is small.
func (b *Buffer) transit(at time.Time, ts uint32) time.Duration {
	const tick = time.Second / clock
	since := at.Sub(b.base)
	return time.Duration(int32(uint32(since/tick)-(ts-b.baseTS)))*tick + since%tick
}

func (b *Buffer) arrived(now time.Time, ts uint32) {
	b.turn(now)
	w := &b.win[b.cur]
	t := b.transit(now, ts)
	if !w.some {
		w.slowest, w.fastest, w.some = t, t, true
	}
	w.slowest, w.fastest = max(w.slowest, t), min(w.fastest, t)
}

// Mark tells, after a step of sound was played (some, not none), how much decoded sound
// still waits before what Get returns next.
func (b *Buffer) Mark(now time.Time, step, decoded time.Duration) {
	if !b.playing {
		return
	}
	b.turn(now)
	b.marks++
	b.round = min(int(b.ticks)/gcd(int(b.ticks), int(step*clock/time.Second)), longest)
	due := now.Add(step + decoded.Truncate(step))
	w := &b.win[b.cur]
	offset, rest := b.transit(due, b.next), decoded%step
	if !w.need {
		w.offset, w.rest, w.need = offset, rest, true
	}
	w.offset, w.rest = min(w.offset, offset), min(w.rest, rest)
}

// turn starts a new window each second.
func (b *Buffer) turn(now time.Time) {
	if now.Sub(b.turned) < windowTime {
		return
	}
	b.turned = now
	b.cur = (b.cur + 1) % windows
	b.win[b.cur] = window{}
	b.full = min(b.full+1, windows)
}

// Paced tells that the sound decoded was made shorter or longer, so that what was known of
// the need before is void. Margin is known again when packets have come round.
func (b *Buffer) Paced() {
	for i := range b.win {
		b.win[i].need = false
	}
	b.marks = 0
}

// Lowered tells that delay was given back by shorter sound.
func (b *Buffer) Lowered(now time.Time) {
	if b.full >= b.memory { // what a stream begins with is given back on trial
		b.lowered = now
	}
	b.Paced()
}

// Raised tells that delay was taken, by longer sound.
func (b *Buffer) Raised(now time.Time) {
	switch {
	case b.lowered.IsZero():
	case now.Sub(b.lowered) < regret:
		b.memory = min(b.memory*3/2, windows)
	default:
		b.memory = shortest
	}
	b.lowered = time.Time{}
	b.Paced()
}

// Margin is what the delay of the last seconds bought: how long even the slowest
// packet waited (less than nothing: it came too late), and how much sound was always
// decoded a step early. It is not known just after the beginning or a change of pace, and
// sure enough to give delay back only after some seconds, or one on a calm network.
func (b *Buffer) Margin() (wait, rest time.Duration, known, sure bool) {
	var all window
	for i := range b.memory {
		w := b.win[(b.cur-i+windows)%windows]
		if w.some && !all.some {
			all.slowest, all.fastest, all.some = w.slowest, w.fastest, true
		}
		if w.some {
			all.slowest, all.fastest = max(all.slowest, w.slowest), min(all.fastest, w.fastest)
		}
		if w.need && !all.need {
			all.offset, all.rest, all.need = w.offset, w.rest, true
		}
		if w.need {
			all.offset, all.rest = min(all.offset, w.offset), min(all.rest, w.rest)
		}
	}
	known = all.some && all.need && b.marks >= b.round
	sure = b.full >= b.memory || b.full > 0 && all.slowest-all.fastest < calm
	return all.offset - all.slowest, all.rest, known, known && sure
}

// gcd is the greatest common divisor.
func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
