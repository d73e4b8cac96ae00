package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"chordophone/board"
	"chordophone/firmware/update/release"
	"chordophone/storage/fat"
)

// options are the command line. Most may stand in the environment, too, where make puts
// its variables, and where a password is not in the list of processes.
type options struct {
	Binary         string `required:"" placeholder:"FILE" help:"The telephone's program for arm64 ('make cross' builds it)."`
	Board          string `required:"" env:"BOARD" placeholder:"NAME|FILE" help:"A known board, or a board file."`
	Out            string `placeholder:"FILE.img" help:"The image (default: build/image/ and the board's name). FILE.img.gz and FILE.slot are written beside it."`
	Wifi           string `env:"WIFI" placeholder:"SSID:PASS" help:"The wireless network to join."`
	WifiFirmware   string `env:"WIFI_FIRMWARE" placeholder:"DIR" help:"Where the Wi-Fi chips' firmware is: a folder such as /lib/firmware."`
	AuthorizedKeys string `env:"AUTHORIZED_KEYS" placeholder:"FILE" help:"Public keys of those who may log in with ssh."`
	ReleaseKey     string `env:"RELEASE_KEY" placeholder:"FILE" help:"Public key of whoever makes the releases it takes ('chordophone release keygen' makes one)."`
	Office         string `env:"OFFICE" placeholder:"NAME" help:"This telephone founds the office of that name at its first start; leave it out for those that join one."`
	Extension      string `env:"EXTENSION" placeholder:"N" help:"The extension it wishes for."`
	Size           bool   `help:"List every file on the card with its size."`
}

// phone is what makes this telephone's card another than the next one's.
type phone struct {
	program  []byte
	wiring   *board.Board
	board    string // the board file
	settings string // the configuration file
	keys     string
	releases string // public keys whose releases it takes
	wireless []fat.File
	models   []string // that the Wi-Fi firmware is for
}

// phoneOf checks the command line.
func phoneOf(o options) (*phone, error) {
	p := new(phone)
	var err error
	if p.program, err = os.ReadFile(o.Binary); err == nil {
		err = checkProgram(p.program)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w (hint: 'make cross' builds build/chordophone-arm64)", o.Binary, err)
	}
	if p.board, p.wiring, err = boardOf(o.Board); err != nil {
		return nil, err
	}
	if err := p.wifi(o); err != nil {
		return nil, err
	}
	var set []setting
	for _, s := range []setting{{"found", o.Office}, {"extension", o.Extension}, {"wifi", o.Wifi}} {
		if s.value != "" {
			set = append(set, s)
		}
	}
	if p.settings, err = settings(set); err != nil {
		return nil, err
	}
	if o.AuthorizedKeys != "" {
		if p.keys, err = keysOf(o.AuthorizedKeys); err != nil {
			return nil, fmt.Errorf("%s: %w", o.AuthorizedKeys, err)
		}
	}
	if o.ReleaseKey != "" {
		if p.releases, err = releaseKeys(o.ReleaseKey); err != nil {
			return nil, fmt.Errorf("%s: %w", o.ReleaseKey, err)
		}
	}
	return p, nil
}

// checkProgram says whether a program can be the first one on a Raspberry Pi.
func checkProgram(b []byte) error {
	f, err := elf.NewFile(bytes.NewReader(b))
	switch {
	case err != nil:
		return fmt.Errorf("no program for Linux: %w", err)
	case f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_AARCH64:
		return fmt.Errorf("a program for %v, not for arm64", f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("a program that needs libraries, which are not on the card")
		}
	}
	return nil
}

// boardOf reads a board file, or that of a known board.
func boardOf(name string) (text string, b *board.Board, err error) {
	if b, err = board.Open(name); err != nil {
		return "", nil, err
	}
	if b.Virtual {
		return "", nil, fmt.Errorf("board %s has no wires (hint: one of %s, or a board file)", name, strings.Join(wired(), ", "))
	}
	if text, err = board.Source(name); err != nil {
		var file []byte
		file, err = os.ReadFile(name)
		text = string(file)
	}
	return text, b, err
}

func wired() (names []string) {
	for _, name := range board.Known() {
		if b, err := board.Get(name); err == nil && !b.Virtual {
			names = append(names, name)
		}
	}
	return names
}

// hats are the names that kernels give to sound cards on the 40-pin header.
var hats = []string{"wm8960", "seeed", "sndrpi", "googlevoi", "IQaudIO", "audioinjector", "hifiberry", "RPiCirrus", "fepi", "pisound"}

// hat is the board's sound card for which this kernel has no driver, if it names one.
func (p *phone) hat() string {
	if p.wiring.Audio == nil {
		return ""
	}
	for _, device := range []string{p.wiring.Audio.Capture, p.wiring.Audio.Playback} {
		_, name, _ := strings.Cut(device, ":")
		for _, h := range hats {
			if strings.HasPrefix(name, h) {
				return device
			}
		}
	}
	return ""
}

// pulses are the lines of config.txt for a board on which the computer makes pulses, ""
// for others: it takes the analog sound output for that on some models.
func (p *phone) pulses() string {
	if !p.wiring.Pulses() {
		return ""
	}
	return pulsesText
}

const maxKeys = 64 << 10 // octets

// keysOf reads a file of public keys.
func keysOf(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if len(b) > maxKeys {
		return "", fmt.Errorf("%d octets of keys are more than %d", len(b), maxKeys)
	}
	if bytes.Contains(b, []byte("PRIVATE KEY")) {
		return "", errors.New("this is a private key, which nobody else may have (hint: the file beside it that ends in .pub)")
	}
	n, keys := 0, 0
	for line := range bytes.Lines(b) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		if _, _, _, _, err := ssh.ParseAuthorizedKey(line); err != nil {
			return "", fmt.Errorf("line %d is no public key (hint: one a line, as ssh-keygen writes them into files that end in .pub)", n)
		}
		keys++
	}
	if keys == 0 {
		return "", errors.New("no public key in there")
	}
	return string(b), nil
}

// releaseKeys reads a file of keys that sign releases.
func releaseKeys(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if _, err := release.ParseKeys(bytes.NewReader(b)); err != nil {
		return "", fmt.Errorf("%w (hint: the file that ends in .pub, of the two that 'chordophone release keygen' makes)", err)
	}
	return string(b), nil
}
