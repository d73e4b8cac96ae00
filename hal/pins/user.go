package pins

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"chordophone/board"
)

// errTaken means that somebody else has a line of the board.
var errTaken = errors.New("in use")

// lineInfo is what the kernel says of a line: struct gpio_v2_line_info of
// include/uapi/linux/gpio.h. periph asks once, when it opens the chip; who uses a line
// now only the kernel knows.
type lineInfo struct {
	name     [32]byte
	consumer [32]byte
	offset   uint32
	_        uint32    // attributes that follow
	flags    uint64    // the first: the line cannot be requested
	_        [160]byte // ten attributes
	_        [16]byte
}

const (
	lineUsed   = 1 << 0                                                 // GPIO_V2_LINE_FLAG_USED
	ioctlLines = 3<<30 | unsafe.Sizeof(lineInfo{})<<16 | 0xb4<<8 | 0x05 // GPIO_V2_GET_LINEINFO_IOCTL
)

// users says who has the lines of the chip at a device node: "" for nobody whose name the
// kernel knows.
func users(node string) (func(board.Line) (by string, used bool), error) {
	f, err := os.Open(node)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var chip struct {
		_     [64]byte // name and label
		lines uint32
	}
	const ioctlChip = 2<<30 | unsafe.Sizeof(chip)<<16 | 0xb4<<8 | 0x01 // GPIO_GET_CHIPINFO_IOCTL
	ask := func(request uintptr, answer unsafe.Pointer) error {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(answer)); errno != 0 {
			return errno
		}
		return nil
	}
	if err := ask(ioctlChip, unsafe.Pointer(&chip)); err != nil {
		return nil, err
	}
	all := make([]lineInfo, min(chip.lines, 1024))
	for i := range all {
		all[i].offset = uint32(i)
		if err := ask(ioctlLines, unsafe.Pointer(&all[i])); err != nil {
			return nil, err
		}
	}
	return func(l board.Line) (string, bool) {
		if int(l) >= len(all) {
			return "", false
		}
		by, _, _ := bytes.Cut(all[l].consumer[:], []byte{0})
		return string(by), all[l].flags&lineUsed != 0
	}, nil
}

// blame adds to why the lines of a board cannot be had who has them, if somebody has: in
// the order of their numbers, and what to do about it. own is the telephone itself.
func blame(err error, chip string, b *board.Board, own string, user func(board.Line) (by string, used bool)) error {
	var taken []string
	for _, l := range linesOf(b) {
		by, used := user(l)
		switch {
		case !used || by == own:
			continue
		case by == "":
			by = "something else"
		default:
			by = fmt.Sprintf("%q", by)
		}
		taken = append(taken, fmt.Sprintf("%s: %v of the chip %s is used by %s", b.Word(l), l, chip, by))
	}
	if len(taken) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s (end that program, or take its dtparam= or dtoverlay= out of config.txt, or use another line): %w",
		errTaken, strings.Join(taken, "; "), err)
}

// signature is how periph signs for the lines that this program has.
func signature() string {
	own := fmt.Sprintf("%s@%d", path.Base(os.Args[0]), os.Getpid())
	return own[:min(len(own), 31)]
}

// linesOf are all lines that a board has on its chip, in the order of their numbers.
func linesOf(b *board.Board) []board.Line {
	all := slices.Concat(b.Keypad.Rows, b.Keypad.Cols)
	for _, in := range contacts(b) {
		all = append(all, in.Line)
	}
	for _, o := range outputs(b) {
		if o.PWM == (board.PWM{}) {
			all = append(all, o.Line)
		}
	}
	slices.Sort(all)
	return all
}
