package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"chordophone/tools/vm/nbd"
	"chordophone/tools/vm/qemu"
)

// cardSize in octets: more than the image, so that the data partition grows.
const cardSize = 512 << 20

// bench is a telephone whose disk can lose its power, and the people round it.
type bench struct {
	settings
	part     string // that it is for, in the names of files
	signer   string // file with the public key of releases, "": none
	tryboot  bool   // the next start is on trial; asked for once, as of the boot firmware
	rng      *rand.Rand
	card     *os.File
	disk     *nbd.Disk
	socket   string // of the disk
	ports    [3]int // of this host that lead to the telephone's: see guestPorts
	network  *ethernet
	other    *bench // with another telephone of the image, nil: none
	seat     int    // of the telephone in the network; this host is next to seat 0
	admin    *administrator
	client   *client
	promises *promises
	boots    int
	set      time.Time // to what the clock was set by hand; zero: it was not
}

// powerCuts cuts the power again and again, then once more under a disk that lies,
// which must be noticed.
func powerCuts(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s, "cuts", "")
	if err != nil {
		return err
	}
	defer b.close()
	note("%d cuts with seed %d", s.cuts, s.seed)
	if err := b.furnish(ctx); err != nil {
		return err
	}
	if err := b.setClock(ctx); err != nil {
		return err
	}
	fmt.Println("  cut  ready   kept promises    worked   promises made        unflushed and")
	fmt.Println("         s     are there           s   contact account msg   sectors survived")
	for n := 1; n <= s.cuts; n++ {
		if err := b.round(ctx, n); err != nil {
			return fmt.Errorf("cut %d: %w", n, err)
		}
	}
	took, broken, err := b.lastCheck(ctx)
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return fmt.Errorf("after the last cut: %q", broken)
	}
	ok("%d cuts: it started again each time (the last time in %.1f s), and nothing that it had acknowledged was lost", s.cuts, took.Seconds())
	ok("its clock, which a person had set an hour ahead of its machine's, was never behind that again")
	return b.control(ctx)
}

// newBench makes a card and serves it. signer is a file with the public key of who
// makes releases, or "".
func newBench(ctx context.Context, s settings, part, signer string) (b *bench, err error) {
	b = &bench{settings: s, part: part, signer: signer, rng: rand.New(rand.NewPCG(s.seed, 0)), promises: newPromises()}
	if b.network, err = newEthernet(3); err != nil { // the telephone, this host, another telephone
		return nil, err
	}
	context.AfterFunc(ctx, b.network.close)
	if err := b.reach(); err != nil {
		return nil, err
	}
	if b.client, err = newClient(fmt.Sprintf("127.0.0.1:%d", b.ports[2]), office); err != nil {
		return nil, err
	}
	return b, b.insert(ctx, "--office", office)
}

// reach chooses ports of this host that lead to the telephone.
func (b *bench) reach() (err error) {
	for i := range b.ports {
		if b.ports[i], err = freePort(); err != nil {
			return err
		}
	}
	b.admin, err = newAdministrator(fmt.Sprintf("127.0.0.1:%d", b.ports[0]), fmt.Sprintf("127.0.0.1:%d", b.ports[1]))
	return err
}

// insert makes the telephone's card, with options of tools/image, and a disk of it.
func (b *bench) insert(ctx context.Context, options ...string) (err error) {
	if b.card, err = b.newCard(ctx, options...); err != nil {
		return err
	}
	if b.disk, err = nbd.NewDisk(b.card, cardSize); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		return err
	}
	b.socket = filepath.Join(dir, "disk")
	l, err := net.Listen("unix", b.socket)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go nbd.Serve(conn, b.disk) // an emulator that was killed breaks the protocol
		}
	}()
	return nil
}

// close ends what does not end by itself.
func (b *bench) close() {
	if b.client != nil {
		b.client.close()
	}
	b.card.Close()
	os.RemoveAll(filepath.Dir(b.socket))
}

const office = "vm"

// newCard makes the image that is flashed, on a card that is larger.
func (b *bench) newCard(ctx context.Context, options ...string) (*os.File, error) {
	keys, name := filepath.Join(b.out, "authorized_keys"), filepath.Join(b.out, "card.img")
	if err := os.WriteFile(keys, []byte(b.admin.authorized()), 0o600); err != nil {
		return nil, err
	}
	options = append(options, "--authorized-keys", keys)
	if b.signer != "" {
		options = append(options, "--release-key", b.signer)
	}
	if err := image(ctx, b.program, name, options...); err != nil {
		return nil, err
	}
	if err := os.Truncate(name, cardSize); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}

