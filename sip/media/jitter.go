package media

import (
	"slices"
	"time"
)

// Buffer decides when a packet is played: a value without I/O, driven by Put when
// one arrives and by Get when the earpiece needs the next.
//
//	         Put                                     Get
//	newest ─────────► │ T+4 │ T+3 │  ?  │ T+1 │  T  │ ─────► next
//	                  └─── waits: the playout delay ──┘
//
// Media time runs on at each Get whether a packet is there or not, so a lost packet
// costs its own 20 ms and no delay. Delay changes only by decision:
//
//   - up, at once: a late packet whose time was filled by concealment, with nothing
//     newer played since, takes us back to it (rewind); packets that are late
//     repeatedly for being out of order hold media time for one step (stretch);
//   - up, before that: Margin tells that the slowest packet of the last seconds came
//     only just in time; the caller plays slower for a moment;
//   - down, slowly: Margin tells how much earlier than needed even the slowest packet
//     came; the caller plays faster for a moment.
//
// The caller says when it did so (Raised, Lowered, Paced), for it changed what Margin told.
//
// A stream begins with a frame more than it needs if the network is calm: that is known after
// a second, and given back. Later delay is given back when nothing of the last five seconds
// needed it. Where it had to be taken again soon afterwards, as on a network that loses
// packets now and then, that was in vain and heard twice: so next time it is kept longer.
//
// A redundant copy of an earlier packet (RFC 2198) counts as the packet itself if it
// is needed, and not at all if it is not: so delay grows to the copies' lateness
// when packets are lost, and not before.
//
// A stream whose timestamps jump is followed when two packets in sequence agree on
// it; one that is always late though its packets are new has changed its clock, and is
// started anew.
type Buffer struct {
	slots [maxSlots]slot

	started bool // a packet has come
	playing bool // and was given out
	first   time.Time
	next    uint32 // timestamp wanted next
	newest  uint32 // end of the newest packet
	played  uint32 // end of the newest packet given out
	seq     uint16 // of the newest packet given out
	step    uint32 // the usual gap: a short packet, or a Frame
	gap     uint32 // for which Get last had no packet

	recent [maxSlots]uint32 // timestamps given out last, by number
	given  int              // how many were

	hold     bool // the next Get repeats its place
	lateRun  int  // late packets with none in time between
	lastLate time.Time

	jumping bool
	jumpSeq uint16

	base   time.Time // with baseTS: the zero of transit times
	baseTS uint32
	win    [windows]window
	cur    int
	turned time.Time // when win[cur] began
	full   int       // complete windows, at most as many as there are
	memory int       // windows that count

	ticks   uint32    // length of the newest packet
	marks   int       // calls of Mark since the last change of pace
	round   int       // calls of Mark in which packets come round to the same place in a step
	lowered time.Time // when delay was last given back; zero: it was taken since
}

const (
	maxSlots   = 64
	maxTicks   = 960   // 120 ms, more than anyone sends
	maxPayload = 960   // bytes: as much of G.711
	second     = clock // timestamp units

	startDelay = excess + Frame      // least wait of the first packet, so that those after it may be late by as much
	maxDelay   = 240 * second / 1000 // no rewind or stretch beyond
	maxDepth   = 400 * second / 1000 // more has piled up while nobody played: skip
	skipTo     = 40 * second / 1000  // what a skip leaves
	maxJump    = second              // further than this is another stream
	maxLateRun = 10                  // late packets in a row that prove a changed clock
	latePeriod = 2 * time.Second     // two packets late within: stretch
)

type slot struct {
	used  bool
	pt    uint8
	seq   uint16
	ts    uint32
	ticks uint32
	n     int
	data  [maxPayload]byte
}

// Verdict is what became of a packet.
type Verdict uint8

const (
	Accepted Verdict = iota
	Late
	Duplicate
	Misfit // no room, too big, or a jump not yet confirmed
)

// Packet is what Put takes: a payload and where it belongs. Times are in units of
// 1/8000 s.
type Packet struct {
	Seq     uint16
	PT      uint8
	TS      uint32
	Ticks   int // how long the payload sounds
	Payload []byte
	Copy    bool // sent once more with a later packet
}

