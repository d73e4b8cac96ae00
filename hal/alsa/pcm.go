package alsa

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"chordophone/hal"
	"chordophone/hal/pcm"
)

// reopen is how often a card that is gone is looked for.
const reopen = time.Second

// PCM is one direction of a sound card, seen as 16 kHz mono. It belongs to one
// goroutine. Sound that is lost (an xrun, a card unplugged) is replaced by
// silence of the same length.
type PCM struct {
	name string
	dir  Direction

	fd       int // -1 while the card is gone
	rate     int // granted
	channels int

	conv  *pcm.Resampler
	ready []int16 // captured and converted, not yet read
	mono  []int16 // scratch: one channel at the card's rate
	wire  []int16 // scratch: as the card has it

	call func(fd int, request uintptr, arg unsafe.Pointer) error // ioctl, or a test's card

	xruns int
	pacer pcm.Pacer // the clock while the card is gone
	tried time.Time // when it was looked for last
}

// Open opens a device such as hw:1,0 for one direction.
func Open(device string, dir Direction) (*PCM, error) {
	p := &PCM{name: device, dir: dir, fd: -1, call: ioctl}
	if err := p.open(); err != nil {
		return nil, err
	}
	return p, nil
}

// Rate and Channels are what the card granted.
func (p *PCM) Rate() int     { return p.rate }
func (p *PCM) Channels() int { return p.channels }

// Xruns is how often the telephone was too late for the card.
func (p *PCM) Xruns() int { return p.xruns }

func (p *PCM) open() error {
	d, err := find(os.DirFS("/"), p.name, p.dir)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/dev/snd/pcmC%dD%d%c", d.Card, d.Device, p.dir.String()[0])
	// Without O_NONBLOCK the open would wait for as long as another program has
	// the device.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", path, explain(err))
	}
	if err = unix.SetNonblock(fd, false); err == nil {
		err = p.configure(fd)
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("%s: %w", path, err)
	}
	p.fd = fd
	return nil
}

func explain(err error) error {
	switch err {
	case unix.EBUSY:
		return fmt.Errorf("%w (another program uses it)", err)
	case unix.EACCES, unix.EPERM:
		return fmt.Errorf("%w (is the user in the group audio?)", err)
	}
	return err
}

