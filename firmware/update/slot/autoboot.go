package slot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrAutoboot means that the sector does not hold what the boot firmware needs.
var ErrAutoboot = errors.New("autoboot.txt is damaged")

// Autoboot is what autoboot.txt says: the numbers of two partitions, A or B.
// raspberrypi.com, documentation of config.txt, "The autoboot.txt file"
type Autoboot struct {
	Default int // started always, but for
	Trial   int // one start that was asked for
}

// The partitions that can be started.
const (
	A = 2
	B = 3
)

// Other is the partition that p is not.
func Other(p int) int { return A + B - p }

// Selecting is the Autoboot by which partition p is started.
func Selecting(p int) Autoboot { return Autoboot{Default: p, Trial: Other(p)} }

// Text is the file: one sector, whatever it says, so that it can be replaced in place.
// Line ends fill it up.
func (a Autoboot) Text() []byte {
	text := fmt.Sprintf("[all]\ntryboot_a_b=1\nboot_partition=%d\n[tryboot]\nboot_partition=%d\n", a.Default, a.Trial)
	return []byte(text + strings.Repeat("\n", Sector-len(text)))
}

// ParseAutoboot reads the file. A person may have edited it: comments, blanks and
// settings that are none of ours are passed over. The error wraps ErrAutoboot.
func ParseAutoboot(text []byte) (Autoboot, error) {
	var (
		a      Autoboot
		ab     bool
		filter = "all"
	)
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			filter = line[1 : len(line)-1]
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(name) {
		case "tryboot_a_b":
			ab = strings.TrimSpace(value) == "1"
		case "boot_partition":
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return Autoboot{}, fmt.Errorf("%w: boot_partition %.20q", ErrAutoboot, value)
			}
			switch filter {
			case "all":
				a.Default = n
			case "tryboot":
				a.Trial = n
			}
		}
	}
	if !ab || a.Default != A && a.Default != B || a.Trial != Other(a.Default) {
		return Autoboot{}, fmt.Errorf("%w: it starts partition %d, on trial %d, tryboot_a_b %v", ErrAutoboot, a.Default, a.Trial, ab)
	}
	return a, nil
}
