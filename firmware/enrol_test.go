package firmware

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"unicode/utf8"

	"chordophone/firmware/phone"
	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// What somebody is told who dials *73*103#.
func TestOpenFor(t *testing.T) {
	id, err := identity.Found("acme", 101)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	for _, tt := range []struct {
		ext    string
		holder error
		want   string // "" for a code
	}{
		{"103", nil, ""},
		{"0103", nil, ""},
		{"103", identity.ErrAlive, "103 is alive"},
		{"101", errOwnNumber, "your own number"},
		{"200", errAccount, "200 is an account"},
		{"0", nil, "0 is no number"},
		{"1000000", nil, "1000000 is no number"},
		{"99999999999999999999", nil, "99999999999999999999 is no number"},
		{"103", errors.New("no ring"), "see the log"},
	} {
		asked := 0
		d := doorkeeper{
			enroller: identity.NewEnroller(id, nil, log), log: log,
			holder: func(ext int) (overlay.ID, error) { asked = ext; return overlay.ID{3}, tt.holder },
		}
		ev := openFor(d, tt.ext, log)
		unable, _ := ev.(phone.Unable)
		code, _ := ev.(phone.Enrolling)
		if unable.Text != tt.want || (len(code.Code) == 6) != (tt.want == "") || d.isOpen() != (tt.want == "") {
			t.Errorf("%s, %v: %v, want %q", tt.ext, tt.holder, ev, tt.want)
		}
		if tt.want == "" && asked != 103 {
			t.Errorf("%s: who has %d?", tt.ext, asked)
		}
	}
}

// What a new telephone shows of an error has room on its display.
func TestInShort(t *testing.T) {
	seen := make(map[string]error)
	for _, err := range []error{
		identity.ErrWrongCode, identity.ErrEnrolmentClosed, identity.ErrAlive, identity.ErrTaken, identity.ErrReserved,
		identity.ErrUnreachable, errNoOffice, errors.New("something else"),
	} {
		text := inShort(fmt.Errorf("there: %w", err))
		if n := utf8.RuneCountInString(text); n == 0 || n > phone.Columns {
			t.Errorf("%v: %q has %d columns", err, text, n)
		}
		if was, ok := seen[text]; ok {
			t.Errorf("%q says %v as well as %v", text, was, err)
		}
		seen[text] = err
	}
	if n := utf8.RuneCountInString(shutOut); n > phone.Columns {
		t.Errorf("%q has %d columns", shutOut, n)
	}
}
