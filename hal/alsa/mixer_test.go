package alsa

import (
	"errors"
	"io/fs"
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// desk is the mixer of the card "Device".
type desk struct {
	machine
	elems  []elemInfo
	values map[string][]int
	told   map[string][]uint32 // what controls are in decibel
	deaf   bool                // values cannot be set
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
		n := e.id.numid
		*e = d.elems[n-1]
		e.id.numid = n
	case ioctlTLVRead:
		t := (*tlv)(arg)
		told := d.told[d.elems[t.numid-1].name()]
		if told == nil {
			return unix.ENXIO
		}
		if int(t.length) < 4*len(told) {
			return unix.ENOMEM
		}
		copy(t.data[:], told)
	case ioctlElemWrite:
		if d.deaf {
			return unix.EIO
		}
		v := (*elemValue)(arg)
		name := (&elemInfo{id: v.id}).name()
		i := slices.IndexFunc(d.elems, func(e elemInfo) bool { return e.name() == name })
		d.values[name] = slices.Clone(v.value[:d.elems[i].count])
	default:
		return unix.ENOTTY
	}
	return nil
}

func newDesk(elems ...elemInfo) *desk {
	return &desk{
		machine: machine{cards: []*card{newCard(16000, 1)}}, elems: elems,
		values: map[string][]int{}, told: map[string][]uint32{},
	}
}

func (d *desk) port(t *testing.T, dir Direction) *Port {
	t.Helper()
	p, err := newPort("hw:Device", dir, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// scaled lets a control say what it is in decibel.
func (d *desk) scaled(i int, words ...uint32) {
	d.elems[i].access |= accessTLV
	d.told[d.elems[i].name()] = words
}

// hundredths is a number of decibel as the kernel tells it.
func hundredths(decibel float64) uint32 { return uint32(int32(math.Round(100 * decibel))) }

// A control that says what it is in decibel is set by that; what is beyond its range is
// left for others, and what lies between two of its values is not.
func TestDecibels(t *testing.T) {
	type want struct {
		value int
		rest  float64
	}
	for _, c := range []struct {
		name      string
		low, high int
		told      []uint32
		normal    int
		want      map[float64]want
	}{
		{"as an adapter on USB says", 0, 37, []uint32{tlvMinMax, 8, hundredths(-37), hundredths(0)}, 0, map[float64]want{
			0: {37, 0}, -3: {34, 0}, -21: {16, 0}, 9: {37, 9}, -40: {0, -3}, -2.6: {34, 0}, -2.4: {35, 0},
		}},
		{"with values below zero", -10239, 400, []uint32{tlvScale, 8, hundredths(-102.39), 1}, 0, map[float64]want{
			0: {0, 0}, 3: {300, 0}, 9: {400, 5}, -21: {-2100, 0},
		}},
		{"the lowest value is silence", 0, 10, []uint32{tlvScale, 8, hundredths(-30), tlvMute | 300}, 0, map[float64]want{
			0: {10, 0}, -27: {1, 0}, -33: {1, -6},
		}},
		{"the lowest is silence, and all is loud", 0, 20, []uint32{tlvMinMaxMute, 8, hundredths(5), hundredths(25)}, 0, map[float64]want{
			0: {1, 0}, 3: {4, 0}, -6: {1, -6},
		}},
		{"normal is half", 0, 40, []uint32{tlvMinMax, 8, hundredths(-40), hundredths(0)}, 50, map[float64]want{
			0: {20, 0}, 9: {29, 0}, 24: {40, 4}, -21: {0, -1},
		}},
		{"it says nothing", 0, 100, nil, 0, map[float64]want{
			0: {70, 0}, 12: {100, 0}, 16: {100, 4}, -8: {50, 0}, -30: {1, -2.4},
		}},
		{"it says nothing, normal is full", 0, 100, nil, 100, map[float64]want{0: {100, 0}, -20: {50, 0}}},
		{"a kind that is not known", 0, 100, []uint32{tlvScale + 1, 8, 0, 0}, 0, map[float64]want{0: {70, 0}}},
		{"steps of nothing", 0, 100, []uint32{tlvScale, 8, 0, 0}, 0, map[float64]want{0: {70, 0}}},
		{"cut short", 0, 100, []uint32{tlvScale, 4, 0, 100}, 0, map[float64]want{0: {70, 0}}},
		{"switched rather than set", 0, 1, nil, 0, map[float64]want{0: {1, 0}, -21: {1, -21}}},
	} {
		d := newDesk(elem("Speaker Playback Volume", kindInteger, c.low, c.high, 2))
		if c.told != nil {
			d.scaled(0, c.told...)
		}
		for decibel, want := range c.want {
			rest, err := d.port(t, Playback).SetLoudness(Control{Normal: c.normal}, decibel)
			if err != nil || math.Abs(rest-want.rest) > 1e-6 || !slices.Equal(d.values["Speaker Playback Volume"], []int{want.value, want.value}) {
				t.Errorf("%s, %+.1f dB: %v, rest %+.2f, %v; want %d, rest %+.1f", c.name, decibel, d.values, rest, err, want.value, want.rest)
			}
		}
	}
}

// Whatever a control says of itself, its value is in its range, and louder is louder.
func TestLouderIsLouder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		low := rapid.IntRange(-1<<16, 1<<16).Draw(r, "low")
		d := newDesk(elem("Speaker Playback Volume", kindInteger, low, low+rapid.IntRange(1, 1<<16).Draw(r, "span"), 1))
		if rapid.Bool().Draw(r, "told") {
			d.scaled(0, rapid.SliceOfN(rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 8)), 4, 4).Draw(r, "words")...)
		}
		c := Control{Normal: rapid.IntRange(0, 100).Draw(r, "normal")}
		ear := d.port(t, Playback)
		last, sum := math.MinInt, math.Inf(-1)
		for decibel := -21.0; decibel <= 9; decibel += 3 {
			rest, err := ear.SetLoudness(c, decibel)
			now := d.values["Speaker Playback Volume"]
			if err != nil || len(now) != 1 || now[0] < low || now[0] > d.elems[0].max || now[0] < last || math.IsNaN(rest) {
				r.Fatalf("%+.0f dB: %v, rest %v, %v, after %d", decibel, now, rest, err, last)
			}
			if now[0] == last && rest < sum-1e-6 {
				r.Fatalf("%+.0f dB: the rest falls from %v to %v", decibel, sum, rest)
			}
			last, sum = now[0], rest
		}
	})
}

