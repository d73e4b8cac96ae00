package pins

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/host/v3/gpioioctl"

	"chordophone/board"
)

// driverName is periph's for the character device.
const driverName = "ioctl-gpio"

// source finds the chip of a board, as often as it takes.
type source struct {
	board *board.Board
	log   *slog.Logger

	chip  *gpioioctl.GPIOChip
	nodes string // the device nodes when periph looked at them last
}

// open finds the chip and opens the board's lines on it.
func (s *source) open() (wires, error) {
	if err := s.find(); err != nil {
		return nil, err
	}
	return openLines(s.chip, s.board, s.log)
}

// find looks for the chip among all device nodes, if these are others than when it
// looked last: each look costs a file descriptor for each chip, for periph cannot
// give them back. // its GPIOChip.Close closes descriptor 0, standard input
func (s *source) find() error {
	nodes, err := deviceNodes()
	if err != nil {
		return err
	}
	if nodes != s.nodes {
		before := len(gpioioctl.Chips)
		if err := keepStdin(look); err != nil {
			return err
		}
		s.nodes, s.chip = nodes, choose(gpioioctl.Chips[before:], s.board.Chip)
	}
	if s.chip == nil {
		return s.missing()
	}
	return nil
}

// choose returns the chip of that label, of the header if it is empty.
func choose(chips []*gpioioctl.GPIOChip, label string) *gpioioctl.GPIOChip {
	labels := board.HeaderChips[:]
	if label != "" {
		labels = []string{label}
	}
	for _, l := range labels {
		for _, c := range chips {
			if c.Label() == l {
				return c
			}
		}
	}
	return nil
}

// missing says that the chip is not there, and what is.
func (s *source) missing() error {
	want := s.board.Chip
	if want == "" {
		want = strings.Join(board.HeaderChips[:], " or ")
	}
	var there []string
	for _, c := range gpioioctl.Chips {
		there = append(there, c.Label())
	}
	slices.Sort(there)
	there = slices.Compact(there)
	if len(there) == 0 {
		return fmt.Errorf("no GPIO chip %s: there is none that this program may open (is it in the group of /dev/gpiochip0?)", want)
	}
	return fmt.Errorf("no GPIO chip %s, only %s (a board file names another with chip label=)", want, strings.Join(there, ", "))
}

// look has periph open all chips. Its registry does that once; afterwards the
// driver itself is asked.
func look() error {
	before := len(gpioioctl.Chips)
	state, err := driverreg.Init()
	if err != nil {
		return err
	}
	if len(gpioioctl.Chips) > before {
		return nil
	}
	drivers := slices.Clone(state.Loaded)
	for _, f := range slices.Concat(state.Skipped, state.Failed) {
		drivers = append(drivers, f.D)
	}
	i := slices.IndexFunc(drivers, func(d driver.Impl) bool { return d.String() == driverName })
	if i < 0 {
		return fmt.Errorf("periph has no driver %s", driverName)
	}
	_, err = drivers[i].Init()
	return err
}

// deviceNodes describes the nodes of GPIO chips: one that was made anew is another.
func deviceNodes() (string, error) {
	names, err := filepath.Glob("/dev/gpiochip*")
	if err != nil || len(names) == 0 {
		return "", errors.Join(err, errors.New("this machine has no GPIO chip, there is no /dev/gpiochip0"))
	}
	var all []string
	for _, name := range names {
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err == nil {
			all = append(all, fmt.Sprint(name, st.Ino, st.Rdev, st.Ctim, st.Mode, st.Gid))
		}
	}
	return strings.Join(all, "\n"), nil
}

// keepStdin runs f and repairs what periph does to standard input when two device
// nodes are one chip, as on a Pi 5: it closes descriptor 0, which the next line to
// be opened would get and take for none.
func keepStdin(f func() error) error {
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	defer unix.Close(saved)
	err = f()
	if _, closed := unix.FcntlInt(0, unix.F_GETFD, 0); closed != nil {
		err = errors.Join(err, unix.Dup3(saved, 0, 0))
	}
	return err
}