// Put takes a packet.
func (b *Buffer) Put(now time.Time, p Packet) Verdict {
	seq, ts := p.Seq, p.TS
	if p.Ticks <= 0 || p.Ticks > maxTicks || len(p.Payload) > maxPayload || p.Copy && !b.started {
		return Misfit
	}
	if !b.started {
		b.restart(now, seq, ts)
	}
	ahead := int32(ts - b.next)
	if ahead > maxJump || ahead < -maxJump {
		if p.Copy {
			return Misfit
		}
		if !b.jumping || seq != b.jumpSeq+1 {
			b.jumping, b.jumpSeq = true, seq
			return Misfit
		}
		b.restart(now, seq, ts)
		ahead = 0
	}
	b.jumping = false
	if b.known(ts) {
		return Duplicate
	}
	b.arrived(now, ts)
	if ahead < 0 {
		if !p.Copy {
			b.lateRun++
		}
		switch {
		case b.lateRun >= maxLateRun && int16(seq-b.seq) > 0:
			given := b.seq
			b.restart(now, seq, ts)
			b.seq = given // what was played stays played
		case b.mayRewind(seq, ts):
			b.next = ts
			b.Raised(now)
		default:
			if now.Sub(b.lastLate) < latePeriod && int32(b.newest-b.next) < maxDelay {
				b.hold = true
			}
			b.lastLate = now
			return Late
		}
	} else if !p.Copy {
		b.lateRun = 0
	}
	return b.insert(p)
}

// known reports whether a packet waits or was given out.
func (b *Buffer) known(ts uint32) bool {
	for i := range b.slots {
		if b.slots[i].used && b.slots[i].ts == ts {
			return true
		}
	}
	return slices.Contains(b.recent[:min(b.given, maxSlots)], ts)
}

func (b *Buffer) mayRewind(seq uint16, ts uint32) bool {
	return (!b.playing || int32(ts-b.played) >= 0) && int16(seq-b.seq) > 0 && int32(b.newest-ts) <= maxDelay
}

func (b *Buffer) insert(p Packet) Verdict {
	free := slices.IndexFunc(b.slots[:], func(s slot) bool { return !s.used })
	if free < 0 {
		return Misfit
	}
	s := &b.slots[free]
	s.used, s.seq, s.pt, s.ts, s.ticks = true, p.Seq, p.PT, p.TS, uint32(p.Ticks)
	s.n = copy(s.data[:], p.Payload)
	b.ticks = s.ticks
	b.step = min(max(s.ticks, frameTicks/4), frameTicks)
	if end := s.ts + s.ticks; int32(end-b.newest) > 0 {
		b.newest = end
	}
	return Accepted
}

// restart begins a stream at ts.
func (b *Buffer) restart(now time.Time, seq uint16, ts uint32) {
	b.Reset()
	b.started, b.first = true, now
	b.next, b.newest, b.played = ts, ts, ts
	b.seq = seq - maxLateRun // those before it may have been overtaken
	b.base, b.baseTS, b.turned = now, ts, now
}

// Reset forgets everything.
func (b *Buffer) Reset() {
	for i := range b.slots {
		b.slots[i].used = false
	}
	b.started, b.playing, b.hold, b.jumping = false, false, false, false
	b.lateRun, b.lastLate, b.given = 0, time.Time{}, 0
	b.win, b.cur, b.full, b.memory = [windows]window{}, 0, 0, shortest
	b.marks, b.lowered = 0, time.Time{}
}

// Started reports whether playing has begun.
func (b *Buffer) Started() bool { return b.playing }

// Gap is how much sound must be made up for the nil that Get returned.
func (b *Buffer) Gap() time.Duration { return time.Duration(b.gap) * (time.Second / clock) }

// Get returns the payload to play next, or nil if it must be made up: media time has
// then passed by Gap. The payload is valid until the next call of Put.
func (b *Buffer) Get(now time.Time) (payload []byte, pt uint8) {
	if !b.playing {
		if !b.started || now.Sub(b.first) < startDelay {
			b.gap = frameTicks
			return nil, 0
		}
		b.playing = true
	}
	if int32(b.newest-b.next) > maxDepth {
		b.skip(b.newest - skipTo)
	}
	b.gap = b.step
	if b.hold {
		b.hold = false
		b.Raised(now)
		return nil, 0
	}
	best := -1
	for i := range b.slots {
		s := &b.slots[i]
		if s.used && int32(s.ts-b.next) < int32(b.step) && (best < 0 || int32(s.ts-b.slots[best].ts) < 0) {
			best = i
		}
	}
	if best < 0 {
		b.next += b.gap
		return nil, 0
	}
	s := &b.slots[best]
	if ahead := int32(s.ts - b.next); ahead > 0 {
		b.gap = uint32(ahead)
		b.next = s.ts
		return nil, 0
	}
	s.used = false
	b.next = s.ts + s.ticks
	b.played, b.seq = b.next, s.seq
	b.recent[b.given%maxSlots] = s.ts
	b.given++
	return s.data[:s.n], s.pt
}

// skip drops what is older than ts.
func (b *Buffer) skip(ts uint32) {
	for i := range b.slots {
		if s := &b.slots[i]; int32(s.ts-ts) < 0 {
			s.used = false
		}
	}
	b.next = ts
}

// Delay is how much sound waits.
func (b *Buffer) Delay() time.Duration {
	return max(time.Duration(int32(b.newest-b.next)), 0) * (time.Second / clock)
}
