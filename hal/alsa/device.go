package alsa

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// ErrNoDevice means that the named sound card is not there.
var ErrNoDevice = errors.New("no such sound device")

// Direction is which way sound flows through a device.
type Direction int

const (
	Playback Direction = iota
	Capture
)

func (d Direction) String() string {
	if d == Capture {
		return "capture"
	}
	return "playback"
}

// Device is one PCM device of a sound card.
type Device struct {
	Card, Device      int
	Name              string
	Capture, Playback bool
}

// String is the form in which a device is named in configuration: hw:1,0.
func (d Device) String() string { return fmt.Sprintf("hw:%d,%d", d.Card, d.Device) }

// devices lists the machine's sound devices, none if it has no sound at all. It reads lines
// such as
//
//	01-00: USB Audio : USB Audio : playback 1 : capture 1
func devices(root fs.FS) ([]Device, error) {
	b, err := fs.ReadFile(root, "proc/asound/pcm")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Device
	for line := range strings.Lines(string(b)) {
		var d Device
		fields := strings.Split(strings.TrimSpace(line), ": ")
		if n, err := fmt.Sscanf(fields[0], "%d-%d", &d.Card, &d.Device); n != 2 || err != nil {
			continue
		}
		for _, f := range fields[1:] {
			f = strings.TrimSpace(f)
			switch {
			case strings.HasPrefix(f, "playback "):
				d.Playback = true
			case strings.HasPrefix(f, "capture "):
				d.Capture = true
			case d.Name == "":
				d.Name = f
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// has reports whether sound flows through the device in a direction.
func (d Device) has(dir Direction) bool {
	return dir == Capture && d.Capture || dir == Playback && d.Playback
}

// target is the name of a device: hw:CARD or hw:CARD,DEVICE, also written plughw,
// where CARD is a number or the identifier in /proc/asound/cards; or default, the first
// device that has the direction.
type target struct {
	name   string // as it was written
	card   string // "": default
	device int
}

func parse(name string) (target, error) {
	if name == "default" {
		return target{name: name}, nil
	}
	kind, rest, _ := strings.Cut(name, ":")
	card, device, both := strings.Cut(rest, ",")
	if !both {
		device = "0"
	}
	n, err := strconv.Atoi(device)
	if kind != "hw" && kind != "plughw" || card == "" || strings.ContainsAny(card, "/.") || err != nil || n < 0 {
		return target{}, fmt.Errorf("%w: %q (write default or hw:CARD,DEVICE, such as hw:1,0)", ErrNoDevice, name)
	}
	return target{name, card, n}, nil
}

// find looks for the device. Its error names those that are there.
func (t target) find(root fs.FS, dir Direction) (Device, error) {
	list, err := devices(root)
	if err != nil {
		return Device{}, err
	}
	card := -1
	if t.card != "" {
		card = cardNumber(root, t.card)
	}
	for _, d := range list {
		if d.has(dir) && (t.card == "" || d.Card == card && d.Device == t.device) {
			return d, nil
		}
	}
	return Device{}, fmt.Errorf("%w: %s for %v (%s)", ErrNoDevice, t.name, dir, choice(list, dir))
}

// cardNumber follows /proc/asound/IDENTIFIER, a link to card1, say. It is -1 if
// there is no such card.
func cardNumber(root fs.FS, card string) int {
	if n, err := strconv.Atoi(card); err == nil {
		return n
	}
	target, err := fs.ReadLink(root, "proc/asound/"+card)
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimPrefix(target, "card"))
	if err != nil {
		return -1
	}
	return n
}

func choice(list []Device, dir Direction) string {
	var names []string
	for _, d := range list {
		if d.has(dir) {
			names = append(names, fmt.Sprintf("%v %s", d, d.Name))
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("this machine has none for %v", dir)
	}
	return "there is " + strings.Join(names, ", ")
}
