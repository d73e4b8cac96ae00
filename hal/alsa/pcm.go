package alsa

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"chordophone/hal"
	"chordophone/hal/pcm"
)

const (
	reopen = time.Second            // how often a card that is gone is looked for
	again  = 100 * time.Millisecond // and one that another program, or our own bell, is about to leave
	stall  = 250 * time.Millisecond // after which a card that moves nothing is given up
)

var (
	// errXrun says that the card has stopped because the telephone was late, or slept.
	errXrun  = errors.New("xrun")
	errStuck = errors.New("the sound card moves no sound (unplug it and plug it in again)")
)

// PCM is the stream of a port, seen as 16 kHz mono. It belongs to one goroutine.
// Without its card it is silent at the same pace.
type PCM struct {
	port *Port
	fd   int // -1 while the card is gone
	form form

	running bool
	conv    *pcm.Resampler
	ready   []int16 // captured and converted, not yet read
	held    []int16 // a frame to be played together with the next one, in its time
	bent    []int16 // scratch: a frame, longer or shorter by a sample
	mono    []int16 // scratch: one channel at the card's rate
	wire    []int16 // scratch: as the card has it
	xferi   xferi   // scratch: of the transfer
	sync    syncPtr // scratch: of the last look

	pushed time.Time // the last frame for the card
	pacer  pcm.Pacer // the clock while the card is gone
	tried  time.Time // when it was looked for last
	busy   bool      // then it was in use
}

// Rate and Channels are what the card granted.
func (p *PCM) Rate() int     { return p.form.rate }
func (p *PCM) Channels() int { return p.form.channels }

// open looks for the card, and notes why it cannot be used.
func (p *PCM) open() {
	p.tried = time.Now()
	err := p.attach()
	p.busy = errors.Is(err, unix.EBUSY)
	p.port.note(true, err)
}

func (p *PCM) attach() error {
	sys, dir := p.port.sys, p.port.dir
	d, err := p.port.where.find(sys.files(), dir)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/dev/snd/pcmC%dD%d%c", d.Card, d.Device, dir.String()[0])
	fd, err := sys.open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, explain(err))
	}
	f, err := p.port.negotiate(fd)
	if err != nil {
		sys.close(fd)
		return fmt.Errorf("%s: %w", path, err)
	}
	p.use(fd, f)
	return nil
}

// use begins on a card.
func (p *PCM) use(fd int, f form) {
	p.fd, p.form, p.running = fd, f, false
	if p.port.dir == Playback {
		p.conv = pcm.NewResampler(hal.Rate, f.rate)
	} else {
		p.conv = pcm.NewResampler(f.rate, hal.Rate)
	}
	p.ready, p.held = p.ready[:0], p.held[:0]
	p.port.level.begin(p.samples(f.period))
}

// samples is a number of the card's frames at hal.Rate.
func (p *PCM) samples(frames int) int { return frames * hal.Rate / p.form.rate }

// Write plays samples, at the card's pace: it blocks until only as much of the sound
// before them is left as a late telephone needs.
func (p *PCM) Write(samples []int16) error {
	if p.present() {
		if err := p.keepPace(); err != nil {
			p.lose(err)
		}
	}
	if p.fd < 0 {
		p.pacer.Wait(len(samples))
		return nil
	}
	return p.Push(samples)
}

// keepPace waits for room.
func (p *PCM) keepPace() error {
	if !p.running {
		return nil
	}
	waits, err := p.waiting()
	if err == errXrun {
		return p.restart()
	}
	if over := waits - p.port.level.goal; err == nil && over > 0 {
		time.Sleep(time.Duration(over) * time.Second / hal.Rate)
	}
	return err
}

// Push plays samples without waiting, for a telephone that another clock paces: the
// microphone that it reads. Clocks that differ are kept together: see level.
func (p *PCM) Push(samples []int16) error {
	if !p.present() {
		return nil
	}
	err := p.push(samples)
	for tries := 0; err == errXrun && tries < 3; tries++ {
		if err = p.restart(); err == nil {
			err = p.push(samples)
		}
	}
	if err != nil {
		p.lose(err)
	}
	return nil
}

func (p *PCM) push(samples []int16) error {
	p.mono = p.mono[:0]
	if !p.running {
		// What will be in hand when the next frame comes, and this one.
		p.bent = append(p.bent[:0], make([]int16, p.port.level.goal)...)
		p.mono = p.conv.Append(p.mono, append(p.bent, samples...))
		return p.play()
	}
	waits, err := p.waiting()
	if err != nil {
		return err
	}
	shorter := p.port.level.look(waits)
	p.held = append(p.held, samples...)
	if shorter == len(samples) {
		return nil
	}
	p.bent = pcm.Bend(p.bent[:0], p.held, len(samples)-shorter)
	p.held = p.held[:0]
	p.mono = p.conv.Append(p.mono, p.bent)
	return p.play()
}