// image makes an image of a program, and beside it the file of its slot.
func image(ctx context.Context, program, name string, options ...string) error {
	args := []string{"run", "./tools/image", "--binary", program, "--board", "usb-handset", "--out", name}
	return visible(exec.CommandContext(ctx, "go", append(args, options...)...))
}

// freePort is a port of this host that nobody uses now.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// power switches the telephone on: what lies on the card starts.
func (b *bench) power(ctx context.Context) (*qemu.Machine, error) {
	b.boots++
	b.disk.Power()
	b.promises.begin()
	trial := 0
	if b.tryboot {
		trial = 1
	}
	system, err := startSystem(b.card, b.out, b.tryboot)
	b.tryboot = false
	if err != nil {
		return nil, err
	}
	args := []string{
		"-drive", "if=none,id=disk,format=raw,file=nbd:unix:" + b.socket,
		"-device", "virtio-blk-pci,drive=disk",
		"-netdev", b.network.plug(b.seat, "net"),
		"-device", fmt.Sprintf("virtio-net-pci,romfile=,netdev=net,mac=52:54:00:77:00:%02x", b.seat+1),
	}
	if b.seat == 0 {
		args = append(args, "-netdev", "user,id=host"+b.forwards("10.0.2.15"), "-netdev", b.network.plug(1, "up"),
			"-netdev", "hubport,id=hub1,hubid=0,netdev=host", "-netdev", "hubport,id=hub2,hubid=0,netdev=up")
	}
	return qemu.Start(ctx, qemu.Config{
		Name: fmt.Sprintf("%s %d", b.part, b.boots), Kernel: system.kernel, Initrd: system.initrd, Memory: memory,
		Append: fmt.Sprintf("%s chordophone.partition=%d chordophone.trial=%d", system.commandLine, system.partition, trial),
		Log:    filepath.Join(b.out, fmt.Sprintf("%s-%d.log", b.part, b.boots)),
		Args:   args,
	})
}

// guestPorts are the telephone's: the console's, on an appliance and elsewhere, and SIP's.
var guestPorts = [3]string{"tcp 22", "tcp 2222", "udp 5060"}

// forwards are QEMU's words for the ports that lead to the telephone, which asks for an
// address first and gets this one, and to the other one, which gets the next.
func (b *bench) forwards(address string) (words string) {
	for i, p := range guestPorts {
		proto, port, _ := strings.Cut(p, " ")
		words += fmt.Sprintf(",hostfwd=%s:127.0.0.1:%d-%s:%s", proto, b.ports[i], address, port)
	}
	if b.other != nil {
		words += b.other.forwards(netip.MustParseAddr(address).Next().String())
	}
	return words
}

// cut takes the power away: first from the disk, so that nothing that the machine
// does later reaches it.
func (b *bench) cut(m *qemu.Machine, p float64) (dirty, survived int, err error) {
	dirty, survived, err = b.disk.Cut(b.rng, p)
	m.Kill()
	return dirty, survived, err
}

// limits of a start and of a check.
const (
	startLimit = 3 * time.Minute
	checkLimit = 3 * time.Minute
)

// start switches the telephone on, waits until it is ready, and holds it to what it
// promised before.
func (b *bench) start(ctx context.Context) (m *qemu.Machine, con *console, took time.Duration, broken []string, err error) {
	if m, err = b.power(ctx); err != nil {
		return nil, nil, 0, nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, m.Last(20))
			m.Kill()
		}
	}()
	ready, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if con, err = b.admin.ready(ready); err != nil {
		return m, nil, 0, nil, err
	}
	took = time.Since(m.Started)
	if err = b.later(con); err != nil {
		return m, con, took, nil, err
	}
	check, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	if b.boots > 1 {
		broken, err = b.promises.check(check, b.client, con)
	}
	return m, con, took, broken, err
}

// furnish makes what all rounds need.
func (b *bench) furnish(ctx context.Context) error {
	m, con, took, _, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	note("a new telephone is ready %.1f s after its power came on", took.Seconds())
	if err := b.settle(con); err != nil {
		return err
	}
	_, _, err = b.cut(m, 0.5)
	return err
}

