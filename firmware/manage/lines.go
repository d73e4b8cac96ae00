package manage

import (
	"bytes"
	"encoding/json"
	"io"
)

// lines returns where to write lines: with --json each becomes an object, unless
// it is one; else they are cleaned.
func (s *shell) lines(o *options, w io.Writer) io.Writer {
	if o.json {
		return &jsonLines{w: w}
	}
	return cleanLines{w}
}

// cleanLines is clean for what is written whole lines at a time.
type cleanLines struct{ w io.Writer }

func (c cleanLines) Write(p []byte) (int, error) {
	text := bytes.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unprintable(r) {
			return '?'
		}
		return r
	}, p)
	if _, err := c.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// jsonLines makes JSON of lines.
type jsonLines struct {
	w    io.Writer
	rest []byte
}

// maxLogLine is the most of a line that is kept together.
const maxLogLine = 64 << 10

func (j *jsonLines) Write(p []byte) (int, error) {
	j.rest = append(j.rest, p...)
	for {
		line, rest, ok := bytes.Cut(j.rest, []byte("\n"))
		if !ok && len(line) < maxLogLine {
			return len(p), nil
		}
		if err := writeLine(j.w, line); err != nil {
			return 0, err
		}
		j.rest = rest
	}
}

func writeLine(w io.Writer, line []byte) error {
	if len(line) > 0 && line[0] == '{' && json.Valid(line) {
		return writeJSON(w, json.RawMessage(line))
	}
	return writeJSON(w, struct {
		Line string `json:"line"`
	}{string(line)})
}
