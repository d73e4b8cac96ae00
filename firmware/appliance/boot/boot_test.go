package boot

import (
	"os"
	"path/filepath"
	"testing"
)

// The firmware's word in the device tree counts before the command line's.
func TestRead(t *testing.T) {
	for _, tc := range []struct {
		name, line         string
		partition, tryboot []byte
		want               State
	}{
		{"nothing", "", nil, nil, State{}},
		{"an emulator", "console=ttyAMA0 quiet chordophone.partition=3 chordophone.trial=1 chordophone.nowatchdog\n", nil, nil,
			State{Partition: 3, Trial: true, NoWatchdog: true, Quiet: true}},
		{"a board", "console=tty1", []byte{0, 0, 0, 2}, []byte{0, 0, 0, 0}, State{Partition: 2}},
		{"a board on trial", "chordophone.partition=2 chordophone.trial=0", []byte{0, 0, 0, 3}, []byte{0, 0, 0, 1}, State{Partition: 3, Trial: true}},
		{"nonsense", "chordophone.partition=x chordophone.trial=yes", []byte{3}, []byte{}, State{}},
	} {
		proc := t.TempDir()
		write := func(path string, content []byte) {
			path = filepath.Join(proc, path)
			os.MkdirAll(filepath.Dir(path), 0o755)
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write("cmdline", []byte(tc.line))
		if tc.partition != nil {
			write("device-tree/chosen/bootloader/partition", tc.partition)
			write("device-tree/chosen/bootloader/tryboot", tc.tryboot)
		}
		if got := Read(proc); got != tc.want {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}
