package pins

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"time"

	"chordophone/hal"
	"chordophone/tools/story"
)

// TestStories plays the stories in testdata. The first line says what is shown. A
// line of a story is a time and what is done:
//
//	close KEY, open KEY  a switch moves
//	bounce KEY           it moves to and fro, 8 times in 4 ms, and then is where it was not
//	dial N               the dial makes N pulses of 60 ms, 40 ms apart
//	count                how often the program woke and looked at the lines since the last count
//
// What the telephone is told stands below, with the time.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 10, tell)
}

func tell(t *testing.T, story string) string {
	var out strings.Builder
	text := telephone
	var b *bench
	s := bufio.NewScanner(strings.NewReader(story))
	for n := 0; s.Scan(); n++ {
		line := s.Text()
		switch {
		case strings.HasPrefix(line, "\t"):
			continue
		case n == 0 || line == "":
			fmt.Fprintln(&out, line)
			continue
		}
		words := strings.Fields(line)
		if words[0] == "board" {
			text = without(words[1]) + strings.Join(words[2:], " ") + "\n"
			fmt.Fprintln(&out, line)
			continue
		}
		if b == nil {
			b = newBench(t, text, func(hal.Event) {})
			b.emitted = func(ev hal.Event) { fmt.Fprintf(&out, "\t%s %s\n", b.since(), named(ev)) }
		}
		at, err := time.ParseDuration(words[0])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		b.until(begin.Add(at))
		fmt.Fprintln(&out, line)
		do(t, b, words[1:], &out)
	}
	return out.String()
}

func do(t *testing.T, b *bench, words []string, out *strings.Builder) {
	key := hal.Key(0)
	if len(words) > 1 {
		key = hal.Key(words[1][0])
	}
	switch words[0] {
	case "close", "open":
		b.press(key, words[0] == "close")
	case "bounce":
		was := b.contacts&1 == 1
		if p, ok := b.place(key); ok {
			was = b.closed[p]
		}
		for i := range 8 {
			b.press(key, was == (i%2 == 1))
			b.until(b.now.Add(500 * time.Microsecond))
		}
		b.press(key, !was)
	case "dial":
		n := 0
		if _, err := fmt.Sscan(words[1], &n); err != nil {
			t.Fatal(err)
		}
		for range n {
			b.press('p', true)
			b.until(b.now.Add(60 * time.Millisecond))
			b.press('p', false)
			b.until(b.now.Add(40 * time.Millisecond))
		}
	case "count":
		fmt.Fprintf(out, "\t%d wake-ups, %d probes\n", b.wakes, b.probes)
		b.wakes, b.probes = 0, 0
	default:
		t.Fatalf("no such word: %s", words[0])
	}
}
