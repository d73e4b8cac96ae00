//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chordophone/firmware/demo"
	"chordophone/hal"
	"chordophone/hal/pcm"
	"chordophone/hal/wav"
)

// voice is what one party of a call says, over and over: told from the others' by
// correlation, whatever codec it went through.
type voice struct {
	name   string
	clip   []int16 // once, at hal.Rate
	wav8   string  // a file that repeats it, 8 kHz, for clients
	wav16  string  // the same at 16 kHz, for our phones
	period time.Duration
}

const (
	clipLength = 1600 * time.Millisecond
	spoken     = 110 * time.Second // how long a file goes on
	alike      = 0.80              // what is at least this like the clip is the clip
)

// makeVoices cuts four clips that are nothing like each other out of the speech of
// the demo: two stretches, forwards and backwards.
func makeVoices(dir string) ([]*voice, error) {
	path := filepath.Join(dir, "speech.wav")
	if err := os.WriteFile(path, demo.Speech, 0o644); err != nil {
		return nil, err
	}
	sound, err := wav.ReadFile(path)
	if err != nil {
		return nil, err
	}
	speech := sound.At(hal.Rate)
	n := int(clipLength * hal.Rate / time.Second)
	first := speech[hal.Rate/10:][:n]
	second := speech[len(speech)-n-hal.Rate/4:][:n]
	back := func(x []int16) []int16 {
		x = slices.Clone(x)
		slices.Reverse(x)
		return x
	}
	var voices []*voice
	for name, clip := range map[string][]int16{"ann": first, "ben": back(first), "cat": second, "dan": back(second)} {
		v := &voice{
			name: name, clip: clip, period: clipLength,
			wav8:  filepath.Join(dir, name+"-8k.wav"),
			wav16: filepath.Join(dir, name+"-16k.wav"),
		}
		long := slices.Repeat(clip, int(spoken/clipLength))
		if err := wav.WriteFile(v.wav16, hal.Rate, long); err != nil {
			return nil, err
		}
		if err := wav.WriteFile(v.wav8, 8000, pcm.Resample(long, hal.Rate, 8000)); err != nil {
			return nil, err
		}
		voices = append(voices, v)
	}
	slices.SortFunc(voices, func(a, b *voice) int { return int(a.name[0]) - int(b.name[0]) })
	return voices, nil
}

// listener is a program whose received sound is recorded while a call goes on.
type listener interface {
	// heard is all the sound received so far, at hal.Rate; nothing yet is no error.
	heard() ([]int16, error)
	String() string
}

// hearing is who is to hear whose voice.
type hearing struct {
	at listener
	of *voice
}

// hears ends the trial unless l receives what v says from now on.
func (s *scene) hears(l listener, v *voice) { s.hear(hearing{l, v}) }

// hear ends the trial unless each listener receives its voice from now on.
func (s *scene) hear(all ...hearing) {
	before := make([]int, len(all))
	for i, h := range all {
		sound, _ := h.at.heard()
		before[i] = len(sound)
	}
	deadline := time.Now().Add(soon)
	for i, h := range all {
		need := 2*len(h.of.clip) + hal.Rate/2
		best, got := 0.0, 0
		for best < alike {
			if time.Now().After(deadline) {
				if best == 0 {
					s.failf("%s heard only %v of sound within %v, and should hear %s", h.at, seconds(got), soon, h.of.name)
				}
				s.failf("%s does not hear %s: likeness %.2f", h.at, h.of.name, best)
			}
			time.Sleep(200 * time.Millisecond)
			now, err := h.at.heard()
			if got = len(now) - before[i]; err == nil && got >= need {
				best = max(best, h.of.likeness(now[len(now)-need:]))
			}
		}
		s.likeness(best)
	}
}

// deaf ends the trial if l receives more than a little sound within a second.
func (s *scene) deaf(l listener) {
	time.Sleep(300 * time.Millisecond) // what is on its way may arrive
	before, _ := l.heard()
	time.Sleep(time.Second)
	after, err := l.heard()
	s.must(err)
	fresh := after[min(len(before), len(after)):]
	if len(fresh) > hal.Rate/5 && loudness(fresh) > 50 {
		s.failf("%s still hears something: %v, %v on average", l, seconds(len(fresh)), loudness(fresh))
	}
}

// likeness is how like v's clip the likest part of got is. What is said over and over
// begins anywhere, so it looks at stretches of little more than the clip's length.
func (v *voice) likeness(got []int16) (best float64) {
	step := len(v.clip) / 4
	stretch := len(v.clip) + step + hal.Rate/8
	for from := 0; from == 0 || from+stretch <= len(got)+step; from += step {
		like, _ := demo.Likeness(v.clip, got[from:min(len(got), from+stretch)])
		if best = max(best, like); best >= 0.9 {
			break
		}
	}
	return best
}

func (s *scene) likeness(like float64) {
	if s.worst == 0 || like < s.worst {
		s.worst = like
	}
}

func seconds(samples int) time.Duration {
	return (time.Duration(samples) * time.Second / hal.Rate).Round(10 * time.Millisecond)
}

// loudness is the mean absolute sample.
func loudness(x []int16) int {
	sum := 0
	for _, v := range x {
		sum += max(int(v), -int(v))
	}
	return sum / max(1, len(x))
}

// The four voices are told apart: the control of every trial that listens.
func TestVoices(t *testing.T) {
	for _, said := range voices {
		sound, err := wav.ReadFile(said.wav8)
		if err != nil {
			t.Fatal(err)
		}
		got := sound.At(hal.Rate)[5000:][:2*len(said.clip)+hal.Rate/2]
		for _, v := range voices {
			like := v.likeness(got)
			if (v == said) != (like >= alike) || (v != said) != (like < alike-0.2) {
				t.Errorf("what %s says is like %s: %.2f", said.name, v.name, like)
			}
		}
	}
}
