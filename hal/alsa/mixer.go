package alsa

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// ErrNoVolume means that a card has no control for how loud it is.
var ErrNoVolume = errors.New("the sound card has no volume control")

// maxControls bounds what is asked of a card; the largest have some hundreds.
const maxControls = 1000

// Control is how the loudness of a port is set on its card.
type Control struct {
	// Name is that of the card's control without "Playback Volume", "" for the usual
	// one: see volume.
	Name string
	// Normal is where the control stands at 0 dB, in percent of its range; 0: where it
	// says itself that it changes nothing.
	Normal int
}

// SetLoudness sets the port's control to so many decibel above normal, and ends a mute.
// It returns the rest that is beyond the control's range, for somebody to do to the
// samples: all of it if there is an error, such as ErrNoVolume.
func (p *Port) SetLoudness(c Control, decibel float64) (rest float64, err error) {
	rest = decibel
	err = p.control(func(m mixer) error {
		e, err := m.volume(p.dir, c.Name)
		if err != nil {
			return err
		}
		s := m.scale(e, c.Normal)
		to, beyond := s.at(decibel)
		if err := m.set(e, to); err != nil {
			return err
		}
		rest = beyond
		return m.unmute(e)
	})
	if err != nil {
		rest = decibel
	}
	return rest, err
}

// control opens the mixer of the port's card for a moment: a card that is unplugged
// comes back under its name only if nobody holds on to it.
func (p *Port) control(use func(mixer) error) error {
	d, err := p.where.find(p.sys.files(), p.dir)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/dev/snd/controlC%d", d.Card)
	fd, err := p.sys.open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, explain(err))
	}
	defer p.sys.close(fd)
	m := mixer{sys: p.sys, fd: fd}
	if err = m.list(); err == nil {
		err = use(m)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// mixer is the controls of a card.
type mixer struct {
	sys   system
	fd    int
	elems []elemInfo
}

func (e *elemInfo) name() string {
	name, _, _ := bytes.Cut(e.id.name[:], []byte{0})
	return string(name)
}

// list asks for all controls that can be set.
func (m *mixer) list() error {
	l := elemList{}
	if err := m.sys.ioctl(m.fd, ioctlElemList, unsafe.Pointer(&l)); err != nil {
		return err
	}
	ids := make([]elemID, min(l.count, maxControls))
	if len(ids) == 0 {
		return nil
	}
	l = elemList{space: uint32(len(ids)), ids: unsafe.Pointer(&ids[0])}
	if err := m.sys.ioctl(m.fd, ioctlElemList, unsafe.Pointer(&l)); err != nil {
		return err
	}
	for _, id := range ids[:min(int(l.used), len(ids))] {
		e := elemInfo{id: id}
		if id.iface != ifaceMixer || m.sys.ioctl(m.fd, ioctlElemInfo, unsafe.Pointer(&e)) != nil {
			continue // a control may vanish between two questions
		}
		if e.access&accessWrite != 0 && e.count > 0 && int(e.count) <= len(elemValue{}.value) {
			m.elems = append(m.elems, e)
		}
	}
	return nil
}

// The controls that are how loud something is, by what people hold or hear first. Whatever
// else ends in "Playback Volume", or "Capture Volume", comes after them.
var (
	heard  = [...]string{"Headset", "Headphone", "Speaker", "PCM", "Master", "Digital"}
	spoken = [...]string{"Mic", "Headset", "Capture", "Digital"}
)

// volume is the control of that name that a telephone's volume keys are for, or the first
// of the usual ones.
func (m *mixer) volume(dir Direction, name string) (*elemInfo, error) {
	suffix, wanted := " Playback Volume", heard[:]
	if dir == Capture {
		suffix, wanted = " Capture Volume", spoken[:]
	}
	if name != "" {
		wanted = []string{name}
	}
	best, rank := -1, len(wanted)+1
	for i := range m.elems {
		e := &m.elems[i]
		prefix, ok := strings.CutSuffix(e.name(), suffix)
		if !ok { // one without a direction: of few cards
			prefix, ok = strings.CutSuffix(e.name(), " Volume")
			ok = ok && slices.Contains(wanted, prefix)
		}
		if !ok || e.kind != kindInteger || e.max <= e.min {
			continue
		}
		r := slices.Index(wanted, prefix)
		switch {
		case r < 0 && name != "":
			continue
		case r < 0 && prefix == "Mic":
			continue // how loud a speaker hears himself
		case r < 0:
			r = len(wanted)
		}
		if r < rank {
			best, rank = i, r
		}
	}
	if best < 0 {
		return nil, ErrNoVolume
	}
	return &m.elems[best], nil
}

// unmute switches on what a control makes loud, if there is a switch.
func (m *mixer) unmute(e *elemInfo) error {
	name := strings.TrimSuffix(e.name(), "Volume") + "Switch"
	for i := range m.elems {
		s := &m.elems[i]
		if s.kind == kindBoolean && s.name() == name && s.id.index == e.id.index {
			return m.set(s, 1)
		}
	}
	return nil
}

// set gives all channels of a control a value.
func (m *mixer) set(e *elemInfo, to int) error {
	v := &elemValue{id: e.id}
	for i := range e.count {
		v.value[i] = to
	}
	return m.sys.ioctl(m.fd, ioctlElemWrite, unsafe.Pointer(v))
}
