// Replay gives what a phone has recorded to the state machines of this program
// and says whether they still do the same:
//
//	ssh -p 2222 admin@192.0.2.7 dump > fault.txt
//	go run ./tools/replay fault.txt
//
// It reads dumps of the ring and of the telephone, one after the other in one
// file as the console prints them, and stories like those in
// firmware/phone/testdata. On its output stands the story with the actions that
// come of it now, so that a dump becomes a test:
//
//	go run ./tools/replay fault.txt > firmware/phone/testdata/fault.txt
//
// The telephone is played from wherever its recording begins: its state stands
// there. A node of the ring is not, because too much of its state are requests
// under way; its recording must go back to its start.
//
// Exit status: 0 the same, 1 something differs, 2 bad usage, or nothing that can
// be replayed.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"chordophone/overlay/chord"
)

const (
	same       = 0
	differs    = 1
	unreadable = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, out, errs io.Writer) int {
	if len(args) != 1 || args[0] != "-" && strings.HasPrefix(args[0], "-") {
		fmt.Fprintln(errs, "usage: replay FILE|-\nplays a dump of a phone, or a story, and says whether the same comes of it; - is the standard input")
		return unreadable
	}
	in := stdin
	if args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			fmt.Fprintln(errs, "replay:", err)
			return unreadable
		}
		defer f.Close()
		in = f
	}
	text, err := readAll(in)
	if err != nil {
		fmt.Fprintln(errs, "replay:", err)
		return unreadable
	}
	code := same
	for _, s := range sections(text) {
		code = max(code, s.replay(out, errs))
	}
	return code
}

// maxText bounds what is read; a dump has a few megabytes.
const maxText = 256 << 20

func readAll(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err == nil && len(text) > maxText {
		err = fmt.Errorf("more than %d MB: that is no dump", maxText>>20)
	}
	return text, err
}

// section is one recording in a file.
type section struct {
	line int // of its first line in the file, from 1
	text []byte
}

// sections takes a file apart: each recording begins with its mark at the margin.
// A story has none and is a file of its own.
func sections(text []byte) (list []section) {
	start := func(line []byte) bool {
		return bytes.HasPrefix(line, []byte(chord.RecordingMark)) || bytes.HasPrefix(line, []byte(telephoneMark))
	}
	n := 0
	for line := range bytes.Lines(text) {
		if n++; list == nil || start(line) {
			list = append(list, section{line: n})
		}
		last := &list[len(list)-1]
		last.text = append(last.text, line...)
	}
	if list == nil {
		list = []section{{line: 1}}
	}
	return list
}

// errUnreadable is every error that is not a difference.
var errUnreadable = errors.New("cannot be replayed")

// difference is the first place where the machine does something else.
type difference struct {
	event          string
	number         int // of the event, from 1
	recorded, here string
}

// replay plays one section and tells what became of it.
func (s section) replay(out, errs io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(errs, "replay: the recording in line %d makes the state machine panic: %v\n%s", s.line, p, debug.Stack())
			code = differs
		}
	}()
	play := s.playPhone
	if bytes.HasPrefix(s.text, []byte(chord.RecordingMark)) {
		play = s.playNode
	}
	who, events, diff, err := play(out)
	switch {
	case err != nil:
		fmt.Fprintln(errs, "replay:", err)
		return unreadable
	case diff != nil:
		recorded, here := excerpts(diff.recorded, diff.here)
		fmt.Fprintf(errs, "%s: event %d of %d differs: %s\n  recorded: %s\n  now:      %s\n",
			who, diff.number, events, excerpt(diff.event, 0), recorded, here)
		return differs
	}
	fmt.Fprintf(errs, "%s: the same comes of all %d events\n", who, events)
	return same
}

// firstDifference compares what came of one event.
func firstDifference(recorded, here []string) (a, b string, found bool) {
	for i := range max(len(recorded), len(here)) {
		a, b = "(nothing)", "(nothing)"
		if i < len(recorded) {
			a = recorded[i]
		}
		if i < len(here) {
			b = here[i]
		}
		if a != b {
			return a, b, true
		}
	}
	return "", "", false
}

// excerpts shows two long lines where they begin to differ.
func excerpts(a, b string) (string, string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return excerpt(a, i), excerpt(b, i)
}

// excerpt is the part of a line round an offset.
func excerpt(s string, at int) string {
	const before, after = 80, 120
	from, to := max(0, at-before), min(len(s), at+after)
	out := strings.ToValidUTF8(s[from:to], "")
	if from > 0 {
		out = "..." + out
	}
	if to < len(s) {
		out += "..."
	}
	return out
}
