package firmware

import (
	"io"
	"log/slog"
	"sync"

	"chordophone/firmware/config"
)

// logTarget is where the log goes: a terminal phone takes it over, so that it
// does not garble the picture.
type logTarget struct {
	mu sync.Mutex
	w  io.Writer
}

func (t *logTarget) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(b)
}

func (t *logTarget) set(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w = w
}

// openLog makes the program's logger.
func openLog(cfg config.Run, w io.Writer) (*logTarget, *slog.Logger) {
	target := &logTarget{w: w}
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return target, slog.New(slog.NewJSONHandler(target, options))
	}
	return target, slog.New(slog.NewTextHandler(target, options))
}