// The control is the one that is named, else the usual one, in the order that is written
// down; setting it ends its mute.
func TestControl(t *testing.T) {
	all := []elemInfo{
		elem("Mic Playback Volume", kindInteger, 0, 100, 1),
		elem("Line Playback Volume", kindInteger, 0, 100, 1),
		elem("Master Volume", kindInteger, 0, 100, 2),
		elem("PCM Playback Volume", kindInteger, 0, 100, 2),
		elem("Speaker Playback Switch", kindBoolean, 0, 1, 1),
		elem("Speaker Playback Volume", kindInteger, 0, 100, 2),
		elem("Headphone Playback Volume", kindInteger, 0, 100, 2),
		elem("Mic Capture Volume", kindInteger, 0, 100, 1),
	}
	for _, c := range []struct {
		dir     Direction
		control string
		without int // this many of the last are not there
		want    string
	}{
		{Playback, "", 0, "Headphone Playback Volume"},
		{Playback, "", 2, "Speaker Playback Volume"},
		{Playback, "", 4, "PCM Playback Volume"},
		{Playback, "", 5, "Master Volume"},
		{Playback, "", 6, "Line Playback Volume"},
		{Playback, "", 7, ""},
		{Playback, "PCM", 0, "PCM Playback Volume"},
		{Playback, "Master", 0, "Master Volume"},
		{Playback, "Mic", 0, "Mic Playback Volume"},
		{Playback, "Digital", 0, ""},
		{Playback, "Speaker", 4, ""},
		{Capture, "", 0, "Mic Capture Volume"},
		{Capture, "", 1, ""},
	} {
		d := newDesk(all[:len(all)-c.without]...)
		rest, err := d.port(t, c.dir).SetLoudness(Control{Name: c.control}, -4)
		if c.want == "" {
			if !errors.Is(err, ErrNoVolume) || rest != -4 || len(d.values) != 0 {
				t.Errorf("%+v: %v, %v, %v", c, d.values, rest, err)
			}
			continue
		}
		if err != nil || rest != 0 || !slices.Contains(d.values[c.want], 60) {
			t.Errorf("%+v: %v, %v, %v", c, d.values, rest, err)
		}
		if muted := c.want == "Speaker Playback Volume"; slices.Equal(d.values["Speaker Playback Switch"], []int{1}) != muted || len(d.values) > 2 {
			t.Errorf("%+v: %v", c, d.values)
		}
	}
}

// Without a card, and with one that does not do as it is told, all is left for others.
func TestNoControl(t *testing.T) {
	d := newDesk(elem("Speaker Playback Volume", kindInteger, 0, 100, 1))
	ear := d.port(t, Playback)
	d.deaf = true
	if rest, err := ear.SetLoudness(Control{}, -6); !errors.Is(err, unix.EIO) || rest != -6 {
		t.Errorf("%v, %v", rest, err)
	}
	d.cards[0].gone = true
	if rest, err := ear.SetLoudness(Control{}, 6); !errors.Is(err, ErrNoDevice) || rest != 6 {
		t.Errorf("%v, %v", rest, err)
	}
	if d.opened != 0 {
		t.Errorf("%d left open", d.opened)
	}
}
