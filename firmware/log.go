package firmware

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"

	"chordophone/firmware/config"
)

// logLines is how many lines are kept in memory for the console.
const logLines = 1000

// logBook is where the log goes: to standard error or to the terminal phone that
// took it over, and for a while into memory.
type logBook struct {
	mu        sync.Mutex // guards what follows
	w         io.Writer
	lines     [][]byte // oldest first
	followers []chan []byte
}

// Write takes one line.
func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := bytes.Clone(line)
	if len(b.lines) == logLines {
		b.lines = slices.Delete(b.lines, 0, logLines/4)
	}
	b.lines = append(b.lines, kept)
	for _, f := range b.followers {
		select {
		case f <- kept:
		default: // it is slow
		}
	}
	return b.w.Write(line)
}

// redirect sends the log to w from now on.
func (b *logBook) redirect(w io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.w = w
}

// print writes the lines in memory and, to follow, new ones until ctx is done.
func (b *logBook) print(ctx context.Context, w io.Writer, follow bool) error {
	b.mu.Lock()
	lines := slices.Clone(b.lines)
	var next chan []byte
	if follow {
		next = make(chan []byte, 256)
		b.followers = append(b.followers, next)
	}
	b.mu.Unlock()
	defer b.unfollow(next)
	for _, l := range lines {
		if _, err := w.Write(l); err != nil {
			return err
		}
	}
	for follow {
		select {
		case <-ctx.Done():
			return nil
		case l := <-next:
			if _, err := w.Write(l); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *logBook) unfollow(c chan []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followers = slices.DeleteFunc(b.followers, func(f chan []byte) bool { return f == c })
}

// openLog makes the program's logger.
func openLog(cfg config.Run, w io.Writer) (*logBook, *slog.Logger) {
	book := &logBook{w: w}
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return book, slog.New(slog.NewJSONHandler(book, options))
	}
	return book, slog.New(slog.NewTextHandler(book, options))
}
