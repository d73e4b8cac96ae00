package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chordophone/board"
	"chordophone/hal"
	"chordophone/tools/vm/qemu"
)

// patience is for what takes a moment in an emulated processor on a busy host.
const patience = 90 * time.Second

// The two telephones: QEMU's chip has eight lines, of which a board may use GPIO4 to
// GPIO7. One dials with a matrix, the other shows and rings and has a key of its
// own. settle is long because the copper is a program of the host. Ghosts are for the
// simulator: they need two rows and two columns, and the hook is the fifth line.
var boards = [2]string{`name vm-caller
chip label=9030000.pl061
keypad rows=GPIO5 cols=GPIO6,GPIO7 keys=1# settle=30ms
hook line=GPIO4
`, `name vm-callee
chip label=9030000.pl061
hook line=GPIO4
key 5 line=GPIO5
lamp line line=GPIO6
ringer line=GPIO7
`}

var (
	extensions = [2]string{"121", "111"}
	tones      = [2]float64{1000, 700} // what each says
)

// station is a telephone in its machine, and the hands at it.
type station struct {
	*qemu.Machine
	ext     string
	address [4]byte
	board   *board.Board
	copper  *copper
}

// production plays a call between two machines with the SD card's kernel.
func production(ctx context.Context, s settings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dump := filepath.Join(s.out, "production.pcap")
	if err := os.Remove(dump); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	w := watchCable(dump)
	defer w.close()
	stations, err := connect(ctx, s, dump)
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range stations {
			p.Kill()
		}
	}()
	a, b := stations[0], stations[1]
	for _, step := range []func(context.Context) error{
		b.bounces, b.flashes,
		func(ctx context.Context) error { return call(ctx, a, b) },
		func(ctx context.Context) error { return talk(ctx, s.out, a, b) },
		func(ctx context.Context) error { return unplug(ctx, s.out, a, b) },
		func(ctx context.Context) error { return hangUp(ctx, a, b) },
		func(ctx context.Context) error { return waits(ctx, w, a, b) },
		func(ctx context.Context) error { return atRest(ctx, a, b) },
		func(context.Context) error { return errors.Join(a.Quit(), b.Quit()) },
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("%w (%s/production-*.log)", err, s.out)
		}
	}
	return nil
}

