package alsa

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"sync"
	"testing/fstest"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// machine is a computer whose sound cards run on the bubble's clock.
type machine struct {
	mu    sync.Mutex
	cards []*card
	fds   map[int]*stream
	next  int
}

// card is a sound card of one form.
type card struct {
	id             string
	number         int
	gone           bool
	rate, channels int
	period         int     // frames: how often it says where it is
	loose          bool    // it grants no short buffer
	ppm            float64 // how much faster its clock is
	short          int     // most frames that one transfer moves; 0: all
	stuck          bool    // it moves nothing
	liar           bool    // it is always ready
	busy           bool
	capture        func(n int) float64 // what it hears at frame n, -1 to 1

	fail   map[uintptr][]error // what the next calls of a request meet
	forms  []string            // that it was asked for
	played []int16             // by its first channel
	queued []int               // frames in hand before each write
	xruns  int
	reads  int
}

// stream is an opened device.
type stream struct {
	card     *card
	dir      Direction
	period   int
	buffer   int
	state    int // 0 not prepared, 1 prepared, 2 running, 3 xrun
	start    time.Time
	from     int // frames moved before start
	hw, appl int
	ring     []int16
	availMin int
}

const testBoundary = 1 << 20

func (m *machine) files() fs.FS {
	m.mu.Lock()
	defer m.mu.Unlock()
	root := fstest.MapFS{}
	list := ""
	for _, c := range m.cards {
		if !c.gone {
			list += fmt.Sprintf("%02d-00: %s : %s : playback 1 : capture 1\n", c.number, c.id, c.id)
			root["proc/asound/"+c.id] = &fstest.MapFile{Data: fmt.Appendf(nil, "card%d", c.number), Mode: fs.ModeSymlink}
		}
	}
	root["proc/asound/pcm"] = &fstest.MapFile{Data: []byte(list)}
	return root
}

func (m *machine) open(path string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var number, device int
	var kind byte
	if _, err := fmt.Sscanf(path, "/dev/snd/pcmC%dD%d%c", &number, &device, &kind); err != nil {
		return -1, unix.ENOENT
	}
	i := slices.IndexFunc(m.cards, func(c *card) bool { return !c.gone && c.number == number })
	if i < 0 || device != 0 {
		return -1, unix.ENODEV
	}
	if m.cards[i].busy {
		return -1, unix.EBUSY
	}
	dir := Playback
	if kind == 'c' {
		dir = Capture
	}
	m.next++
	if m.fds == nil {
		m.fds = map[int]*stream{}
	}
	m.fds[m.next] = &stream{card: m.cards[i], dir: dir}
	return m.next, nil
}

func (m *machine) close(fd int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fds[fd] == nil {
		return unix.EBADF
	}
	delete(m.fds, fd)
	return nil
}

func (m *machine) poll(fd int, _ Direction, limit time.Duration) (bool, error) {
	for end := time.Now().Add(limit); ; {
		m.mu.Lock()
		s := m.fds[fd]
		s.move()
		ready := s.card.gone || s.card.liar || s.state == 3 || s.avail() >= s.availMin
		m.mu.Unlock()
		if ready || !time.Now().Before(end) {
			return ready, nil
		}
		time.Sleep(time.Millisecond)
	}
}

func (m *machine) ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.fds[fd]
	if s == nil {
		return unix.EBADF
	}
	if s.card.gone {
		return unix.ENODEV
	}
	if fail := s.card.fail[request]; len(fail) > 0 {
		s.card.fail[request] = fail[1:]
		if fail[0] == unix.EPIPE {
			s.state = 3
		}
		if fail[0] != nil {
			return fail[0]
		}
	}
	s.move()
	switch request {
	case ioctlHWParams:
		return s.params((*hwParams)(arg))
	case ioctlSWParams:
		sw := (*swParams)(arg)
		sw.boundary = testBoundary
		s.availMin = int(sw.availMin)
	case ioctlPrepare:
		s.state, s.hw, s.appl, s.from = 1, 0, 0, 0
	case ioctlStart:
		if s.state != 1 {
			return unix.EBADFD
		}
		s.run()
	case ioctlDrop:
		s.state = 0
	case ioctlSyncPtr:
		if s.state == 3 {
			return unix.EPIPE
		}
		p := (*syncPtr)(arg)
		p.status.hwPtr, p.control.applPtr = uintptr(s.hw%testBoundary), uintptr(s.appl%testBoundary)
		if p.flags&syncAvailMin == 0 {
			s.availMin = int(p.control.availMin)
		}
	case ioctlWritei, ioctlReadi:
		if request == ioctlReadi {
			s.card.reads++
		}
		return s.transfer((*xferi)(arg), request == ioctlWritei)
	default:
		return unix.ENOTTY
	}
	return nil
}

func (s *stream) params(hw *hwParams) error {
	c := s.card
	rate, channels := int(hw.intervals[paramRate].min), int(hw.intervals[paramChannels].min)
	bounded := hw.intervals[paramBufferSize].max != math.MaxUint32
	c.forms = append(c.forms, fmt.Sprintf("%d/%d", rate, channels))
	if rate != c.rate || channels != c.channels || bounded && c.loose {
		return unix.EINVAL
	}
	s.period, s.buffer = 1024, 8192
	if bounded {
		s.period, s.buffer = int(hw.intervals[paramPeriodSize].min), int(hw.intervals[paramBufferSize].max)
	}
	if c.period > 0 {
		s.period = c.period
	}
	hw.intervals[paramPeriodSize] = interval{min: uint32(s.period), max: uint32(s.period)}
	hw.intervals[paramBufferSize] = interval{min: uint32(s.buffer), max: uint32(s.buffer)}
	s.ring = make([]int16, s.buffer)
	return nil
}

func (s *stream) run() { s.state, s.start, s.from = 2, time.Now(), s.hw }

// move is what the card has done since it was looked at.
func (s *stream) move() {
	if s.state != 2 || s.card.stuck {
		return
	}
	frames := int(time.Since(s.start).Seconds() * float64(s.card.rate) * (1 + s.card.ppm/1e6))
	hw := s.from + frames/s.period*s.period
	if s.dir == Playback {
		for ; s.hw < min(hw, s.appl); s.hw++ {
			s.card.played = append(s.card.played, s.ring[s.hw%s.buffer])
		}
	} else {
		s.hw = min(hw, s.appl+s.buffer)
	}
	if s.hw < hw {
		s.state = 3
		s.card.xruns++
	}
}

func (s *stream) avail() int {
	if s.dir == Capture {
		return s.hw - s.appl
	}
	return s.hw + s.buffer - s.appl
}

func (s *stream) transfer(x *xferi, out bool) error {
	switch {
	case out != (s.dir == Playback) || s.state == 0:
		return unix.EBADFD
	case s.state == 3:
		return unix.EPIPE
	}
	n := min(int(x.frames), s.avail())
	if s.card.short > 0 {
		n = min(n, s.card.short)
	}
	if n == 0 {
		return unix.EAGAIN
	}
	buf := unsafe.Slice((*int16)(x.buf), n*s.card.channels)
	if out && s.state == 2 {
		s.card.queued = append(s.card.queued, s.appl-s.hw)
	}
	for i := range n {
		at := buf[i*s.card.channels : (i+1)*s.card.channels]
		if out {
			s.ring[(s.appl+i)%s.buffer] = at[0]
			continue
		}
		for k := range at {
			at[k] = int16(32767 * s.card.capture(s.appl+i))
		}
	}
	s.appl += n
	x.result = n
	if out && s.state == 1 {
		s.run()
	}
	return nil
}
