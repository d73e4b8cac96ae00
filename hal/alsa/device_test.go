package alsa

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func cards() fs.FS {
	return fstest.MapFS{
		"proc/asound/pcm": {Data: []byte(
			"00-00: bcm2835 Headphones : bcm2835 Headphones : playback 8\n" +
				"nonsense\n" +
				"01-00: USB Audio : USB Audio : playback 1 : capture 1\n")},
		"proc/asound/Device": {Data: []byte("card1"), Mode: fs.ModeSymlink},
	}
}

func TestDevices(t *testing.T) {
	list, err := devices(cards())
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if want := (Device{0, 0, "bcm2835 Headphones", false, true}); list[0] != want {
		t.Errorf("%+v", list[0])
	}
	if want := (Device{1, 0, "USB Audio", true, true}); list[1] != want {
		t.Errorf("%+v", list[1])
	}
	if list, err := devices(fstest.MapFS{}); list != nil || err != nil {
		t.Errorf("without sound: %v, %v", list, err)
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name string
		dir  Direction
		want string // "" for an error
	}{
		{"hw:1,0", Capture, "hw:1,0"},
		{"hw:1", Capture, "hw:1,0"},
		{"plughw:0,0", Playback, "hw:0,0"},
		{"hw:Device,0", Playback, "hw:1,0"},
		{"hw:0,0", Capture, ""}, // has only playback
		{"hw:1,3", Capture, ""},
		{"hw:Other", Capture, ""},
		{"hw:../../etc", Capture, ""},
		{"hw:1,x", Capture, ""},
		{"hw:", Capture, ""},
		{"default", Playback, "hw:0,0"},
		{"default", Capture, "hw:1,0"},
		{"pulse", Playback, ""},
		{"", Playback, ""},
	} {
		d, err := look(c.name, cards(), c.dir)
		if c.want == "" {
			if !errors.Is(err, ErrNoDevice) {
				t.Errorf("%s: %v, %v", c.name, d, err)
			}
		} else if err != nil || d.String() != c.want {
			t.Errorf("%s: %v, %v", c.name, d, err)
		}
	}
}

// A person who names a card that is not there is told which ones are.
func TestFindHint(t *testing.T) {
	_, err := look("hw:2,0", cards(), Capture)
	if err == nil || !strings.Contains(err.Error(), "there is hw:1,0 USB Audio") {
		t.Errorf("%v", err)
	}
	_, err = look("hw:0,0", fstest.MapFS{}, Capture)
	if err == nil || !strings.Contains(err.Error(), "this machine has none for capture") {
		t.Errorf("%v", err)
	}
}

func TestOpenAbsent(t *testing.T) {
	if _, err := Open("hw:31,31", Capture); !errors.Is(err, ErrNoDevice) {
		t.Errorf("%v", err)
	}
}

// look resolves a name.
func look(name string, root fs.FS, dir Direction) (Device, error) {
	t, err := parse(name)
	if err != nil {
		return Device{}, err
	}
	return t.find(root, dir)
}
