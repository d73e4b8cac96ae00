package audio

import (
	"bufio"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"chordophone/hal"
	"chordophone/tools/bench/report"
)

// voice is something like speech: no two pieces of it are alike.
func voice(d time.Duration) []int16 {
	rng := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, samples(d))
	a, b := 0.0, 0.0
	for i := range pcm {
		a, b = 1.9*a-0.95*b+rng.NormFloat64()*300, a
		pcm[i] = int16(max(-20000, min(20000, a*math.Sqrt(max(0, math.Sin(2*math.Pi*float64(i)/hal.Rate))))))
	}
	return pcm
}

// later is sound that comes after so much silence.
func later(pcm []int16, d time.Duration) []int16 { return append(make([]int16, samples(d)), pcm...) }

func TestLocate(t *testing.T) {
	said := voice(4 * time.Second)
	for _, want := range []time.Duration{0, 47 * time.Millisecond, 412500 * time.Microsecond} {
		heard := later(said, want)
		pieces := locate(said, heard, longest)
		d, some := delay(pieces, 0, 4*time.Second)
		if diff := d - want; !some || diff.Abs() > 100*time.Microsecond || len(pieces) < 4 {
			t.Errorf("%v late: found %v in %d pieces", want, d, len(pieces))
		}
		if clear, silent := judge(said, heard, pieces, 3*time.Second); clear < 0.99 || silent != 0 {
			t.Errorf("%v late: ESTOI %.3f, silent %.1f %%", want, clear, silent)
		}
	}
	// The delay grows in the middle.
	heard := append(later(said[:samples(2*time.Second)], 50*time.Millisecond), later(said[samples(2*time.Second):], 70*time.Millisecond)...)
	pieces := locate(said, heard, longest)
	before, _ := delay(pieces, 0, 1500*time.Millisecond)
	after, _ := delay(pieces, 2500*time.Millisecond, 4*time.Second)
	if before.Round(time.Millisecond) != 50*time.Millisecond || after.Round(time.Millisecond) != 120*time.Millisecond {
		t.Errorf("%v, then %v", before, after)
	}
	// A tenth is missing.
	holes := later(said, 40*time.Millisecond)
	for at := 0; at+grain <= len(holes); at += 10 * grain {
		clear := holes[at : at+grain]
		for i := range clear {
			clear[i] = 0
		}
	}
	clear, silent := judge(said, holes, locate(said, holes, longest), 3*time.Second)
	if clear > 0.99 || silent < 1 || silent > 8 {
		t.Errorf("with holes: ESTOI %.3f, silent %.1f %%", clear, silent)
	}
	if pieces := locate(said, make([]int16, len(said)), longest); len(pieces) != 0 {
		t.Errorf("found in silence: %v", pieces)
	}
}

// The phase of speech that is said over and over is found wherever its hearer begins.
func TestPhase(t *testing.T) {
	period := voice(4 * time.Second)
	for _, at := range []int{0, 1234, len(period) - 4000} {
		heard := make([]int16, samples(6*time.Second))
		for i := range heard {
			heard[i] = period[(at+i)%len(period)]
		}
		got := phase(period, heard)
		if diff := (got - at + len(period)) % len(period); diff > 4 && diff < len(period)-4 {
			t.Errorf("phase %d, want %d", got, at)
		}
	}
}

// A card that has run dry is late from then on, and holds no more than it has room for.
func TestCard(t *testing.T) {
	start := time.Now()
	c := card{start: start}
	frame := make([]int16, grain)
	for i := range frame {
		frame[i] = 1000
	}
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, ms := range []int{0, 20, 40, 70, 80, 100} { // the fourth is 10 ms late
		c.play(at(ms), frame)
	}
	if len(c.heard) != samples(130*time.Millisecond) || c.heard[samples(65*time.Millisecond)] != 0 || c.heard[samples(75*time.Millisecond)] != 1000 {
		t.Errorf("%v of sound", samplesTime(len(c.heard)))
	}
	for range 10 {
		c.play(at(120), frame)
	}
	if got := samplesTime(len(c.heard)) - 120*time.Millisecond; got > cardRoom {
		t.Errorf("%v wait", got)
	}
	off := card{}
	if off.play(start, frame); off.heard != nil {
		t.Error("recorded while off")
	}
}

func TestNetstring(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("5:hello,0:,3:x"))
	for _, want := range []string{"hello", ""} {
		if b, err := readNetstring(r); err != nil || string(b) != want {
			t.Errorf("%q, %v; want %q", b, err, want)
		}
	}
	for _, bad := range []string{"3:x", "x:", "-1:,", "9999999:", ""} {
		if b, err := readNetstring(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("%q read as %q", bad, b)
		}
	}
}

// Bars are made of the limits and of the peer's figures of this run.
func TestRows(t *testing.T) {
	one := func(link, from, to string, late, clear, mos, back float64) stream {
		return stream{Link: link, From: from, To: to, Delay: late, Clear: clear, MOS: mos, Back: back, Concealed: -1}
	}
	streams := []stream{
		one("clean", ours, ours, 50, 0.99, 4.41, 0), one("clean", baresipName, baresipName, 120, 0.98, 4.41, 0),
		one("loss5", ours, ours, 101, 0.97, 4.3, 0), one("loss5", baresipName, baresipName, 160, 0.98, 3.9, 0),
		one("loss5", ours, ours, 90, 0.9, 4.3, 61), one("loss5", baresipName, baresipName, 160, 0.9, 3.9, 160),
		one("jit50", linphoneName, ours, -1, 0.9, 4, 0),
	}
	want := map[string]string{
		"clean.delay": report.Pass, "clean.estoi": report.Pass, "clean.mos": report.Pass,
		"loss5.delay": report.Miss, "loss5.estoi": report.Miss, "loss5.mos": report.Pass, "loss5.back": report.Miss,
		"cpu": "", "jit50.linphone-ours.estoi": "", "jit50.linphone-ours.mos": "",
	}
	rows := rowsOf(streams, map[string][]float64{ours: {3}}, true)
	for _, r := range rows {
		verdict, some := want[r.ID]
		if r.ID == "clean.silent" || r.ID == "loss5.silent" {
			continue
		}
		if !some || verdict != r.Verdict {
			t.Errorf("%s: %q, want %q", r.ID, r.Verdict, verdict)
		}
		delete(want, r.ID)
	}
	for id := range want {
		t.Errorf("no row %s", id)
	}
}
