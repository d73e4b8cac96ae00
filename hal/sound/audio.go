package sound

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"chordophone/hal"
	"chordophone/hal/alsa"
	"chordophone/hal/pcm"
	"chordophone/hal/wav"
)

// ErrInUse is returned by Audio.Open while a stream is open.
var ErrInUse = errors.New("the handset's sound is already in use")

const hint = "use a WAV file, alsa:DEVICE, unix:PATH or none"

// Audio implements hal.Audio. One stream is open at a time.
type Audio struct {
	mic     func() (source, error)
	ear     func() (sink, error)
	clocked bool // the earpiece is a sound card, which needs no pacing
	inUse   atomic.Bool
	owned   []io.Closer // what lives longer than a stream
}

// source is the microphone of one stream, sink its earpiece.
type (
	source interface {
		Read(samples []int16) error
		Close() error
	}
	sink interface {
		Write(samples []int16) error
		Close() error
	}
)

// Open prepares the sound that mic and ear name; see the package comment for the
// forms they have. The empty string means none. A WAV file to record into is
// created now, and a sound card must be there now, so that a mistake shows before
// the first call. A socket need not exist yet, but its folder must. The caller
// closes the Audio after its streams.
func Open(mic, ear string) (*Audio, error) {
	a := new(Audio)
	err := a.open(mic, ear)
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *Audio) open(mic, ear string) error {
	if err := differ(mic, ear); err != nil {
		return err
	}
	if err := a.openMic(mic); err != nil {
		return fmt.Errorf("microphone: %w", err)
	}
	if err := a.openEar(ear); err != nil {
		return fmt.Errorf("earpiece: %w", err)
	}
	return nil
}

func (a *Audio) openMic(spec string) error {
	kind, where := parse(spec)
	switch kind {
	case none:
		a.mic = func() (source, error) { return silence{}, nil }
	case card:
		if err := alsa.Check(where, alsa.Capture); err != nil {
			return err
		}
		a.mic = func() (source, error) { return alsa.Open(where, alsa.Capture) }
	case stream:
		s, err := a.dial(where)
		if err != nil {
			return err
		}
		a.mic = func() (source, error) { return socketEnd{s}, nil }
	case file:
		s, err := wav.ReadFile(where)
		if err != nil {
			return fmt.Errorf("%w (%s)", err, hint)
		}
		samples := s.At(hal.Rate)
		a.mic = func() (source, error) { return &player{rest: samples}, nil }
	}
	return nil
}

func (a *Audio) openEar(spec string) error {
	kind, where := parse(spec)
	switch kind {
	case none:
		a.ear = func() (sink, error) { return silence{}, nil }
	case card:
		if err := alsa.Check(where, alsa.Playback); err != nil {
			return err
		}
		a.clocked = true
		a.ear = func() (sink, error) { return alsa.Open(where, alsa.Playback) }
	case stream:
		s, err := a.dial(where)
		if err != nil {
			return err
		}
		a.ear = func() (sink, error) { return socketEnd{s}, nil }
	case file:
		r, err := wav.Create(where, hal.Rate)
		if err != nil {
			return fmt.Errorf("%w (%s)", err, hint)
		}
		a.owned = append(a.owned, r)
		a.ear = func() (sink, error) { return recording{r}, nil }
	}
	return nil
}

// dial returns the socket of a path, which microphone and earpiece may share.
func (a *Audio) dial(path string) (*socket, error) {
	for _, c := range a.owned {
		if s, ok := c.(*socket); ok && s.path == path {
			return s, nil
		}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("the folder of socket %s: %w", path, err)
	}
	s := dial(path)
	a.owned = append(a.owned, s)
	return s, nil
}

// Open implements hal.Audio.
func (a *Audio) Open() (hal.Stream, error) {
	if !a.inUse.CompareAndSwap(false, true) {
		return nil, ErrInUse
	}
	mic, err := a.mic()
	if err != nil {
		a.inUse.Store(false)
		return nil, fmt.Errorf("microphone: %w", err)
	}
	ear, err := a.ear()
	if err != nil {
		mic.Close()
		a.inUse.Store(false)
		return nil, fmt.Errorf("earpiece: %w", err)
	}
	return &lift{audio: a, mic: mic, ear: ear}, nil
}

// Close ends sockets and recordings and returns what went wrong with them.
func (a *Audio) Close() error {
	var errs []error
	for _, c := range a.owned {
		errs = append(errs, c.Close())
	}
	a.owned = nil
	return errors.Join(errs...)
}

// lift is the stream from one lift of the handset to its return.
type lift struct {
	audio  *Audio
	mic    source
	ear    sink
	pacer  pcm.Pacer
	closed bool
}

func (l *lift) Read(samples []int16) error { return l.mic.Read(samples) }

func (l *lift) Write(samples []int16) error {
	if err := l.ear.Write(samples); err != nil {
		return err
	}
	if !l.audio.clocked {
		l.pacer.Wait(len(samples))
	}
	return nil
}

func (l *lift) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	err := errors.Join(l.mic.Close(), l.ear.Close())
	l.audio.inUse.Store(false)
	return err
}

// kind is a form of a sound's name.
type kind int

const (
	none   kind = iota
	file        // path
	card        // alsa:device
	stream      // unix:path
)

func parse(spec string) (k kind, where string) {
	if spec == "" || spec == "none" {
		return none, ""
	}
	if device, ok := strings.CutPrefix(spec, "alsa:"); ok {
		return card, device
	}
	if path, ok := strings.CutPrefix(spec, "unix:"); ok {
		return stream, path
	}
	return file, spec
}

// differ refuses to record into the file that is played.
func differ(mic, ear string) error {
	km, m := parse(mic)
	ke, e := parse(ear)
	if km != file || ke != file {
		return nil
	}
	mi, err := os.Stat(m)
	if err != nil {
		return nil // said when it is opened
	}
	if ei, err := os.Stat(e); err == nil && os.SameFile(mi, ei) {
		return fmt.Errorf("earpiece: %s is also the microphone and would be overwritten (name another file)", e)
	}
	return nil
}