func (p *PCM) play() error {
	p.wire = pcm.Spread(p.wire[:0], p.mono, p.form.channels)
	p.running, p.pushed = true, time.Now()
	return p.transfer(ioctlWritei, p.wire)
}

// Read fills samples with what was captured. It blocks until the card has it.
func (p *PCM) Read(samples []int16) error {
	if p.present() {
		err := p.read(samples)
		for tries := 0; err == errXrun && tries < 3; tries++ {
			if err = p.restart(); err == nil {
				err = p.read(samples)
			}
		}
		if err == nil {
			return nil
		}
		p.lose(err)
	}
	clear(samples)
	p.pacer.Wait(len(samples))
	return nil
}

func (p *PCM) read(samples []int16) error {
	if !p.running {
		if err := p.ioctl(ioctlStart, nil); err != nil {
			return err
		}
		p.running = true
	}
	for len(p.ready) < len(samples) {
		frames := ((len(samples)-len(p.ready))*p.form.rate + hal.Rate - 1) / hal.Rate
		n := frames * p.form.channels
		p.wire = slices.Grow(p.wire[:0], n)[:n]
		if err := p.transfer(ioctlReadi, p.wire); err != nil {
			return err
		}
		p.mono = pcm.Mono(p.mono[:0], p.wire, p.form.channels)
		p.ready = p.conv.Append(p.ready, p.mono)
	}
	n := copy(samples, p.ready)
	p.ready = append(p.ready[:0], p.ready[n:]...)
	return nil
}

// waiting is how much sound the card has not played yet, at hal.Rate.
func (p *PCM) waiting() (int, error) {
	p.sync.flags = syncHW | syncAppl | syncAvailMin
	if err := p.ioctl(ioctlSyncPtr, unsafe.Pointer(&p.sync)); err != nil {
		return 0, err
	}
	written, played := p.sync.control.applPtr, p.sync.status.hwPtr
	if written < played {
		written += p.form.boundary
	}
	return p.samples(int(written - played)), nil
}

// restart goes on after an xrun, or after the machine slept. One that no goal would
// have prevented teaches nothing.
func (p *PCM) restart() error {
	p.port.xruns.Add(1)
	p.port.level.restart()
	if p.port.dir == Playback && time.Since(p.pushed) < hal.Frame+goalMost*time.Second/hal.Rate {
		p.port.level.xrun()
	}
	p.running, p.held = false, p.held[:0]
	return p.ioctl(ioctlPrepare, nil)
}

// ioctl calls the kernel and names an xrun.
func (p *PCM) ioctl(request uintptr, arg unsafe.Pointer) error {
	err := p.port.sys.ioctl(p.fd, request, arg)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ESTRPIPE) {
		return errXrun
	}
	return err
}

// transfer moves all of buf, of which the kernel may take a part at a time.
func (p *PCM) transfer(request uintptr, buf []int16) error {
	for idle := 0; len(buf) > 0; {
		p.xferi = xferi{buf: unsafe.Pointer(&buf[0]), frames: uintptr(len(buf) / p.form.channels)}
		err := p.ioctl(request, unsafe.Pointer(&p.xferi))
		switch {
		case err == nil && p.xferi.result > 0:
			buf = buf[p.xferi.result*p.form.channels:]
			idle = 0
		case err == nil || errors.Is(err, unix.EAGAIN):
			if idle++; idle > 10 {
				return errStuck
			}
			if err := p.wait(len(buf) / p.form.channels); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// wait waits until the card has or takes that many frames.
func (p *PCM) wait(frames int) error {
	p.sync.flags = syncHW | syncAppl // and set the minimum available
	p.sync.control.availMin = uintptr(min(frames, p.form.buffer))
	if err := p.ioctl(ioctlSyncPtr, unsafe.Pointer(&p.sync)); err != nil {
		return err
	}
	ready, err := p.port.sys.poll(p.fd, p.port.dir, stall)
	if err == nil && !ready {
		err = errStuck
	}
	return err
}

// lose gives the card up; present looks for it again from time to time.
func (p *PCM) lose(why error) {
	p.port.losses.Add(1)
	p.port.note(true, why)
	p.port.sys.close(p.fd)
	p.fd = -1
	p.pacer = pcm.Pacer{}
	p.tried, p.busy = time.Now(), false
}

func (p *PCM) present() bool {
	if p.fd >= 0 {
		return true
	}
	after := reopen
	if p.busy {
		after = again
	}
	if time.Since(p.tried) >= after {
		p.open()
	}
	return p.fd >= 0
}

// Close stops the card at once.
func (p *PCM) Close() error {
	p.port.note(false, nil)
	if p.fd < 0 {
		return nil
	}
	p.port.sys.ioctl(p.fd, ioctlDrop, nil)
	err := p.port.sys.close(p.fd)
	p.fd = -1
	return err
}
