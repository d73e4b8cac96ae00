package alsa

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// desk is the mixer of the card "Device".
type desk struct {
	machine
	elems  []elemInfo
	values map[string][]int
	opened int
}

func elem(name string, kind int32, low, high int, count uint32) elemInfo {
	e := elemInfo{kind: kind, access: accessWrite | 1, count: count, min: low, max: high}
	e.id.iface = ifaceMixer
	copy(e.id.name[:], name)
	return e
}

func (d *desk) files() fs.FS { return d.machine.files() }

func (d *desk) open(path string) (int, error) {
	if path != "/dev/snd/controlC1" {
		return -1, unix.ENOENT
	}
	d.opened++
	return 77, nil
}

func (d *desk) close(int) error { d.opened--; return nil }

func (d *desk) poll(int, Direction, time.Duration) (bool, error) { return false, unix.EBADF }

func (d *desk) ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	switch request {
	case ioctlElemList:
		l := (*elemList)(arg)
		l.count = uint32(len(d.elems))
		l.used = min(l.space, l.count)
		ids := unsafe.Slice((*elemID)(l.ids), l.used)
		for i := range ids {
			ids[i] = d.elems[i].id
			ids[i].numid = uint32(i + 1)
		}
	case ioctlElemInfo:
		e := (*elemInfo)(arg)
		*e = d.elems[e.id.numid-1]
	case ioctlElemRead:
		v := (*elemValue)(arg)
		copy(v.value[:], d.values[(&elemInfo{id: v.id}).name()])
	case ioctlElemWrite:
		v := (*elemValue)(arg)
		name := (&elemInfo{id: v.id}).name()
		i := slices.IndexFunc(d.elems, func(e elemInfo) bool { return e.name() == name })
		d.values[name] = slices.Clone(v.value[:d.elems[i].count])
	default:
		return unix.ENOTTY
	}
	return nil
}

// A volume is that of what a person holds, in percent of what the card can, and setting
// it ends a mute.
func TestVolume(t *testing.T) {
	d := &desk{machine: machine{cards: []*card{newCard(16000, 1)}}, values: map[string][]int{}}
	d.elems = []elemInfo{
		elem("Mic Playback Volume", kindInteger, 0, 127, 1),
		elem("PCM Playback Volume", kindInteger, 0, 255, 2),
		elem("Speaker Playback Switch", kindBoolean, 0, 1, 1),
		elem("Speaker Playback Volume", kindInteger, -10, 30, 2),
		elem("Mic Capture Volume", kindInteger, 0, 10, 1),
	}
	ear, _ := newPort("hw:Device", Playback, d)
	mic, _ := newPort("hw:Device", Capture, d)
	for percent, want := range map[int]int{0: -10, 50: 10, 75: 20, 100: 30, 130: 30, -5: -10} {
		if err := ear.SetVolume(percent); err != nil || !slices.Equal(d.values["Speaker Playback Volume"], []int{want, want}) {
			t.Errorf("%d %%: %v, %v", percent, d.values, err)
		}
		if got, err := ear.Volume(); err != nil || got != max(0, min(100, percent)) {
			t.Errorf("%d %% reads as %d, %v", percent, got, err)
		}
	}
	if !slices.Equal(d.values["Speaker Playback Switch"], []int{1}) {
		t.Error("still muted")
	}
	if err := mic.SetVolume(30); err != nil || !slices.Equal(d.values["Mic Capture Volume"], []int{3}) {
		t.Errorf("%v, %v", d.values, err)
	}
	if len(d.values) != 3 {
		t.Errorf("set %v", d.values)
	}
	d.elems = d.elems[:1]
	if err := ear.SetVolume(50); !errors.Is(err, ErrNoVolume) {
		t.Errorf("%v", err)
	}
	d.cards[0].gone = true
	if _, err := ear.Volume(); !errors.Is(err, ErrNoDevice) {
		t.Errorf("%v", err)
	}
	if d.opened != 0 {
		t.Errorf("%d left open", d.opened)
	}
}
