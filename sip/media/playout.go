package media

import "time"

const (
	fifoLen = 2*maxTicks + 3*FrameSamples // a whole packet beside what waits

	// excess is the waiting of the slowest packet beyond a step from which delay is
	// given back. scarce is that under which more is taken: the next packets might come
	// too late, be it for a clock that runs slower than ours.
	excess = 6 * time.Millisecond
	scarce = 4 * time.Millisecond

	// patience is how many steps to look for a good place to shorten or stretch.
	patience = 100
)

// playout fills at most one frame.
func (r *receiver) playout(now time.Time, pcm []int16) {
	if len(pcm) == 0 {
		return // no time passes
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := pcm[:min(len(pcm), FrameSamples)]
	clear(pcm[len(out):])
	step := time.Duration(len(out)) * time.Second / Rate
	started := r.buffer.Started()
	for r.waiting < len(out) {
		r.fetch(now, len(out)-r.waiting)
	}
	if started && r.active {
		r.pace(now, step, len(out))
		r.quality.delayed(r.delay())
	}
	copy(out, r.fifo[:])
	copy(r.fifo[:], r.fifo[len(out):r.waiting])
	r.waiting -= len(out)
	r.buffer.Mark(now, step, time.Duration(r.waiting)*time.Second/Rate)
}

// delay is how much sound waits.
func (r *receiver) delay() time.Duration {
	return r.buffer.Delay() + time.Duration(r.waiting)*time.Second/Rate
}

// fetch appends the next packet's sound to the FIFO, or some made up; before the first
// packet, need samples of silence.
func (r *receiver) fetch(now time.Time, need int) {
	payload, pt := r.buffer.Get(now)
	playing := r.buffer.Started() && r.active
	if payload != nil && r.codecs[pt] != nil {
		r.room.on = false
		sound := r.codecs[pt].decode(r.fifo[:r.waiting], payload)[r.waiting:]
		if r.listen && r.active {
			for _, s := range sound {
				if key, ok := r.tones.sample(s); ok {
					r.press(key)
				}
			}
		}
		r.conceal.resume(sound)
		r.waiting += len(sound)
		r.quality.frame(false)
		return
	}
	n := int(r.buffer.Gap() * Rate / time.Second)
	if !r.buffer.Started() {
		n = need
	}
	if payload != nil { // comfort noise
		r.room.set(payload)
		n = FrameSamples
	}
	made := r.fifo[r.waiting : r.waiting+n]
	r.waiting += n
	if r.room.on {
		r.room.fill(made)
		r.conceal.played(made)
		r.conceal.lost = 0
		return
	}
	r.conceal.conceal(made)
	if playing {
		r.quality.frame(true)
	}
}

// pace plays a little faster when packets wait longer than they must, and slower when
// they come only just in time; less than a step of delay is given back only where that is not
// heard. Afterwards there is sound for at least n samples.
func (r *receiver) pace(now time.Time, step time.Duration, n int) {
	wait, rest, known, sure := r.buffer.Margin()
	spare := 0
	if wait >= excess {
		spare = int(rest * Rate / time.Second)
	}
	early := wait >= step+excess
	if early {
		spare += n
	}
	slow := wait < scarce
	if !known || !slow && !sure || r.conceal.lost > 0 {
		return
	}
	switch {
	case slow || early:
		r.forcing++
	case spare < minLag || spare < 2*minLag && !quiet(r.fifo[:r.waiting]): // little is worth no search
		r.forcing = 0
		return
	default:
		r.forcing = 0
	}
	if slow {
		if longer := stretch(r.fifo[:], r.waiting, r.forcing > patience); longer > r.waiting {
			r.waiting, r.forcing = longer, 0
			r.buffer.Raised(now)
		}
		return
	}
	before := r.waiting
	left := shorten(r.fifo[:r.waiting], spare, r.forcing > patience)
	if len(left) == before {
		return
	}
	r.waiting = copy(r.fifo[:], left)
	r.forcing = 0
	if early {
		r.buffer.Lowered(now)
	} else {
		r.buffer.Paced()
	}
	for r.waiting < n {
		r.fetch(now, n-r.waiting)
	}
}
