package hal

import "time"

// Sound is 16-bit linear mono at this rate throughout the telephone; what a
// device or a codec wants else is converted at its edge. It moves in short steps whatever
// the length of the packets, for a frame is heard only when it is whole.
const (
	Rate  = 16000                 // samples a second
	Frame = 10 * time.Millisecond // the step in which sound moves
)

// FrameSamples is the length of one frame.
const FrameSamples = Rate * int(Frame/time.Millisecond) / 1000

// Audio opens the handset's sound.
type Audio interface {
	// Open starts the device. A phone opens it when the handset is lifted or a
	// call is answered and closes it afterwards, so an idle phone uses no power
	// for sound.
	Open() (Stream, error)
}

// Stream is the sound of one lift of the handset. It is the clock of the call:
// Write blocks until the device has room for the frame.
//
// Read and Write are called by one goroutine, frames of FrameSamples. While only
// tones are played Read is not called; capture begins with the first Read. A
// Stream survives what passes (an xrun, a device unplugged) by silence of the right
// length; its error means that the device will not come back.
type Stream interface {
	Read(pcm []int16) error
	Write(pcm []int16) error
	Close() error
}