// settle makes the accounts.
func (b *bench) settle(con *console) error {
	for _, user := range append([]string{box}, registrants[:]...) {
		if err := con.run(nil, "accounts add "+user+" --password '"+password+"'"); err != nil {
			return err
		}
		b.promises.note(b.promises.accounts, user, kept, &b.promises.made.accounts)
	}
	return nil
}

// round lets the telephone start and work, and cuts its power: once in five rounds
// while it is still starting, else while it works; half of the cuts at any moment,
// half in the middle of writing.
func (b *bench) round(ctx context.Context, n int) error {
	writing := 0
	if b.rng.IntN(2) == 0 {
		writing = 1 + b.rng.IntN(12)
	}
	if b.rng.IntN(5) == 0 {
		m, err := b.power(ctx)
		if err != nil {
			return err
		}
		wait := time.Duration(b.rng.Int64N(int64(8 * time.Second)))
		b.moment(ctx, wait, writing)
		dirty, survived, err := b.cut(m, 0.5)
		fmt.Printf("  %3d  cut %.1f s after the power came on                            %7d %8d\n", n, time.Since(m.Started).Seconds(), dirty, survived)
		return err
	}
	m, con, took, broken, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	if len(broken) > 0 {
		return fmt.Errorf("%d promises are broken: %q (seed %d)", len(broken), broken, b.seed)
	}
	checked := time.Since(m.Started) - took
	begin := time.Now()
	long := 500*time.Millisecond + time.Duration(b.rng.Int64N(int64(5*time.Second)))
	dirty, survived, err := b.workAndCut(ctx, m, con, long, writing, 0.5)
	if err != nil {
		return err
	}
	made := b.promises.count()
	fmt.Printf("  %3d  %5.1f   all, in %4.1f s    %4.1f   %7d %7d %3d   %7d %8d\n",
		n, took.Seconds(), checked.Seconds(), time.Since(begin).Seconds(), made.contacts, made.accounts, made.messages, dirty, survived)
	return nil
}

// moment waits for a while and then, if writing is not 0, until the disk has lost its
// power at that write.
func (b *bench) moment(ctx context.Context, wait time.Duration, writing int) {
	time.Sleep(wait)
	if writing == 0 {
		return
	}
	select {
	case <-b.disk.Doom(writing):
	case <-ctx.Done():
	case <-time.After(10 * time.Second): // nothing is written
	}
}

// workAndCut lets the telephone promise things for a while and cuts the power in the
// middle of it.
func (b *bench) workAndCut(ctx context.Context, m *qemu.Machine, con *console, long time.Duration, writing int, p float64) (dirty, survived int, err error) {
	working, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { b.promises.work(working, b.client, con) })
	b.moment(ctx, long, writing)
	dirty, survived, err = b.cut(m, p)
	stop()
	con.Close()
	done.Wait()
	return dirty, survived, err
}

// lastCheck starts the telephone and holds it to its promises.
func (b *bench) lastCheck(ctx context.Context) (time.Duration, []string, error) {
	m, con, took, broken, err := b.start(ctx)
	if err != nil {
		return 0, nil, err
	}
	con.Close()
	// In good order: what follows begins with what is kept now.
	if err := b.disk.Flush(); err != nil {
		return 0, nil, err
	}
	_, _, err = b.cut(m, 1)
	return took, broken, err
}

// control proves that lost promises are noticed: the disk answers flushes, keeps
// nothing, and forgets all of it at the cut.
func (b *bench) control(ctx context.Context) error {
	b.disk.Lies = true
	m, con, _, broken, err := b.start(ctx)
	if err != nil || len(broken) > 0 {
		return fmt.Errorf("%w, %q", err, broken)
	}
	defer m.Kill()
	enough, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	go func() {
		for enough.Err() == nil && b.promises.count().all() < 20 {
			time.Sleep(50 * time.Millisecond)
		}
		cancel()
	}()
	b.promises.work(enough, b.client, con)
	con.Close()
	if _, _, err := b.cut(m, 0); err != nil {
		return err
	}
	made := b.promises.count()
	b.disk.Lies = false
	b.promises.arrive = 5 * time.Second // nothing will
	_, broken, err = b.lastCheck(ctx)
	if err != nil {
		return err
	}
	if len(broken) == 0 || made.all() == 0 {
		return fmt.Errorf("a disk that forgets what it was told to keep is not noticed: %d promises were made, none is broken", made.all())
	}
	ok("the control: under a disk that answers flushes and keeps nothing, %d of the last %d promises are broken, and it is noticed", len(broken), made.all())
	return nil
}
