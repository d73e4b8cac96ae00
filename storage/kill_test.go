package storage

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"chordophone/overlay"
)

// writerEnv tells this test binary to be the process that is killed.
const writerEnv = "CHORDOPHONE_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		writer(path)
		return
	}
	os.Exit(m.Run())
}

// writer saves records until it is killed and says so after each.
func writer(path string) {
	fmt.Println("start")
	db, err := Open(path, quiet)
	if err != nil {
		panic(err)
	}
	epoch, err := db.Epoch()
	if err != nil {
		panic(err)
	}
	fmt.Println("epoch", epoch)
	for i := 0; ; i++ {
		if err := db.Apply([]overlay.Record{record(i, 500)}, nil); err != nil {
			panic(err)
		}
		fmt.Println("saved", i)
	}
}

// A process that is killed at any moment, the first one among them, leaves a file
// with all that it had said was saved.
func TestKill(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(t.TempDir(), File)
	acked, epoch := -1, uint32(0)
	for round := range 10 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerEnv+"="+path)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed at a moment counted from "start": in the first rounds while the file
		// is made, later while records are saved.
		lines := bufio.NewScanner(out)
		lines.Scan()
		delay := time.Duration(rng.IntN(1+round*5)) * time.Millisecond
		kill := time.AfterFunc(delay, func() { cmd.Process.Kill() })
		for lines.Scan() {
			var n int
			if k, _ := fmt.Sscanf(lines.Text(), "saved %d", &n); k == 1 {
				acked = max(acked, n)
			}
			if k, _ := fmt.Sscanf(lines.Text(), "epoch %d", &n); k == 1 {
				if uint32(n) <= epoch {
					t.Fatalf("epoch %d again", n)
				}
				epoch = uint32(n)
			}
		}
		cmd.Wait()
		kill.Stop()
		if errs.Len() > 0 {
			t.Fatalf("round %d: %s", round, errs.String())
		}

		db, err := Open(path, quiet)
		if err != nil || db.Recovered != "" {
			t.Fatalf("round %d: %v, recovered %q", round, err, db.Recovered)
		}
		have := map[overlay.Slot]bool{}
		if err := db.Load(func(r overlay.Record) error { have[r.Slot()] = true; return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range acked + 1 {
			if !have[record(i, 0).Slot()] {
				t.Fatalf("round %d: record %d was saved and is gone", round, i)
			}
		}
		if err := db.Check(); err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	t.Logf("%d records saved, epoch %d", acked+1, epoch)
}

// What a creation that was cut short leaves behind is in nobody's way.
func TestUnfinishedCreation(t *testing.T) {
	for _, left := range []string{"", "half a page", string(make([]byte, 9000))} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, File+".new"), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		db := open(t, dir)
		if err := db.Check(); err != nil || db.Recovered != "" {
			t.Error(err, db.Recovered)
		}
		if names, _ := os.ReadDir(dir); len(names) != 1 {
			t.Errorf("%d files are left", len(names))
		}
	}
}
