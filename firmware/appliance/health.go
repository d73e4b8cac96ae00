package appliance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/clock"
)

// cardState is what can be seen of a mounted data partition.
type cardState struct {
	readOnly   bool
	errors     int
	free, size uint64 // blocks
}

// look looks at a mounted data partition.
func look(dir string, m medium) (s cardState, err error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return s, err
	}
	return cardState{fs.Flags&unix.ST_RDONLY != 0, m.Errors(), fs.Bavail, fs.Blocks}, nil
}

// faults are what a person should know of it.
func (s cardState) faults() (all []beat.Fault) {
	if s.errors > 0 {
		all = append(all, faultErrors)
	}
	if s.full() {
		all = append(all, faultFull)
	}
	return all
}

// full reports whether less than a twentieth is free.
func (s cardState) full() bool { return s.free < s.size/20 }

// keeper is what is known of the place of the data, and what looks after it.
type keeper struct {
	medium medium // nil: no card
	keep   func(content []byte) error
	dir    string
	memory bool // not on the card
	errors int  // of the card, when last looked at
}

// duty is what there is to do.
type duty struct{ look, clock, vault bool }

// report is what came of it.
type report struct {
	notes  []string
	looked bool
	faults []beat.Fault
	errors int
	moved  bool // the data is in memory now
}

// work does what there is to do. It may take as long as the card does.
func (k keeper) work(do duty) (r report) {
	r.errors = k.errors
	if do.clock {
		if err := clock.Keep(k.dir, time.Now()); err != nil {
			r.notes = append(r.notes, err.Error())
		}
	}
	if k.memory || k.medium == nil {
		return r
	}
	if do.vault && k.keep != nil {
		content, err := pack(k.dir)
		if err == nil { // else there is no identity yet
			err = k.keep(content)
			if err != nil {
				r.notes = append(r.notes, err.Error())
			}
		}
	}
	if do.look {
		k.look(&r)
	}
	return r
}

// look looks at the card. From one that cannot be written any more what can be read is
// copied to memory, for the telephone to move there.
func (k keeper) look(r *report) {
	s, err := look(k.dir, k.medium)
	if err == nil && s.errors != k.errors { // a kernel that refuses need not say that it is read-only
		err = writable(k.dir)
	}
	r.looked, r.errors = true, s.errors
	if err != nil || s.readOnly {
		lost := salvage(k.dir, memoryDir)
		r.notes = append(r.notes, fmt.Sprintf("the card cannot be written any more (%v): data in %s, %d files could not be read", err, memoryDir, lost))
		r.faults, r.moved = []beat.Fault{faultWorn}, true
		return
	}
	r.faults = s.faults()
	if s.full() {
		os.RemoveAll(filepath.Join(k.dir, "log")) // the log is lost first
	}
}

// union is all faults of the lists, each once.
func union(lists ...[]beat.Fault) (all []beat.Fault) {
	for _, l := range lists {
		for _, f := range l {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}
