package insn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chordophone/tools/bench/report"
)

// benched is the package whose benchmark runs, and the functions in it that are the two halves of
// a packet's way.
const (
	benched = "chordophone/sip/media"
	sends   = benched + ".(*pair).send"
	takes   = benched + ".(*pair).receive"
)

// way is one of the benchmark's ways to send sound.
type way struct {
	name    string // as the benchmark has it
	title   string
	packets int // a second
}

func ways() []way {
	return []way{
		{"PCMU", "G.711", 50},
		{"G722", "G.722", 50},
		{"G722-twice", "G.722, each sent twice", 50},
		{"G722-twice-10ms", "G.722, each sent twice, 10 ms", 100},
		{"opus", "Opus", 50},
	}
}

// Options say what to measure.
type Options struct {
	Data    string // directory for the program that is measured
	Packets int    // of each way; the first few do not count
	Say     func(format string, args ...any)
}

// The number of packets, and those of them that fill caches and pools.
const (
	Full  = 60
	Short = 20
	warm  = 8
)

// Run measures. The working directory must be in the module.
func Run(ctx context.Context, o Options) (doc report.Document, err error) {
	start := time.Now()
	doc = report.Document{
		Part: "insn", Started: start.Format(time.RFC3339), Peer: "-",
		Notes: []string{
			"arm64 instructions for a packet, the median of " + strconv.Itoa(o.Packets-warm) + ": SRTP, RTP, codec, jitter buffer, playing; no sockets, no kernel",
			"a call: both halves of both directions at one telephone, million instructions a second",
		},
		Detail: make(map[string]any),
	}
	if doc.Host, err = report.ThisHost(o.Data); err != nil {
		return doc, err
	}
	qemu := ""
	for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
		if path, err := exec.LookPath(name); err == nil && qemu == "" {
			qemu = path
		}
	}
	if qemu == "" {
		return doc, errors.New("no qemu-aarch64 (Debian: qemu-user-static)")
	}
	dir, err := os.MkdirTemp(o.Data, "bench-insn-")
	if err != nil {
		return doc, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "media.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, benched)
	build.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return doc, fmt.Errorf("go test -c: %w: %s", err, out)
	}
	for _, w := range ways() {
		c := newCounter(sends, takes)
		if err := trace(ctx, c, qemu, program, w.name, o.Packets); err != nil {
			return doc, fmt.Errorf("%s: %w", w.name, err)
		}
		var both float64
		for phase, what := range []string{"send", "receive"} {
			if len(c.done[phase]) <= warm {
				return doc, fmt.Errorf("%s: %d packets seen in the trace, want more than %d", w.name, len(c.done[phase]), warm)
			}
			each := c.done[phase][warm:]
			f := report.Figure(report.Quantile(each, 0.5))
			both += float64(f)
			doc.Rows = append(doc.Rows, report.Row{
				ID: w.name + "." + what, What: w.title + ": a packet, " + what, Nodes: 1, Unit: "instructions", Ours: &f,
				OursSpread: &report.Spread{Least: slices.Min(each), Most: slices.Max(each)},
			})
			doc.Detail[w.name+"."+what] = each
		}
		call := report.Figure(both * float64(w.packets) / 1e6)
		doc.Rows = append(doc.Rows, report.Row{ID: w.name + ".call", What: "  a call", Nodes: 1, Unit: "M/s", Ours: &call})
		o.Say("%s: %.0f instructions for a packet at both ends", w.title, both)
	}
	doc.TookS = time.Since(start).Seconds()
	return doc, nil
}

// trace runs the benchmark for so many packets and counts.
func trace(ctx context.Context, c *counter, qemu, program, name string, packets int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu, "-d", "in_asm,exec,nochain", program,
		"-test.run=^$", "-test.bench=^BenchmarkCall$/^"+name+"$", "-test.benchtime="+strconv.Itoa(packets)+"x")
	// One thread that nothing interrupts, so that the counts repeat.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out strings.Builder
	cmd.Stdout = &out
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = c.read(log)
	if werr := cmd.Wait(); werr != nil {
		return fmt.Errorf("%w: %s", werr, out.String())
	}
	return err
}
