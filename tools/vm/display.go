package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chordophone/board"
	"chordophone/hal/display"
	"chordophone/tools/vm/i2c"
	"chordophone/tools/vm/qemu"
)

// glass is a telephone with a display, in a machine with others.
type glass struct {
	ext   string
	spec  string // of the board
	board *board.Board
	chip  interface {
		i2c.Chip
		Forget()
	}
	// shows is whether somebody sees these rows.
	shows func(rows []string) bool
}

// Each telephone has a place on the bus. QEMU's chip has lines for two: the third has no
// chip, which it says on its glass.
const glassBoard = `name vm-%s
chip label=%s
hook line=GPIO%d
key 5 line=GPIO%d
display driver=%s bus=0 address=%#x lines=4 columns=%d
`

const missing = "missing"

// moves is whether the telephone has a handset that moves.
func (g *glass) moves() bool { return g.board.Chip != missing }

// displays shows that what telephones write to their displays over a bus of the kernel is
// what can be read on the glass.
func displays(ctx context.Context, s settings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k, err := prepare(ctx, s.out)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all, err := newGlasses()
	if err != nil {
		return err
	}
	chips := map[uint16]i2c.Chip{}
	for _, g := range all {
		g.chip.Forget()
		chips[g.board.Display.Address] = g.chip
	}
	bus, err := i2c.Listen(filepath.Join(dir, "bus"), chips)
	if err != nil {
		return err
	}
	defer bus.Close()
	m, err := startGlasses(ctx, s, k, bus, all)
	if err != nil {
		return err
	}
	defer m.Kill()
	if err := showGlasses(ctx, m, bus, all); err != nil {
		return fmt.Errorf("%w (%s/display.log)", err, s.out)
	}
	return m.Quit()
}

func newGlasses() (all []*glass, err error) {
	painter := display.NewPainter()
	for i, driver := range []string{"hd44780", "ssd1306", "sh1106"} {
		g := &glass{ext: fmt.Sprint(131 + i)}
		chip, address, columns := "9030000.pl061", 0x3b+i, 21
		if i == 2 {
			chip = missing
		}
		if driver == "hd44780" {
			address, columns = 0x27, 20
			lcd := &i2c.LCD{Columns: columns}
			g.chip = lcd
			g.shows = func(rows []string) bool {
				seen := lcd.Seen()
				return slices.EqualFunc(rows, seen[:], func(row, seen string) bool { return strings.TrimRight(row, " ") == seen })
			}
		} else {
			oled := &i2c.OLED{SH1106: driver == "sh1106"}
			g.chip = oled
			g.shows = func(rows []string) bool { return bytes.Equal(oled.Seen(), painter.Paint(rows).Pix) }
		}
		g.spec = fmt.Sprintf(glassBoard, g.ext, chip, 4+2*i%4, 5+2*i%4, driver, address, columns)
		if g.board, err = board.Parse(strings.NewReader(g.spec)); err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// startGlasses starts the machine with the telephones in it, each an office of its own.
func startGlasses(ctx context.Context, s settings, k kernel, bus *i2c.Adapter, all []*glass) (*qemu.Machine, error) {
	var a archive
	if err := k.pack(&a, displayModules); err != nil {
		return nil, err
	}
	var lines strings.Builder
	for i, g := range all {
		a.text(g.ext+".board", g.spec)
		fmt.Fprintf(&lines, "run --data /data/%s --extension %[1]s --board /%[1]s.board --found vm%[1]s --listen 127.0.0.%d --no-discovery --dns-port 0 --ssh-port %d --log-level debug\n",
			g.ext, 11+i, 2222+i)
	}
	a.text("telephones", lines.String())
	image, err := starting(ctx, s, "display", &a)
	if err != nil {
		return nil, err
	}
	tree, err := namedLines(ctx, s.out)
	if err != nil {
		return nil, err
	}
	m, err := qemu.Start(ctx, qemu.Config{
		Name: "display", Kernel: k.image(), Initrd: image, Append: commandLine("--wait", "/dev/i2c-0"), Log: filepath.Join(s.out, "display.log"), Memory: memory, Control: true,
		Args: append([]string{"-dtb", tree, "-nic", "none", "-device", "qemu-xhci,id=usb"}, bus.Plug("usb.0")...),
	})
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		if !g.moves() {
			continue
		}
		key := g.board.Keys[0]
		if err := errors.Join(g.hang(m, true), m.GPIO.Pull(int(key.Line), key.ActiveLow)); err != nil {
			m.Kill()
			return nil, err
		}
	}
	return m, nil
}

// showGlasses moves the handsets and reads the glasses.
func showGlasses(ctx context.Context, m *qemu.Machine, bus *i2c.Adapter, all []*glass) error {
	two := all[:2]
	lift := func(up bool) func() error {
		return func() error {
			for _, g := range two {
				if err := g.hang(m, !up); err != nil {
					return err
				}
			}
			return nil
		}
	}
	read := func(text string) func() error {
		return func() error {
			for _, g := range two {
				if err := g.read(ctx, m, bus, text); err != nil {
					return err
				}
			}
			return nil
		}
	}
	say := func(what, text string) func() error {
		return func() error {
			return m.Until(ctx, "each telephone says that its display "+what, patience, func() bool {
				return strings.Count(strings.Join(m.Since(), "\n"), text) >= len(two)
			})
		}
	}
	const ready, dial = "ready", "dial a number"
	if err := inOrder(
		read(ready),
		func() error { return all[2].read(ctx, m, bus, ready, "no keys, no lamps") },
	); err != nil {
		return err
	}
	note("the telephones and their displays are ready %.1f s after the machine's power came on", time.Since(m.Started).Seconds())
	if err := inOrder(lift(true), read(dial), lift(false), read(ready)); err != nil {
		return err
	}
	ok("HD44780, SSD1306 and SH1106 on one I2C bus of the kernel: each shows, dot by dot, what its telephone has to say, and what it says next")

	m.Forget()
	bus.Silence(true)
	if err := inOrder(lift(true), say("is gone", "nothing answers at /dev/i2c-0, address")); err != nil {
		return err
	}
	bus.Look(func() {
		for _, g := range two {
			g.chip.Forget()
		}
	})
	bus.Silence(false)
	if err := inOrder(say("is back", "the display is back"), lift(false), read(ready)); err != nil {
		return err
	}
	ok("a display that loses its power and comes back is set up anew, and shows what is to be seen now")
	return nil
}

// inOrder does one step after the other until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// hang puts the handset into its cradle, or takes it up.
func (g *glass) hang(m *qemu.Machine, resting bool) error {
	return m.GPIO.Pull(int(g.board.Hook.Line), resting != g.board.Hook.ActiveLow)
}

// read waits until these lines can be read on the glass, below the name of the telephone
// and the time of day.
func (g *glass) read(ctx context.Context, m *qemu.Machine, bus *i2c.Adapter, text ...string) error {
	d := g.board.Display
	name := []string{g.ext + " vm" + g.ext}
	err := m.Until(ctx, fmt.Sprintf("%q can be read on the %s of %s", text, d.Driver, g.ext), patience, func() (shown bool) {
		now := time.Now().UTC()
		bus.Look(func() {
			for _, at := range []time.Time{now, now.Add(-time.Minute), now.Add(time.Minute)} {
				shown = shown || g.shows(display.Compose(slices.Concat(name, text), d.Lines, d.Columns, at))
			}
		})
		return shown
	})
	if err != nil && bus.Failure() != nil {
		return fmt.Errorf("%w\nthe bus: %v", err, bus.Failure())
	}
	return err
}
