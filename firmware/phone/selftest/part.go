package selftest

import (
	"strings"

	"chordophone/board"
	"chordophone/hal"
)

// Kind is what sort of thing a part is.
type Kind string

// The kinds in the order of the test.
const (
	Display Kind = "display"
	Lamp    Kind = "lamp"
	Ringer  Kind = "ringer"
	Sound   Kind = "sound"
	Hook    Kind = "hook"
	Key     Kind = "key"
)

var kinds = [...]Kind{Display, Lamp, Ringer, Sound, Hook, Key}

// Part is one part of a telephone.
type Part struct {
	Kind    Kind   `json:"part"`
	Name    string `json:"name"`              // of a lamp or key: "message", "5"
	Word    string `json:"word"`              // of the board file
	Problem string `json:"problem,omitempty"` // known without asking anybody
}

// Result is what came of a part.
type Result struct {
	Part
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

// Of are the parts of a board, with what it has noticed by itself.
func Of(b *board.Board, findings []hal.Finding) []Part {
	var all []Part
	add := func(kind Kind, name, word string) {
		p := Part{Kind: kind, Name: name, Word: word}
		for _, f := range findings {
			if f.Word == word || f.Word == "chip" && kind != Display && kind != Sound || kind == Display && strings.HasPrefix(f.Word, "display ") ||
				kind == Sound && strings.HasPrefix(f.Word, "audio ") || kind == Key && f.Word != "" && strings.HasPrefix(word, f.Word+" ") {
				p.Problem = f.Problem
			}
		}
		all = append(all, p)
	}
	if b.Virtual {
		add(Sound, "", "--mic --ear")
		add(Hook, "", "")
		for _, k := range hal.Digits {
			add(Key, string(k), "")
		}
		return all
	}
	if b.Display != nil {
		add(Display, "", "display driver="+b.Display.Driver)
	}
	for _, l := range b.Lamps {
		add(Lamp, hal.LampName(l.Index), b.LampWord(l.Index))
	}
	switch {
	case b.Ringer != nil:
		add(Ringer, "", b.Word(b.Ringer.Line))
	case b.RingerDevice != "":
		add(Ringer, "", "ringer device="+b.RingerDevice)
	}
	if b.Audio != nil {
		add(Sound, "", "audio capture="+b.Audio.Capture+" playback="+b.Audio.Playback)
	}
	add(Hook, "", b.Word(b.Hook.Line))
	if b.Dial != nil {
		add(Key, "dial", b.Word(b.Dial.Line))
	}
	for _, k := range b.AllKeys() {
		add(Key, string(rune(k)), b.KeyWord(k))
	}
	return all
}

// Check is what can be said of parts without a person: those with a problem fail.
func Check(parts []Part) []Result {
	var all []Result
	for _, p := range parts {
		r := Result{Part: p, OK: p.Problem == "", Says: p.Problem}
		if r.OK {
			r.Says = "nothing wrong noticed"
		}
		all = append(all, r)
	}
	return all
}
