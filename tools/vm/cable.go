package main

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"chordophone/tools/vm/measure"
)

// cable sees the packets between two machines in the file that QEMU's filter-dump writes
// of them, while it is written.
type cable struct {
	file  string
	stop  chan struct{}
	ended chan struct{}

	mu  sync.Mutex
	all map[[4]byte][]time.Time // first packets of keys, by who sent them
}

// The forms of the file and of a frame. // libpcap: pcap-savefile(5); IEEE 802.3, section 3
const (
	dumpHead   = 24
	recordHead = 16
	frameHead  = 14
	typeIPv4   = 0x0800
	dumpFrame  = 128 // octets of each frame that are kept
)

// watchCable begins to read the file, which need not be there yet.
func watchCable(file string) *cable {
	c := &cable{file: file, stop: make(chan struct{}), ended: make(chan struct{}), all: map[[4]byte][]time.Time{}}
	go c.follow()
	return c
}

func (c *cable) close() {
	close(c.stop)
	<-c.ended
}

func (c *cable) follow() {
	defer close(c.ended)
	var f *os.File
	var waiting []byte // not yet a whole record
	head := true
	for {
		select {
		case <-c.stop:
			if f != nil {
				f.Close()
			}
			return
		case <-time.After(look):
		}
		if f == nil {
			var err error
			if f, err = os.Open(c.file); err != nil {
				continue
			}
		}
		more, err := io.ReadAll(f)
		if err != nil && !errors.Is(err, io.EOF) {
			continue
		}
		waiting = append(waiting, more...)
		if head && len(waiting) >= dumpHead {
			waiting, head = waiting[dumpHead:], false
		}
		if !head {
			waiting = c.records(waiting)
		}
	}
}

// records takes the whole records, and returns what is left.
func (c *cable) records(b []byte) []byte {
	for len(b) >= recordHead {
		end := recordHead + int(binary.LittleEndian.Uint32(b[8:]))
		if len(b) < end {
			break
		}
		c.frame(b[recordHead:end])
		b = b[end:]
	}
	return b
}

func (c *cable) frame(b []byte) {
	if len(b) < frameHead || binary.BigEndian.Uint16(b[12:]) != typeIPv4 {
		return
	}
	if from, ok := measure.FirstOfKey(b[frameHead:]); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all[from] = append(c.all[from], time.Now())
	}
}

// keys is when the first packets of keys were seen from an address.
func (c *cable) keys(from [4]byte) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all[from])
}
