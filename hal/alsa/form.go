package alsa

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"chordophone/hal"
)

// form is what a card granted.
type form struct {
	rate, channels int
	period, buffer int     // frames of the card
	boundary       uintptr // where its counters begin anew
}

// negotiate finds the best form that the card has.
func (p *Port) negotiate(fd int) (form, error) {
	err := error(unix.EINVAL)
	for _, rate := range []int{hal.Rate, 48000, 44100, 32000, 96000, 8000} {
		for _, channels := range []int{1, 2} {
			for _, loose := range []bool{false, true} {
				var f form
				if f, err = p.grant(fd, rate, channels, loose); err == nil {
					return f, nil
				}
			}
		}
	}
	return form{}, fmt.Errorf("no 16-bit form of sound in common: %w", err)
}

// grant asks for a form and reads back what the card made of it. The period is half a
// frame, or a little more: a card says no more often than that where it
// is, and a late telephone counts on it. The buffer is longer than what is kept in
// it (see level): it catches what a stalled telephone left. If loose, both are as the
// card likes them: one that cannot do better is better than none.
func (p *Port) grant(fd, rate, channels int, loose bool) (form, error) {
	frame := uint32(rate) * uint32(hal.Frame/time.Millisecond) / 1000
	hw := anyParams()
	hw.setMask(paramAccess, accessInterleaved)
	hw.setMask(paramFormat, formatS16LE)
	hw.setRange(paramChannels, uint32(channels), uint32(channels))
	hw.setRange(paramRate, uint32(rate), uint32(rate))
	if !loose {
		hw.setRange(paramPeriodSize, frame/2, frame)
		hw.setRange(paramBufferSize, 8*frame, 12*frame)
	}
	if err := p.sys.ioctl(fd, ioctlHWParams, unsafe.Pointer(hw)); err != nil {
		return form{}, err
	}
	f := form{
		rate:     int(hw.intervals[paramRate].min),
		channels: int(hw.intervals[paramChannels].min),
		period:   int(hw.intervals[paramPeriodSize].min),
		buffer:   int(hw.intervals[paramBufferSize].min),
	}
	sw := &swParams{
		periodStep:     1,
		availMin:       1, // set before each wait
		xferAlign:      1,
		startThreshold: 1, // a playback writes all that it wants to have in hand at once
		stopThreshold:  uintptr(f.buffer),
	}
	if err := p.sys.ioctl(fd, ioctlSWParams, unsafe.Pointer(sw)); err != nil {
		return form{}, err
	}
	f.boundary = sw.boundary
	return f, p.sys.ioctl(fd, ioctlPrepare, nil)
}
