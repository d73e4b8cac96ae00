package echo

import "time"

// Line is a Canceller between a loudspeaker's frames and a microphone's, which come in
// turn. What is heard in a frame was played before it: the frame last played, by then on
// its way through the card and the room, is what is taken out of it, and those before it.
type Line struct {
	canceller *Canceller
	played    []int16 // last, and not yet met by the microphone
}

// NewLine returns a line for echoes up to tail late; the card's own delay counts.
func NewLine(tail time.Duration) *Line { return &Line{canceller: New(tail)} }

// Played is a frame for the loudspeaker.
func (l *Line) Played(frame []int16) { l.played = append(l.played[:0], frame...) }

// Heard takes the echo out of a frame of the microphone, a number of Blocks.
func (l *Line) Heard(frame []int16) {
	for len(l.played) < len(frame) {
		l.played = append(l.played, 0)
	}
	l.canceller.Cancel(frame, l.played[:len(frame)])
	l.played = l.played[:0]
}
