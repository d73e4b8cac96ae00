package alsa

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The signal by which Go preempts a goroutine ends no call.
func TestSignals(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	me, stop := unix.Gettid(), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				unix.Tgkill(os.Getpid(), me, unix.SIGURG)
			}
		}
	})
	begin := time.Now()
	ready, err := linux{}.poll(int(r.Fd()), Capture, 50*time.Millisecond)
	if d := time.Since(begin); ready || err != nil || d < 50*time.Millisecond {
		t.Errorf("after %v: %v, %v", d, ready, err)
	}
	w.Write([]byte("x"))
	if ready, err := (linux{}).poll(int(r.Fd()), Capture, time.Minute); !ready || err != nil {
		t.Errorf("%v, %v", ready, err)
	}
	close(stop)
	wg.Wait()
	var n int32
	if err := (linux{}).ioctl(int(r.Fd()), unix.TIOCINQ, unsafe.Pointer(&n)); err != nil || n != 1 {
		t.Errorf("%d octets wait, %v", n, err)
	}
}

func policy(t *testing.T) uint32 {
	t.Helper()
	a, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a.Policy
}

// The thread of sound is urgent while it plays and ordinary afterwards; where that is
// not allowed nothing happens.
func TestHurry(t *testing.T) {
	calm, err := Hurry()
	if got := policy(t); (err == nil) != (got == unix.SCHED_RR) {
		t.Errorf("policy %d, %v", got, err)
	}
	if err != nil {
		t.Log(err)
	}
	runtime.LockOSThread() // to look at the same thread
	defer runtime.UnlockOSThread()
	calm()
	if got := policy(t); got != unix.SCHED_NORMAL {
		t.Errorf("policy %d afterwards", got)
	}
	calls := 0
	calm, err = hurry(func(int, *unix.SchedAttr, uint) error { calls++; return unix.EPERM })
	calm()
	if !errors.Is(err, unix.EPERM) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
