// Command vm proves the telephone in emulated machines, where the drivers are
// Linux's own and the hands are programs:
//
//	simulator   Debian's kernel with its GPIO simulator and loopback sound cards
//	            (the program of tools/vm/guest): keys, ghosts, lamps, sound both ways;
//	            how long a person waits, and what a telephone at rest costs
//	display     Debian's kernel with an I2C bus that ends here (package i2c): what
//	            telephones write to their displays is read from the glass
//	production  two machines with the SD card's kernel and a cable between them:
//	            GPIO lines moved from here, sound as the USB card plays it; times and
//	            costs as in the simulator
//	cuts        the disk's power is cut while the telephone works: nothing that it
//	            promised may be lost, and it always starts again
//	damage      the data partition is overwritten: the telephone makes it anew and has
//	            everything from another one. Only with --only damage
//	update      the telephone is updated by SSH, on trial first; a release that does
//	            not start is given up; the power is cut while one is written. Five
//	            minutes, most of which the telephone takes to find a release good:
//	            only with --only update
//	rollout     a release goes from one telephone to another; one that runs and does
//	            not telephone is given up by the first, and goes no further. Nine
//	            minutes: only with --only rollout
//
// All run the arm64 program, without hardware acceleration. The simulator's clock
// counts instructions and skips what nobody waits in, so that how busy the host is
// changes nothing; the others run in real time. Neither says anything of a real
// processor's speed: order, completeness and levels are checked, and no time below
// 100 ms. Times are printed all the same. Of those, what a key of the matrix takes is
// mostly its board's settle=30ms, three hundred times that of a real keypad, for the
// wires of these keypads are programs.
//
// The first run downloads Debian's kernel, some 260 MB, and compiles the simulator,
// which Debian leaves out, and downloads the SD card's, 50 MB; all are kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// settings are the command line.
type settings struct {
	out     string
	program string
	cuts    int
	seed    uint64
}

// part is a proof.
type part struct {
	name  string
	run   func(context.Context, settings) error
	asked bool // it takes minutes, and is left out unless it is asked for
}

var parts = []part{
	{"simulator", simulator, false}, {"display", displays, false}, {"production", production, false}, {"cuts", powerCuts, false},
	{"damage", spoilt, true}, {"update", updates, true}, {"rollout", rollouts, true},
}

func main() {
	var s settings
	flag.StringVar(&s.out, "out", "build/vm", "folder that keeps kernels and logs")
	flag.StringVar(&s.program, "program", "", "the arm64 program, if it is not to be built")
	flag.IntVar(&s.cuts, "cuts", 4, "how often the power is cut")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().Unix()), "of the cuts")
	only := flag.String("only", "", "of simulator, display, production, cuts, damage, update and rollout, those to run, with commas between (the first four)")
	limit := flag.Duration("limit", 15*time.Minute, "longest time for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := run(ctx, s, *only); err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings, only string) error {
	wanted := strings.FieldsFunc(only, func(r rune) bool { return r == ',' })
	for _, w := range wanted {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == w }) {
			return fmt.Errorf("--only=%s: there is no part %q", only, w)
		}
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	if s.program == "" {
		s.program = s.out + "/chordophone"
		if err := build(ctx, s.program, "./firmware/cmd/chordophone", ""); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if !slices.Contains(wanted, p.name) && (len(wanted) > 0 || p.asked) {
			continue
		}
		begin := time.Now()
		fmt.Printf("== %s\n", p.name)
		if err := p.run(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("PASS %s, %.0f s\n", p.name, time.Since(begin).Seconds())
	}
	return nil
}

// build builds a program for the machines, of a version if it has one.
func build(ctx context.Context, file, path, version string) error {
	flags := "-s -w"
	if version != "" {
		flags += " -X main.version=" + version
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", flags, "-o", file, path)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	return visible(cmd)
}

// visible runs a command; what it says is shown if it fails.
func visible(cmd *exec.Cmd) error {
	text, err := cmd.CombinedOutput()
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err), errors.New(string(text)))
	}
	return nil
}

// ok reports a step that went well, note a figure.
func ok(format string, args ...any)   { fmt.Printf("ok   %s\n", fmt.Sprintf(format, args...)) }
func note(format string, args ...any) { fmt.Printf("note %s\n", fmt.Sprintf(format, args...)) }
