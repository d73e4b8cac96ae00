package alsa

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Port is a sound device by its name, in one direction, whether it is there or not.
// It outlives the streams on it, of which one is open at a time, and keeps what they
// learned.
type Port struct {
	where target
	dir   Direction
	sys   system
	level level // of the stream

	xruns, losses atomic.Int64

	mu      sync.Mutex
	open    bool
	trouble error // why the open stream is silent; nil: it is not
}

// Stats is what happened on a port so far.
type Stats struct {
	Xruns  int64 // the telephone was too late for the card
	Losses int64 // the card went away in use
}

// NewPort returns the port of a device such as hw:1,0, hw:Device,0 or default. Its
// error means that this is no name of a device.
func NewPort(device string, dir Direction) (*Port, error) { return newPort(device, dir, linux{}) }

func newPort(device string, dir Direction, sys system) (*Port, error) {
	where, err := parse(device)
	if err != nil {
		return nil, err
	}
	return &Port{where: where, dir: dir, sys: sys}, nil
}

// Trouble is why nothing can be heard or said on the port now, nil if it can. While
// no stream is open it only knows whether the card is there.
func (p *Port) Trouble() error {
	p.mu.Lock()
	open, err := p.open, p.trouble
	p.mu.Unlock()
	if open {
		return err
	}
	_, err = p.where.find(p.sys.files(), p.dir)
	return err
}

// Stats returns what happened so far.
func (p *Port) Stats() Stats { return Stats{Xruns: p.xruns.Load(), Losses: p.losses.Load()} }

// note is why the stream is silent, or nil; and whether there is one.
func (p *Port) note(open bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open, p.trouble = open, err
}

// Open opens a stream, silent for as long as the card is not there.
func (p *Port) Open() *PCM {
	s := &PCM{port: p, fd: -1}
	s.open()
	return s
}

// Open opens a device that must be there, such as hw:1,0, for one direction.
func Open(device string, dir Direction) (*PCM, error) {
	p, err := NewPort(device, dir)
	if err != nil {
		return nil, err
	}
	s := p.Open()
	if err := p.Trouble(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// explain adds to an error of the kernel what a person can do about it.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w (another program uses it)", err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w (is the user in the group audio?)", err)
	}
	return err
}
