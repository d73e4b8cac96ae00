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

// Volume is how loud the port is set, in percent of what its card can.
func (p *Port) Volume() (percent int, err error) {
	err = p.control(func(m mixer) error {
		e, err := m.volume(p.dir)
		if err != nil {
			return err
		}
		v, err := m.value(e)
		if err == nil {
			percent = ((v.value[0]-e.min)*100 + (e.max-e.min)/2) / (e.max - e.min)
		}
		return err
	})
	return percent, err
}

// SetVolume sets how loud the port is, in percent of what its card can, and switches
// its sound on if it is muted.
func (p *Port) SetVolume(percent int) error {
	percent = max(0, min(100, percent))
	return p.control(func(m mixer) error {
		e, err := m.volume(p.dir)
		if err != nil {
			return err
		}
		if err := m.set(e, e.min+((e.max-e.min)*percent+50)/100); err != nil {
			return err
		}
		name := strings.TrimSuffix(e.name(), "Volume") + "Switch"
		for i := range m.elems {
			s := &m.elems[i]
			if s.kind == kindBoolean && s.name() == name && s.id.index == e.id.index {
				return m.set(s, 1)
			}
		}
		return nil
	})
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

// volume is the control that a telephone's volume keys are for.
func (m *mixer) volume(dir Direction) (*elemInfo, error) {
	suffix, wanted := " Playback Volume", []string{"Headset", "Headphone", "Speaker", "PCM", "Master", "Digital"}
	if dir == Capture {
		suffix, wanted = " Capture Volume", []string{"Mic", "Headset", "Capture", "Digital"}
	}
	best, rank := -1, len(wanted)+1
	for i := range m.elems {
		e := &m.elems[i]
		prefix, ok := strings.CutSuffix(e.name(), suffix)
		if !ok && dir == Capture && e.name() == "Capture Volume" {
			prefix, ok = "Capture", true
		}
		if !ok || e.kind != kindInteger || e.max <= e.min {
			continue
		}
		r := slices.Index(wanted, prefix)
		if r < 0 {
			r = len(wanted)
		}
		if prefix == "Mic" && dir == Playback {
			continue // how loud a speaker hears himself
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

func (m *mixer) value(e *elemInfo) (*elemValue, error) {
	v := &elemValue{id: e.id}
	return v, m.sys.ioctl(m.fd, ioctlElemRead, unsafe.Pointer(v))
}

// set gives all channels of a control a value.
func (m *mixer) set(e *elemInfo, to int) error {
	v := &elemValue{id: e.id}
	for i := range e.count {
		v.value[i] = to
	}
	return m.sys.ioctl(m.fd, ioctlElemWrite, unsafe.Pointer(v))
}
