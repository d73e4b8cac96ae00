package manage

import (
	"bytes"
	"strings"
	"testing"
)

// What the console says of releases, from one that is given to one that is told not to wait
// for its hour.
func TestUpdate(t *testing.T) {
	machine := new(fakeAppliance)
	for _, tc := range []struct {
		line, in string
		status   int
		out, err []string
	}{
		{"update status", "", 0, []string{"running  1.2.3", "slot     A"}, nil},
		{"update now", "", exitFailed, nil, []string{"no release is ready (hint: give one)"}},
		{"update later", "", exitUsage, nil, []string{`"later" is too much`}},
		{"update", "rubbish", exitFailed, nil, []string{"not a release"}},
		{"update", "release 1.3.0", 0, []string{"the release is installed"}, []string{"write: ", "read back: "}},
		{"update status", "", 0, []string{"office   1.3.0: waiting", "starts   2026-11-23 02:00 UTC at the earliest; at once: update now"}, nil},
		{"update status --json", "", 0, []string{`"earliest":"2026-11-23T02:00:00Z"`}, nil},
		{"update now", "", 0, []string{"as soon as nobody calls"}, nil},
	} {
		var out, errOut bytes.Buffer
		s := &shell{phone: new(fakePhone), device: machine, role: admin, log: discard, in: strings.NewReader(tc.in), out: &out, err: &errOut}
		if status := s.do(t.Context(), tc.line); status != tc.status {
			t.Errorf("%s: exit code %d, want %d: %s", tc.line, status, tc.status, &errOut)
		}
		for _, want := range tc.out {
			if !strings.Contains(strings.ReplaceAll(out.String(), `": "`, `":"`), want) {
				t.Errorf("%s: no %q in %q", tc.line, want, out.String())
			}
		}
		for _, want := range tc.err {
			if !strings.Contains(errOut.String(), want) {
				t.Errorf("%s: no %q in %q", tc.line, want, errOut.String())
			}
		}
	}
	if machine.left != 1 {
		t.Errorf("told to leave %d times", machine.left)
	}
}
