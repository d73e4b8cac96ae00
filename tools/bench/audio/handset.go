package audio

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"chordophone/hal"
	"chordophone/hal/pcm"
)

// handset is the mouth and the ear at one of our telephones, which has connected to
// its socket.
type handset struct {
	listener *net.UnixListener
	ends     sync.WaitGroup

	mu   sync.Mutex // guards what follows
	conn net.Conn
	card card
}

// step is the piece in which sound is spoken: a microphone gives it when it is full.
const step = 10 * time.Millisecond

func newHandset(path string) (*handset, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	h := &handset{listener: l}
	h.ends.Go(h.accept)
	return h, nil
}

func (h *handset) accept() {
	for {
		c, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.conn = c
		h.mu.Unlock()
		h.hear(c)
		c.Close()
	}
}

// hear takes what the earpiece is given.
func (h *handset) hear(c net.Conn) {
	var buf [8192]byte
	kept := 0 // bytes of half a sample
	for {
		n, err := c.Read(buf[kept:])
		now := time.Now()
		n += kept
		h.mu.Lock()
		h.card.play(now, pcm.ParseS16LE(nil, buf[:n&^1]))
		h.mu.Unlock()
		kept = n & 1
		buf[0] = buf[max(n-1, 0)]
		if err != nil {
			return
		}
	}
}

// speak says something, beginning at a time, and silence afterwards until ctx ends.
func (h *handset) speak(ctx context.Context, start time.Time, said []int16) error {
	h.mu.Lock()
	c := h.conn
	h.mu.Unlock()
	if c == nil {
		return errors.New("audio: the telephone has not connected its handset")
	}
	n := int(step * hal.Rate / time.Second)
	silence := make([]int16, n)
	var b []byte
	for at := time.Duration(0); ; at += step {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(start.Add(at + step))):
		}
		piece := silence
		if i := int(at/step) * n; i+n <= len(said) {
			piece = said[i : i+n]
		}
		b = pcm.AppendS16LE(b[:0], piece)
		if _, err := c.Write(b); err != nil {
			return err
		}
	}
}

// listen begins a recording, take ends it.
func (h *handset) listen(start time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.card = card{start: start}
}

func (h *handset) take() []int16 {
	h.mu.Lock()
	defer h.mu.Unlock()
	heard := h.card.heard
	h.card = card{}
	return heard
}

func (h *handset) close() {
	h.listener.Close()
	h.mu.Lock()
	if h.conn != nil {
		h.conn.Close()
	}
	h.mu.Unlock()
	h.ends.Wait()
}

// card is a sound card that plays what it is given one after the other, as soon as it can, and
// is silent when it has nothing: what comes late once makes all that follows late. It
// holds no more than cardRoom; what does not fit is lost.
type card struct {
	start time.Time // of the recording; zero: it is off
	heard []int16   // since then
}

const cardRoom = 60 * time.Millisecond

func (c *card) play(now time.Time, sound []int16) {
	if c.start.IsZero() {
		return
	}
	at := int(now.Sub(c.start) * hal.Rate / time.Second)
	if at > len(c.heard) {
		c.heard = append(c.heard, make([]int16, at-len(c.heard))...)
	}
	room := at + int(cardRoom*hal.Rate/time.Second) - len(c.heard)
	if at < 0 || room < len(sound) {
		return
	}
	c.heard = append(c.heard, sound...)
}
