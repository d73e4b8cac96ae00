package measure

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	times := Times{From: "a", To: "b"}
	if got := times.String(); !strings.Contains(got, "never") {
		t.Error(got)
	}
	for _, n := range []int{40, 10, 30, 20} {
		times.Add(time.Duration(n) * time.Millisecond)
	}
	if got := times.String(); !strings.Contains(got, "median    25.0 ms, longest    40.0 ms of 4") {
		t.Error(got)
	}
}

// A process that works costs time, one that waits wakes.
func TestEffort(t *testing.T) {
	before, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var after Effort
	for after.CPU < before.CPU+50*time.Millisecond || after.Wakes == before.Wakes {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("%+v after %v, before %+v", after, time.Since(begin), before)
		}
		if after.CPU > before.CPU {
			time.Sleep(time.Millisecond)
		}
		if after, err = Of(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if r := (Effort{30, 3 * time.Second}).Since(Effort{10, time.Second}, 10*time.Second); r != (Rate{2, 20}) {
		t.Error(r)
	}
	if _, err := Of(1 << 30); err == nil {
		t.Error("a process that is not there")
	}
}

func TestFirstOfKey(t *testing.T) {
	ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 11, 127, 0, 0, 12}
	packet := slices.Concat(ip, make([]byte, 8), []byte{0x80, 0x80 | 101}, make([]byte, 10+4))
	if from, ok := FirstOfKey(packet); !ok || from != [4]byte{127, 0, 0, 11} {
		t.Error(from, ok)
	}
	for about, change := range map[string]struct {
		at int
		to byte
	}{
		"no marker": {29, 101}, "sound": {29, 0x80 | 9}, "STUN": {28, 0}, "TCP": {9, 6}, "IPv6": {0, 0x65}, "options": {0, 0x4f},
	} {
		other := slices.Clone(packet)
		other[change.at] = change.to
		if _, ok := FirstOfKey(other); ok {
			t.Error(about)
		}
	}
	for n := range 20 + 8 + 12 {
		if _, ok := FirstOfKey(packet[:n]); ok {
			t.Errorf("%d octets", n)
		}
	}
}
