package appliance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/disk"
)

// medium is the data partition.
type medium interface {
	Empty() (bool, error)
	Grow() error
	Format() error
	Mount(readOnly bool) (dir string, err error)
	Unmount() error
	Errors() int // that the kernel has seen in the mounted file system, ever
	Vault() ([]byte, error)
}

// The faults of the card, in words for people.
var (
	faultNoCard  = beat.Fault{Message: "no memory card found", Hint: "what this telephone learns now is lost when it is switched off; put in a card with the telephone's image"}
	faultWorn    = beat.Fault{Message: "the memory card cannot be written", Hint: "calls work; what this telephone learns now is lost when it is switched off: change the card"}
	faultRemade  = beat.Fault{Message: "the data on the memory card was damaged and has been made anew", Hint: "the office brings back what it knows; if this happens again, change the card"}
	faultFull    = beat.Fault{Message: "the memory card is full", Hint: "calls work; delete recordings and messages, or change the card"}
	faultErrors  = beat.Fault{Message: "the memory card has errors", Hint: "switch the telephone off and on to have its data made anew; if this happens again, change the card"}
	faultNewcome = beat.Fault{Message: "the identity of this telephone is lost", Hint: "pair it with the office again: it gets its extension back there"}
)

// place is where the data is.
type place struct {
	dir    string
	memory bool // not on the card
	faults []beat.Fault
	notes  []string
}

func (p *place) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// settle finds a place for the data: on the medium if there is one (nil: none) that can
// be mounted and written, or made anew; else in memory. An error is that not even memory
// is there.
//
//	empty ---------------------------------> grow, format --+
//	mount: good, no errors seen, can be written ------------+--> on the card
//	       errors seen        --> salvage --> format --> put back
//	       damaged            --> salvage read-only, else the vault --> format --> put back
//	       anything else, or any of these fails ---------------> in memory
func settle(m medium, memory string) (p place, err error) {
	if err := os.MkdirAll(memory, 0o700); err != nil {
		return p, err
	}
	p.dir, p.memory = memory, true
	if m == nil {
		p.faults = append(p.faults, faultNoCard)
		return p, nil
	}
	empty, err := m.Empty()
	if err != nil {
		p.note("data partition: %v", err)
	}
	if empty {
		if err := m.Grow(); err != nil {
			p.note("the data partition keeps its size: %v", err)
		}
		if !p.make(m) {
			p.faults = append(p.faults, faultWorn)
		}
		return p, nil
	}
	dir, err := m.Mount(false)
	if err == nil && m.Errors() == 0 {
		if err = writable(dir); err == nil {
			p.dir, p.memory = dir, false
			return p, nil
		}
		p.note("data partition: %v", err)
	}
	remake := err == nil || damaged(err)
	if err != nil && dir == "" {
		p.note("data partition: %v", err)
		if remake {
			if dir, err = m.Mount(true); err != nil {
				p.note("data partition, only to be read: %v", err)
			}
		}
	}
	if dir != "" {
		if lost := salvage(dir, memory); lost > 0 {
			p.note("%d files of the data partition cannot be read", lost)
		}
		if err := m.Unmount(); err != nil {
			p.note("%v", err)
			remake = false
		}
	}
	p.fromVault(m)
	if !remake {
		p.faults = append(p.faults, faultWorn)
		return p, nil
	}
	p.note("the data partition is made anew")
	if !p.make(m) {
		p.faults = append(p.faults, faultWorn)
		return p, nil
	}
	p.faults = append(p.faults, faultRemade)
	if lost := salvage(memory, p.dir); lost > 0 {
		p.note("%d files were not put back", lost)
	}
	if err := os.RemoveAll(memory); err != nil {
		p.note("%v", err)
	}
	return p, nil
}

// make makes a new file system and moves there.
func (p *place) make(m medium) bool {
	err := m.Format()
	var dir string
	if err == nil {
		if dir, err = m.Mount(false); err == nil {
			if err = writable(dir); err != nil {
				m.Unmount() // it may stay; nobody uses it
			}
		}
	}
	if err != nil {
		p.note("no new data partition: %v", err)
		return false
	}
	p.dir, p.memory = dir, false
	return true
}

// fromVault puts the essentials in memory that could not be read.
func (p *place) fromVault(m medium) {
	content, err := m.Vault()
	if err == nil {
		err = unpack(p.dir, content)
	}
	if err != nil {
		p.note("vault: %v", err)
	}
	if _, err := pack(p.dir); err != nil {
		p.faults = append(p.faults, faultNewcome)
	}
}

// damaged reports whether an error of mount means that the file system is none any
// more, and not that something else is wrong.
func damaged(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EUCLEAN) || errors.Is(err, unix.EBADMSG) ||
		errors.Is(err, unix.EFBIG)
}

// writable writes a file and takes it away again.
func writable(dir string) error {
	path := filepath.Join(dir, ".writable")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("yes")
	err = errors.Join(err, f.Sync(), f.Close(), os.Remove(path))
	if errors.Is(err, unix.ENOSPC) {
		return nil // full is not worn: what is there is good
	}
	return err
}

// partition is the data partition of a card.
type partition struct{ *disk.Card }

func (c partition) Empty() (bool, error) { return disk.Empty(c.Part(disk.Data)) }
func (c partition) Format() error        { return disk.Format(c.Part(disk.Data)) }

func (c partition) Mount(readOnly bool) (string, error) {
	flags, options := uintptr(unix.MS_NOATIME|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), "errors=remount-ro,noinit_itable"
	if readOnly { // whatever its journal says
		flags, options = flags|unix.MS_RDONLY, "noload"
	}
	if err := mount(c.Part(disk.Data), dataDir, "ext4", flags, options); err != nil {
		return "", err
	}
	os.Chmod(dataDir, 0o700) // refused where it is read-only, which writable sees
	return dataDir, nil
}

func (c partition) Unmount() error {
	if err := unix.Unmount(dataDir, 0); err != nil {
		return fmt.Errorf("unmount %s: %w", dataDir, err)
	}
	return nil
}

func (c partition) Errors() int {
	var n int
	b, _ := os.ReadFile(filepath.Join("/sys/fs/ext4", filepath.Base(c.Part(disk.Data)), "errors_count"))
	fmt.Sscan(string(b), &n)
	return n
}
