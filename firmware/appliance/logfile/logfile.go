// Package logfile keeps the log of the appliance in files of bounded size, on a memory
// card that wears out: not more is written than a budget allows, and synced not more
// often than a minute allows. What the card refuses is lost, counted, and stops nobody.
package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Limits are how much is kept and written.
type Limits struct {
	Octets int64         // of one file
	Files  int           // besides the newest
	Burst  int64         // octets that may be written at once; 0: no limit
	Rate   int64         // octets a second after that
	Sync   time.Duration // least time between two; 0: never
}

// Memory is for a file system in memory; Card, for one on a memory card: at most some
// 43 MB a day, whatever the telephone says.
var (
	Memory = Limits{Octets: 256 << 10, Files: 1}
	Card   = Limits{Octets: 256 << 10, Files: 3, Burst: 128 << 10, Rate: 512, Sync: time.Minute}
)

// File is a log.
type File struct {
	path   string
	limits Limits

	mu     sync.Mutex // guards what follows
	f      *os.File   // nil: cannot be written
	size   int64
	budget int64
	paidAt time.Time
	synced time.Time
	dirty  bool
	lost   int // lines, since the last that was written
	tryAt  time.Time
}

const retry = 10 * time.Second // after the card refused

// Open makes a log at path, with older ones at path.1 and so on.
func Open(path string, limits Limits) *File {
	return &File{path: path, limits: limits, budget: limits.Burst, paidAt: time.Now()}
}

// Line writes one line, without its end. What cannot be written is counted.
func (l *File) Line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.limits.Burst > 0 {
		earned := int64(now.Sub(l.paidAt).Seconds() * float64(l.limits.Rate))
		if earned > 0 {
			l.budget, l.paidAt = min(l.limits.Burst, l.budget+earned), now
		}
		if l.budget < int64(len(text))+1 {
			l.lost++
			return
		}
	}
	if !l.ready(now) {
		l.lost++
		return
	}
	if l.lost > 0 {
		text = fmt.Sprintf("(%d lines lost)\n%s", l.lost, text)
	}
	n, err := l.f.WriteString(text + "\n")
	l.size += int64(n)
	l.budget -= int64(n)
	l.dirty = true
	if err != nil {
		l.lost++
		l.shut(now)
		return
	}
	l.lost = 0
	if l.limits.Sync > 0 && now.Sub(l.synced) >= l.limits.Sync {
		l.sync(now)
	}
}

// ready has the file open and not full.
func (l *File) ready(now time.Time) bool {
	if l.f != nil && l.size >= l.limits.Octets {
		l.f.Close()
		l.f = nil
		for i := l.limits.Files; i > 0; i-- {
			os.Rename(l.older(i-1), l.older(i))
		}
		os.Remove(l.path) // kept, if it could be
	}
	if l.f != nil {
		return true
	}
	if now.Before(l.tryAt) {
		return false
	}
	os.MkdirAll(filepath.Dir(l.path), 0o700)
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		l.shut(now)
		return false
	}
	l.f, l.size = f, 0
	if info, err := f.Stat(); err == nil {
		l.size = info.Size()
	}
	return true
}

func (l *File) older(i int) string {
	if i == 0 {
		return l.path
	}
	return fmt.Sprintf("%s.%d", l.path, i)
}

func (l *File) shut(now time.Time) {
	if l.f != nil {
		l.f.Close()
		l.f = nil
	}
	l.tryAt = now.Add(retry)
}

func (l *File) sync(now time.Time) {
	l.f.Sync() // a card that refuses says so at the next line
	l.synced, l.dirty = now, false
}

// Flush makes what was written durable: after a crash, which is what the log is for.
func (l *File) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil && l.dirty && l.limits.Sync > 0 {
		l.sync(time.Now())
	}
}

// Close ends the log.
func (l *File) Close() {
	l.Flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut(time.Now())
	l.tryAt = time.Now().Add(24 * time.Hour)
}