// configure finds a form the card has, best first.
func (p *PCM) configure(fd int) error {
	err := error(unix.EINVAL)
	for _, rate := range []int{hal.Rate, 48000, 44100, 32000, 96000, 8000} {
		for _, channels := range []int{1, 2} {
			for _, loose := range []bool{false, true} {
				if err = p.grant(fd, rate, channels, loose); err == nil {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("no 16-bit form of sound in common: %w", err)
}

// grant asks for a form and reads back what the card made of it. The period is at
// most a frame and the buffer two to three, unless loose: a card that cannot is
// better than none.
func (p *PCM) grant(fd, rate, channels int, loose bool) error {
	frame := uint32(rate) * uint32(hal.Frame/time.Millisecond) / 1000
	hw := anyParams()
	hw.setMask(paramAccess, accessInterleaved)
	hw.setMask(paramFormat, formatS16LE)
	hw.setRange(paramChannels, uint32(channels), uint32(channels))
	hw.setRange(paramRate, uint32(rate), uint32(rate))
	if !loose {
		hw.setRange(paramPeriodSize, frame/4, frame)
		hw.setRange(paramBufferSize, 2*frame, 3*frame)
	}
	if err := p.call(fd, ioctlHWParams, unsafe.Pointer(hw)); err != nil {
		return err
	}
	buffer := hw.intervals[paramBufferSize].min
	sw := &swParams{
		periodStep:     1,
		availMin:       1,
		xferAlign:      1,
		startThreshold: 1,
		stopThreshold:  uintptr(buffer),
	}
	if p.dir == Playback {
		// A frame in hand when the card starts, one more on its way.
		sw.startThreshold = uintptr(min(2*frame, buffer))
	}
	if err := p.call(fd, ioctlSWParams, unsafe.Pointer(sw)); err != nil {
		return err
	}
	p.form(int(hw.intervals[paramRate].min), int(hw.intervals[paramChannels].min))
	return p.call(fd, ioctlPrepare, nil)
}

// form sets what the card granted.
func (p *PCM) form(rate, channels int) {
	p.rate, p.channels = rate, channels
	if p.dir == Playback {
		p.conv = pcm.NewResampler(hal.Rate, rate)
	} else {
		p.conv = pcm.NewResampler(rate, hal.Rate)
	}
}

// Write plays samples. It blocks until the card has taken them.
func (p *PCM) Write(samples []int16) error {
	if !p.present() {
		p.pacer.Wait(len(samples))
		return nil
	}
	p.mono = p.conv.Append(p.mono[:0], samples)
	p.wire = pcm.Spread(p.wire[:0], p.mono, p.channels)
	if err := p.transfer(ioctlWritei, p.wire); err != nil {
		p.lose()
	}
	return nil
}

// Read fills samples with what was captured. It blocks until the card has it.
func (p *PCM) Read(samples []int16) error {
	for len(p.ready) < len(samples) {
		if !p.present() {
			p.pacer.Wait(len(samples))
			clear(samples)
			return nil
		}
		need := ((len(samples)-len(p.ready))*p.rate + hal.Rate - 1) / hal.Rate
		p.wire = append(p.wire[:0], make([]int16, need*p.channels)...)
		if err := p.transfer(ioctlReadi, p.wire); err != nil {
			p.lose()
			continue
		}
		p.mono = pcm.Mono(p.mono[:0], p.wire, p.channels)
		p.ready = p.conv.Append(p.ready, p.mono)
	}
	n := copy(samples, p.ready)
	p.ready = append(p.ready[:0], p.ready[n:]...)
	return nil
}

// transfer moves all of buf, whatever interrupts it.
func (p *PCM) transfer(request uintptr, buf []int16) error {
	for tries := 0; len(buf) > 0; {
		x := xferi{buf: unsafe.Pointer(&buf[0]), frames: uintptr(len(buf) / p.channels)}
		err := p.call(p.fd, request, unsafe.Pointer(&x))
		switch {
		case err == nil && x.result > 0:
			buf = buf[x.result*p.channels:]
			tries = 0
			continue
		case err == nil || errors.Is(err, unix.EAGAIN):
		case errors.Is(err, unix.EPIPE): // xrun
			p.xruns++
			fallthrough
		case errors.Is(err, unix.ESTRPIPE): // the machine slept
			if err := p.call(p.fd, ioctlPrepare, nil); err != nil {
				return err
			}
		default:
			return err
		}
		if tries++; tries > 10 {
			return fmt.Errorf("%s moves no sound", p.name)
		}
	}
	return nil
}

// lose gives the card up; present looks for it again from time to time.
func (p *PCM) lose() {
	unix.Close(p.fd)
	p.fd = -1
	p.ready = p.ready[:0]
	p.pacer = pcm.Pacer{}
	p.tried = time.Now()
}

func (p *PCM) present() bool {
	if p.fd < 0 && time.Since(p.tried) >= reopen {
		p.tried = time.Now()
		p.open() // an error means: still gone
	}
	return p.fd >= 0
}

// Close stops the card at once.
func (p *PCM) Close() error {
	if p.fd < 0 {
		return nil
	}
	p.call(p.fd, ioctlDrop, nil)
	err := unix.Close(p.fd)
	p.fd = -1
	return err
}

// Audio is a handset on a sound card.
type Audio struct {
	Capture, Playback string // devices such as hw:1,0
}

// Open implements hal.Audio.
func (a Audio) Open() (hal.Stream, error) {
	play, err := Open(a.Playback, Playback)
	if err != nil {
		return nil, err
	}
	capture, err := Open(a.Capture, Capture)
	if err != nil {
		play.Close()
		return nil, err
	}
	return handset{capture, play}, nil
}

type handset struct{ capture, play *PCM }

func (h handset) Read(samples []int16) error  { return h.capture.Read(samples) }
func (h handset) Write(samples []int16) error { return h.play.Write(samples) }
func (h handset) Close() error                { return errors.Join(h.capture.Close(), h.play.Close()) }
