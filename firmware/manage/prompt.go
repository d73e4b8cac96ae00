package manage

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"
)

// prompt reads lines from a terminal and carries them out, until Ctrl-D. It edits
// lines, has a history, and completes with Tab. raw is the terminal behind s.out.
func prompt(ctx context.Context, s *shell, k *keys, w *window, raw io.Writer) int {
	asking, cancel := context.WithTimeout(ctx, tabTime)
	status, err := s.phone.Status(asking)
	cancel()
	name := "phone"
	if err == nil {
		name = clean(status.Extension + "@" + status.Office)
	}
	// s.out has its line ends for a terminal; the line editor makes its own.
	line := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k, raw}, name+"> ")
	line.AutoCompleteCallback = func(text string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		done, choices := s.complete(ctx, text[:pos])
		if len(choices) > 0 {
			fmt.Fprintln(line, strings.Join(choices, "  "))
		}
		return done + text[pos:], len(done), true
	}
	fmt.Fprintln(s.out, "help lists the commands, Tab completes them, Ctrl-D leaves.")
	for {
		w.attach(line)
		text, err := line.ReadLine()
		w.attach(nil)
		if err != nil {
			if ctx.Err() != nil {
				fmt.Fprintln(s.out, "\nthe phone is going down")
				return exitFailed
			}
			fmt.Fprintln(s.out)
			return exitDone
		}
		switch text = strings.TrimSpace(text); text {
		case "":
		case "exit", "quit", "logout":
			return exitDone
		default:
			k.interruptible(ctx, func(ctx context.Context) int { return s.do(ctx, text) })
		}
	}
}
