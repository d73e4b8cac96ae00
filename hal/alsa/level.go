package alsa

import (
	"time"

	"chordophone/hal"
)

// In samples at hal.Rate, and in frames.
const (
	millisecond = hal.Rate / 1000

	goalFirst = 10 * millisecond // until anything is known of the machine
	goalLeast = 6 * millisecond
	goalMost  = 40 * millisecond
	goalUp    = 5 * millisecond
	goalDown  = 1 * millisecond
	slack     = 2 * millisecond // round the goal, in which nothing is done

	window = int(time.Second / hal.Frame)
	calm   = 10 * window // without need until the goal sinks
)

// level keeps the sound that waits for a playback's card when a frame is added as short
// as is safe. What counts is not the mean but the least of a second, for that is what a
// late telephone has left. Too much is taken out, and too little filled up, by one
// sample in a frame, which nobody hears and which also keeps two cards together
// whose clocks differ; what a stall has piled up goes by whole frames. The goal is
// learned: it rises with an xrun, and sinks when it was never needed. All is in samples
// at hal.Rate.
//
// A capture needs none: it is the clock, and read as soon as it has a frame.
type level struct {
	goal  int
	floor int // of the goal

	low   int // least in this window
	seen  int // looks in this window
	owed  int // to take out; less than 0: to put in
	spare int // least above half of the goal since the goal changed
	quiet int // looks since then
}

// begin is the start of a stream. The goal stays as it was learned, but the card moves
// sound in periods.
func (l *level) begin(period int) {
	if l.goal == 0 {
		l.goal = goalFirst
	}
	l.floor = min(max(goalLeast, period+millisecond), goalMost)
	l.goal = max(l.goal, l.floor)
	l.restart()
}

// restart forgets what was seen: the card had stopped.
func (l *level) restart() { l.low, l.seen, l.owed, l.spare, l.quiet = 0, 0, 0, goalMost, 0 }

// xrun is a telephone that was too late.
func (l *level) xrun() {
	l.goal = min(l.goal+goalUp, goalMost)
	l.restart()
}

// look notes how much waits, and returns how many samples the next frame has to be
// shorter: 1, 0, -1, or a whole frame.
func (l *level) look(waits int) (shorter int) {
	l.learn(waits)
	if l.owed != 0 {
		shorter = max(-1, min(1, l.owed))
		if l.owed >= hal.FrameSamples {
			shorter = hal.FrameSamples
		}
		l.owed -= shorter
		return shorter
	}
	if l.seen == 0 || waits < l.low {
		l.low = waits
	}
	if l.seen++; l.seen < window {
		return 0
	}
	l.seen = 0
	if excess := l.low - l.goal; excess > slack || excess < -slack {
		l.owed = excess
	}
	return 0
}

// learn lowers the goal when less would have been enough for long.
func (l *level) learn(waits int) {
	l.spare = min(l.spare, waits-l.goal/2)
	if l.quiet++; l.quiet < calm {
		return
	}
	if l.spare >= goalDown && l.goal > l.floor {
		l.goal = max(l.goal-goalDown, l.floor)
	}
	l.spare, l.quiet = goalMost, 0
}
