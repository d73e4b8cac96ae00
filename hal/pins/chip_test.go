package pins

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Whoever closes descriptor 0 within keepStdin has not closed standard input.
func TestKeepStdin(t *testing.T) {
	var before, after unix.Stat_t
	if err := unix.Fstat(0, &before); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	err := keepStdin(func() error {
		unix.Close(0)
		return failed
	})
	if !errors.Is(err, failed) {
		t.Error(err)
	}
	if err := unix.Fstat(0, &after); err != nil || after.Ino != before.Ino || after.Dev != before.Dev {
		t.Errorf("%v: standard input is another file", err)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if err := keepStdin(func() error { return nil }); err != nil {
		t.Error(err)
	}
	if now, _ := os.ReadDir("/proc/self/fd"); len(now) != len(files) {
		t.Errorf("%d descriptors, %d before", len(now), len(files))
	}
}
