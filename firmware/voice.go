package firmware

import (
	"context"
	"log/slog"
	"time"

	"chordophone/firmware/tone"
	"chordophone/hal"
	"chordophone/sip/media"
)

// sounds is what the handset has to do with a call: sip/media's Session.
type sounds interface {
	Capture(pcm []int16) // one frame from the microphone
	Playout(pcm []int16) // one frame for the earpiece
}

// earpiece is the whole of what the handset does now.
type earpiece struct {
	open bool
	tone hal.Tone
	call sounds // nil: no call is heard
	with sounds // a second one, in a conversation of three; nil: none
}

// voice drives the handset's sound. The sound device is the clock: one frame is
// read, exchanged with the call, and written, again and again while the handset
// is off its hook.
type voice struct {
	audio hal.Audio
	tones *tone.Generator
	log   *slog.Logger
	want  chan earpiece // capacity 1, holds the newest

	// Of the goroutine of run.
	mixer media.Mixer
	far   [2][hal.FrameSamples]int16
}

func newVoice(audio hal.Audio, tones *tone.Generator, log *slog.Logger) *voice {
	return &voice{audio: audio, tones: tones, log: log, want: make(chan earpiece, 1)}
}

// set replaces what the handset does. It is called by one goroutine.
func (v *voice) set(e earpiece) {
	select {
	case <-v.want: // not taken yet: overtaken
	default:
	}
	v.want <- e
}

// run serves the handset until ctx is cancelled.
func (v *voice) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-v.want:
			if now.open {
				v.lift(ctx, now)
			}
		}
	}
}

// lift keeps the device open until the handset is put back. A phone whose sound
// does not work still shows, rings and serves the ring.
func (v *voice) lift(ctx context.Context, now earpiece) {
	stream, err := v.audio.Open()
	if err != nil {
		v.log.Error("no sound", "err", err)
		v.mute(ctx, now)
		return
	}
	defer stream.Close()
	var mic, ear, beep [hal.FrameSamples]int16
	v.tones.Play(now.tone)
	for ctx.Err() == nil {
		select {
		case next := <-v.want:
			if next.tone != now.tone {
				v.tones.Play(next.tone)
			}
			if now = next; !now.open {
				return
			}
		default:
		}
		clear(ear[:])
		if now.call != nil {
			if err := stream.Read(mic[:]); err != nil {
				v.log.Error("microphone failed", "err", err)
				v.mute(ctx, now)
				return
			}
			v.exchange(now, mic[:], ear[:])
		}
		if now.tone != hal.Silence {
			v.tones.Next(beep[:])
			mix(ear[:], beep[:])
		}
		if err := stream.Write(ear[:]); err != nil {
			v.log.Error("earpiece failed", "err", err)
			v.mute(ctx, now)
			return
		}
	}
}

// exchange moves one frame between the microphone, the earpiece, which it fills,
// and the calls. Of three each hears the other two.
func (v *voice) exchange(e earpiece, mic, ear []int16) {
	if e.with == nil {
		e.call.Capture(mic)
		e.call.Playout(ear)
		return
	}
	one, other := v.far[0][:], v.far[1][:]
	copy(ear, mic)
	e.call.Playout(one)
	e.with.Playout(other)
	parties := [][]int16{ear, one, other}
	v.mixer.Mix(parties, parties)
	e.call.Capture(one)
	e.with.Capture(other)
}

// mute stands in for a sound device that failed, until the handset is put back:
// the call goes on at the same pace, in silence.
func (v *voice) mute(ctx context.Context, now earpiece) {
	clock := time.NewTicker(hal.Frame)
	defer clock.Stop()
	var silence, discard [hal.FrameSamples]int16
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-v.want:
			if !next.open {
				return
			}
			now = next
		case <-clock.C:
			if now.call != nil {
				v.exchange(now, silence[:], discard[:])
			}
		}
	}
}

// mix adds b to a without wrapping round.
func mix(a, b []int16) {
	for i := range a {
		a[i] = int16(max(-32768, min(32767, int32(a[i])+int32(b[i]))))
	}
}
