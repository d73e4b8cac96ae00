package haltest

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
)

var (
	_ hal.Panel = (*Panel)(nil)
	_ hal.Audio = (*Audio)(nil)
)

func TestPanel(t *testing.T) {
	p := NewPanel()
	p.Lift()
	p.Press("1#")
	p.Replace()
	p.Close()
	p.Lift() // of a panel that is gone
	var got []hal.Event
	for ev := range p.Events() {
		got = append(got, ev)
	}
	want := []hal.Event{{Key: hal.Hook}, {Key: '1', Down: true}, {Key: '1'}, {Key: '#', Down: true}, {Key: '#'}, {Key: hal.Hook, Down: true}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	p.Show(hal.Picture{hal.On})
	p.Tell(hal.Sounding{Tone: hal.Busy})
	if p.Picture() != (hal.Picture{hal.On}) || !slices.Equal(p.Take(), []hal.Notice{hal.Sounding{Tone: hal.Busy}}) || p.Take() != nil {
		t.Error("what was shown and told is not what is reported")
	}
}

func TestAudio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAudio()
		a.Say([]int16{1, 2, 3})
		s, err := a.Open()
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		frame := make([]int16, hal.FrameSamples)
		for range 50 {
			if err := errors.Join(s.Read(frame), s.Write(frame)); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 49*hal.Frame {
			t.Errorf("50 frames took %v", d)
		}
		ear := a.Heard()
		if len(ear) != 50*hal.FrameSamples || !slices.Equal(ear[:4], []int16{1, 2, 3, 0}) {
			t.Errorf("%d samples: %v", len(ear), ear[:4])
		}
		broken := errors.New("the cable is cut")
		a.Fail(broken)
		if err := s.Write(frame); err != broken {
			t.Error(err)
		}
		if _, err := a.Open(); err != broken {
			t.Error(err)
		}
		a.Fail(nil)
		s.Close()
		s.Close()
		if err := s.Read(frame); err != ErrClosed {
			t.Error(err)
		}
		if ever, now := a.Opens(); ever != 1 || now != 0 {
			t.Errorf("opened %d times, open %d", ever, now)
		}
	})
}
