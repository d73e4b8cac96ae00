//go:build interop

package interop

import (
	"encoding/binary"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/hal"
	"chordophone/hal/wav"
)

// wire is the sound that arrives at a host: RTP packets with G.711, in the order in
// which they come. It is the witness where a program's own recording ends with a
// renegotiation of the call, as that of baresip does.
type wire struct {
	name string
	fd   int
	done chan struct{}

	mu  sync.Mutex
	pcm []int16 // at 8 kHz
}

// wire listens on a host from now on.
func (s *scene) wire(h *host, name string) *wire {
	w := &wire{name: name, done: make(chan struct{})}
	s.must(h.inside(func() (err error) {
		const ipv4 = unix.ETH_P_IP<<8 | unix.ETH_P_IP>>8 // network byte order
		if w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, ipv4&0xffff); err != nil {
			return err
		}
		return unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	}))
	own := net.ParseIP(h.address).To4()
	stop := make(chan struct{})
	s.undo = append(s.undo, func() { close(stop); <-w.done; unix.Close(w.fd) })
	go func() {
		defer close(w.done)
		packet := make([]byte, 2048)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, _, err := unix.Recvfrom(w.fd, packet, 0)
			if err == syscall.EAGAIN || err == syscall.EINTR {
				continue
			}
			if err != nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			w.take(packet[:n], own)
		}
	}()
	return w
}

// take adds the sound of an IPv4 packet to the host own, if it is RTP with G.711.
func (w *wire) take(ip []byte, own net.IP) {
	const udp, rtp = 8, 12
	if len(ip) < 20 || ip[9] != syscall.IPPROTO_UDP || string(ip[16:20]) != string(own) {
		return
	}
	head := int(ip[0]&15) * 4
	if end := int(binary.BigEndian.Uint16(ip[2:])); end < len(ip) {
		ip = ip[:end]
	}
	if len(ip) < head+udp+rtp {
		return
	}
	port, packet := binary.BigEndian.Uint16(ip[head+2:]), ip[head+udp:]
	if port < 16384 || packet[0]>>6 != 2 || packet[0]&0x3f != 0 {
		return
	}
	var decode func(byte) int16
	switch packet[1] & 0x7f {
	case 0:
		decode = ulaw
	case 8:
		decode = alaw
	default:
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range packet[rtp:] {
		w.pcm = append(w.pcm, decode(b))
	}
}

func (w *wire) String() string { return "what arrives at " + w.name }

func (w *wire) heard() ([]int16, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return wav.Sound{Rate: 8000, PCM: w.pcm}.At(hal.Rate), nil
}

// ulaw and alaw expand a sample of G.711, written here from the recommendation and not
// taken from sip/media, so that this witness is one of its own.
func ulaw(b byte) int16 {
	b = ^b
	v := (int(b&15)<<3+132)<<(b>>4&7) - 132
	if b&128 != 0 {
		v = -v
	}
	return int16(v)
}

func alaw(b byte) int16 {
	b ^= 0x55
	v := int(b&15)<<4 + 8
	if e := b >> 4 & 7; e > 0 {
		v = (v + 256) << (e - 1)
	}
	if b&128 == 0 {
		v = -v
	}
	return int16(v)
}