// connect starts both machines and waits until the telephones are one office. What goes
// over the cable between them is written into dump.
func connect(ctx context.Context, s settings, dump string) (all []*station, err error) {
	kernel, err := fetchKernel(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := namedLines(ctx, s.out)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for i, ext := range extensions {
		files[ext+".board"] = boards[i]
		tone := filepath.Join(s.out, ext+"-says.wav")
		if err := voice(tone, tones[i]); err != nil {
			return nil, err
		}
		b, err := os.ReadFile(tone)
		if err != nil {
			return nil, err
		}
		files[ext+".wav"] = string(b)
		for n := range 2 {
			if err := os.Remove(ears(s.out, ext, n).file); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
		}
	}
	image, err := startup(ctx, s, "production", files)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // a socket that is connected needs its name no more
	defer func() {
		if err != nil {
			for _, p := range all {
				p.Kill()
			}
		}
	}()
	cable := "stream,id=net,addr.type=unix,addr.path=" + filepath.Join(dir, "cable")
	for i, ext := range extensions {
		p := &station{ext: ext, address: [4]byte{10, 77, 0, byte(21 + i)}}
		if p.board, err = board.Parse(strings.NewReader(boards[i])); err != nil {
			return all, err
		}
		office := []string{"--found", "vm", "--pairing-code", "4821-9375"}
		if i == 1 {
			office = []string{"--join", "4821-9375"}
		}
		args := []string{
			"--address", fmt.Sprintf("%v/24", netip.AddrFrom4(p.address)), "--effort", "20s", "run", "--data", "/data", "--extension", ext,
			"--board", "/" + ext + ".board", "--mic", "/" + ext + ".wav", "--ear", "alsa:hw:Audio", "--log-level", "debug",
		}
		var more []string
		if i == 0 {
			more = []string{"-object", fmt.Sprintf("filter-dump,id=dump,netdev=net,maxlen=%d,file=%s", dumpFrame, dump)}
		}
		p.Machine, err = qemu.Start(ctx, qemu.Config{
			Name: ext, Kernel: kernel, Initrd: image, Append: commandLine(append(args, office...)...),
			Log: filepath.Join(s.out, "production-"+ext+".log"), Memory: memory, Control: true,
			Args: append(more,
				"-dtb", tree,
				"-netdev", cable+map[bool]string{true: ",server=on", false: ",server=off"}[i == 0],
				"-device", "virtio-net-pci,romfile=,netdev=net,mac=52:54:00:77:00:0"+fmt.Sprint(i+1),
				"-device", "qemu-xhci,id=usb",
				"-audiodev", "wav,id=ear0,out.frequency=48000,path="+ears(s.out, ext, 0).file,
				"-audiodev", "wav,id=ear1,out.frequency=48000,path="+ears(s.out, ext, 1).file,
				"-device", "usb-audio,id=card0,bus=usb.0,audiodev=ear0"),
		})
		if err != nil {
			return all, err
		}
		all = append(all, p)
		if err = p.rest(); err != nil {
			return all, err
		}
	}
	for _, p := range all {
		if _, err = p.Hear(ctx, "tell ready", patience); err != nil {
			return all, err
		}
		note("%s is ready %.1f s after its power came on", p.ext, time.Since(p.Started).Seconds())
	}
	for _, p := range all {
		if got := p.moved(); len(got) > 0 {
			return all, fmt.Errorf("%s: nobody touches it, and yet %q", p.ext, got)
		}
		p.Forget()
	}
	ok("two machines with the SD card's kernel and a cable between them find each other and are one office")
	return all, nil
}

// rest puts all contacts where nobody touches them.
func (p *station) rest() (err error) {
	if err := p.hang(true); err != nil {
		return err
	}
	for _, k := range p.board.Keys {
		if err := p.GPIO.Pull(int(k.Line), k.ActiveLow); err != nil {
			return err
		}
	}
	p.copper, err = solder(p.board.Keypad, p.GPIO)
	return err
}

// hang puts the handset into its cradle, or takes it up.
func (p *station) hang(resting bool) error {
	return p.GPIO.Pull(int(p.board.Hook.Line), resting != p.board.Hook.ActiveLow)
}

// moved are the movements that the telephone was told of since the last Skip or Hear.
func (p *station) moved() []string {
	var all []string
	for _, l := range p.Since() {
		_, ev, ok := strings.Cut(l, "msg=phone event=")
		ev = strings.Trim(ev, `"`)
		if ok && (ev == "on" || ev == "off" || strings.HasPrefix(ev, "down ") || strings.HasPrefix(ev, "up ")) {
			all = append(all, ev)
		}
	}
	return all
}

// told waits until the telephone was told of these movements, and for a second
// whether more come.
func (p *station) told(ctx context.Context, what string, want ...string) error {
	err := p.Until(ctx, fmt.Sprintf("%s: %s is told %q", what, p.ext, want), patience, func() bool { return len(p.moved()) >= len(want) })
	if err != nil {
		return err
	}
	time.Sleep(time.Second)
	if got := p.moved(); !slices.Equal(got, want) {
		return fmt.Errorf("%s: %s is told %q, want %q", what, p.ext, got, want)
	}
	p.Forget()
	return nil
}

// bounces lifts and replaces a handset whose switch bounces, and presses a key whose
// contact does.
func (p *station) bounces(ctx context.Context) error {
	bounce := func(set func(bool) error, to bool) error {
		for i := range 9 {
			if err := set(to == (i%2 == 0)); err != nil {
				return err
			}
		}
		return nil
	}
	key := func(down bool) error { return p.GPIO.Pull(int(p.board.Keys[0].Line), !down) }
	for _, step := range []struct {
		set  func(bool) error
		to   bool
		want string
	}{{p.hang, false, "off"}, {key, true, "down 5"}, {key, false, "up 5"}, {p.hang, true, "on"}} {
		if err := bounce(step.set, step.to); err != nil {
			return err
		}
		if err := p.told(ctx, "a contact that bounces", step.want); err != nil {
			return err
		}
	}
	ok("a hook switch and a key that bounce move once")
	return nil
}

// flashes dips the hook. How long the dip is for the telephone is up to a busy host:
// one that it took for hanging up, or did not see, is tried again.
func (p *station) flashes(ctx context.Context) error {
	if err := p.hang(false); err != nil {
		return err
	}
	if err := p.told(ctx, "lifted", "off"); err != nil {
		return err
	}
	for range 5 {
		if err := p.hang(true); err != nil {
			return err
		}
		time.Sleep(250 * time.Millisecond)
		if err := p.hang(false); err != nil {
			return err
		}
		told := p.Until(ctx, "a dip of the hook is told", 10*time.Second, func() bool { return len(p.moved()) >= 2 })
		if ctx.Err() != nil {
			return told
		}
		got := p.moved()
		p.Forget()
		if !slices.Equal(got, []string{"down r", "up r"}) {
			note("a dip of the hook took too long, or not long enough: %q", got)
			continue
		}
		if err := p.hang(true); err != nil {
			return err
		}
		if err := p.told(ctx, "replaced", "on"); err != nil {
			return err
		}
		ok("a short dip of the hook is the recall key, a long one hangs up")
		return nil
	}
	return errors.New("no dip of the hook is the recall key")
}

// press presses a key of the matrix and releases it.
func (p *station) press(ctx context.Context, k hal.Key) error {
	for _, step := range []struct {
		down bool
		want string
	}{{true, "down "}, {false, "up "}} {
		if err := p.copper.press(k, step.down); err != nil {
			return err
		}
		if _, err := p.Hear(ctx, `event="`+step.want+string(rune(k))+`"`, patience); err != nil {
			return err
		}
	}
	return nil
}

// lamp is whether the lamp shines.
func (p *station) lamp() bool { return p.GPIO.High(int(p.board.Lamps[0].Line)) }

// bell is whether the bell sounds.
func (p *station) bell() bool { return p.GPIO.High(int(p.board.Ringer.Line)) }
