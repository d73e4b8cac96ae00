//go:build interop

package interop

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// table collects what came out of the trials.
type table struct {
	mu   sync.Mutex
	rows []row
}

type row struct{ part, what, over, with, result, remarks string }

// add notes a trial and, if it failed and could be tried with kamailio, that control.
func (t *table) add(tr trial, s, control *scene) {
	r := row{tr.part, tr.what, tr.over, s.name(), "ok", s.found}
	if s.worst > 0 {
		r.remarks = strings.TrimPrefix(fmt.Sprintf("%s; heard: likeness %.2f", r.remarks, s.worst), "; ")
	}
	if s.err != nil {
		r.result = "FAILED"
		r.remarks, _, _ = strings.Cut(s.err.Error(), "\n")
	}
	switch {
	case control == nil:
	case control.err == nil:
		r.remarks += " (works with kamailio)"
	default:
		r.remarks += " (fails with kamailio too)"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

// String is the table in the order of parts and names.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.rows, func(a, b row) int {
		return strings.Compare(a.part+"\x00"+a.what+"\x00"+a.over, b.part+"\x00"+b.what+"\x00"+b.over)
	})
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "part\twho and what\tover\twith\tresult\tremarks")
	ok := 0
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.part, r.what, r.over, r.with, r.result, r.remarks)
		if r.result == "ok" {
			ok++
		}
	}
	w.Flush()
	fmt.Fprintf(&out, "%d of %d trials ok\n", ok, len(t.rows))
	return out.String()
}

// write prints the table and keeps it in a file.
func (t *table) write(path string, took time.Duration) error {
	text := fmt.Sprintf("%s%v\n", t, took.Round(time.Second))
	fmt.Print(text)
	return os.WriteFile(path, []byte(text), 0o644)
}
