package haltest

import (
	"errors"
	"sync"

	"chordophone/hal"
	"chordophone/hal/pcm"
)

// ErrClosed is returned by a Stream that was closed.
var ErrClosed = errors.New("haltest: sound is closed")

// Audio is a handset whose two ends the test holds. Its Write takes the time a
// sound device takes.
type Audio struct {
	mu    sync.Mutex
	mic   []int16 // said and not yet read
	ear   []int16 // written and not yet taken
	opens int
	open  int
	err   error
}

// NewAudio returns a handset in a silent room.
func NewAudio() *Audio { return &Audio{} }

// Say queues sound for the microphone; after it comes silence.
func (a *Audio) Say(samples []int16) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mic = append(a.mic, samples...)
}

// Heard returns what the earpiece played since the last Heard.
func (a *Audio) Heard() []int16 {
	a.mu.Lock()
	defer a.mu.Unlock()
	ear := a.ear
	a.ear = nil
	return ear
}

// Opens is how often the sound was opened, and how many streams are open now.
func (a *Audio) Opens() (ever, now int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.opens, a.open
}

// Fail makes Open and all streams return err from now on; nil heals them.
func (a *Audio) Fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// Open implements hal.Audio.
func (a *Audio) Open() (hal.Stream, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return nil, a.err
	}
	a.opens++
	a.open++
	return &stream{audio: a}, nil
}

type stream struct {
	audio  *Audio
	pacer  pcm.Pacer
	closed bool // under audio.mu
}

func (s *stream) Read(samples []int16) error {
	a := s.audio
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := s.failure(); err != nil {
		return err
	}
	n := copy(samples, a.mic)
	a.mic = a.mic[n:]
	clear(samples[n:])
	return nil
}

func (s *stream) Write(samples []int16) error {
	a := s.audio
	a.mu.Lock()
	err := s.failure()
	if err == nil {
		a.ear = append(a.ear, samples...)
	}
	a.mu.Unlock()
	if err == nil {
		s.pacer.Wait(len(samples))
	}
	return err
}

func (s *stream) Close() error {
	a := s.audio
	a.mu.Lock()
	defer a.mu.Unlock()
	if !s.closed {
		s.closed = true
		a.open--
	}
	return nil
}

// failure is called with audio.mu held.
func (s *stream) failure() error {
	if s.closed {
		return ErrClosed
	}
	return s.audio.err
}
