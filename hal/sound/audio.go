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
	"chordophone/hal/echo"
	"chordophone/hal/wav"
)

// ErrInUse is returned by Audio.Open while a stream is open.
var ErrInUse = errors.New("the handset's sound is already in use")

const hint = "use a WAV file, alsa:DEVICE, unix:PATH or none"

// Audio implements hal.Audio. One stream is open at a time; a stream on a sound card is
// opened, used and closed by one goroutine, whose thread is made urgent for it.
type Audio struct {
	mic   func() source
	ear   func() sink
	inUse atomic.Bool
	owned []io.Closer // what lives longer than a stream

	cards  []part     // that the sound goes through
	line   *echo.Line // nil: the microphone hears no loudspeaker
	ringer *ringer    // nil: none
	side   float64    // how loud a speaker hears himself, a factor
	volume volume     // of the earpiece
	bell   volume
	turned chan struct{} // a volume was, or the bell began or ended: capacity 1
	rings  atomic.Bool   // the bell does

	hurry func() (calm func(), err error)
}

// part is one end of a sound on a card: an alsa.Port.
type part struct {
	name string
	port interface {
		Trouble() error
		SetLoudness(c alsa.Control, decibel float64) (rest float64, err error)
		Stats() alsa.Stats
	}
	seen alsa.Stats // of Watch
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
	a := newAudio()
	err := a.open(mic, ear)
	for _, c := range a.cards {
		if err == nil {
			err = named(c.name, c.port.Trouble())
		}
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func newAudio() *Audio {
	a := &Audio{hurry: alsa.Hurry, turned: make(chan struct{}, 1)}
	a.volume.turn(0)
	a.bell.turn(0)
	return a
}

func named(part string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", part, err)
	}
	return err
}

func (a *Audio) open(mic, ear string) error {
	if err := differ(mic, ear); err != nil {
		return err
	}
	if err := a.openMic(mic); err != nil {
		return named(microphone, err)
	}
	return named(earpiece, a.openEar(ear))
}

// The parts of a telephone's sound, as people call them.
const (
	microphone = "microphone"
	earpiece   = "earpiece"
	bellPart   = "ringer"
)

func (a *Audio) openMic(spec string) error {
	kind, where := parse(spec)
	switch kind {
	case none:
		a.mic = func() source { return silence{} }
	case card:
		port, err := a.card(microphone, where, alsa.Capture)
		if err != nil {
			return err
		}
		a.mic = func() source { return port.Open() }
	case stream:
		s, err := a.dial(where)
		if err != nil {
			return err
		}
		a.mic = func() source { return socketEnd{s} }
	case file:
		s, err := wav.ReadFile(where)
		if err != nil {
			return fmt.Errorf("%w (%s)", err, hint)
		}
		samples := s.At(hal.Rate)
		a.mic = func() source { return &player{rest: samples} }
	}
	return nil
}

func (a *Audio) openEar(spec string) error {
	kind, where := parse(spec)
	switch kind {
	case none:
		a.ear = func() sink { return silence{} }
	case card:
		port, err := a.card(earpiece, where, alsa.Playback)
		if err != nil {
			return err
		}
		a.ear = func() sink { return port.Open() }
	case stream:
		s, err := a.dial(where)
		if err != nil {
			return err
		}
		a.ear = func() sink { return socketEnd{s} }
	case file:
		r, err := wav.Create(where, hal.Rate)
		if err != nil {
			return fmt.Errorf("%w (%s)", err, hint)
		}
		a.owned = append(a.owned, r)
		a.ear = func() sink { return recording{r} }
	}
	return nil
}

// card makes a port one of the audio's.
func (a *Audio) card(name, device string, dir alsa.Direction) (*alsa.Port, error) {
	port, err := alsa.NewPort(device, dir)
	if err == nil {
		a.cards = append(a.cards, part{name: name, port: port})
	}
	return port, err
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

// Open implements hal.Audio. A sound card that is not there is silent until it is: see
// Watch.
func (a *Audio) Open() (hal.Stream, error) {
	if !a.inUse.CompareAndSwap(false, true) {
		return nil, ErrInUse
	}
	l := &lift{audio: a, mic: a.mic(), ear: a.ear(), calm: func() {}}
	_, l.micPaces = l.mic.(*alsa.PCM)
	l.card, _ = l.ear.(pushed)
	if len(a.cards) > 0 {
		l.calm, _ = a.hurry() // without the right to it, sound is as urgent as all else
	}
	return l, nil
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
