package appliance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/boot"
	"chordophone/firmware/appliance/clock"
	"chordophone/firmware/appliance/disk"
	"chordophone/firmware/appliance/guard"
)

const (
	cardPatience = 10 * time.Second // for a slow card
	slowCard     = 5 * time.Minute  // to format it, at the longest
	lastWords    = 5 * time.Second  // to the card, at the end
	lookEvery    = 20 * time.Second // at the card
	clockEvery   = 10 * time.Minute
	vaultEvery   = 5 * time.Minute
)

// process1 is process 1. All of it belongs to one goroutine but for log and the two
// channels.
type process1 struct {
	state  boot.State
	guard  *guard.Guard
	dog    watchdog
	log    *book
	card   keeper
	faults []beat.Fault // of the card
	done   chan report  // of the work on it
	atWork bool
	kids   [2]*program // nil: not running; by guard.Program
	told   [2][]beat.Fault
	lives  [2]int // changes whenever one starts or ends
	starts [2]int // how often each was started
	heard  chan word

	lookAt, clockAt, vaultAt time.Time
}

// word is what came of a program in one of its lives.
type word struct {
	program guard.Program
	life    int
	event   guard.Event
}

// initialize is process 1, from the first mount to the last.
func initialize(version string) {
	mounted := mountEarly()
	p := &process1{state: boot.Read("/proc"), heard: make(chan word, 16), done: make(chan report, 1)}
	p.log = newBook(p.state.Quiet)
	p.note("chordophone %s, partition %d, trial %v", version, p.state.Partition, p.state.Trial)
	if mounted != nil {
		p.fault("%v", mounted)
	}
	sysctl("kernel/panic", "5") // a process 1 that dies starts the machine anew
	sysctl("kernel/panic_on_oops", "1")
	unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // the three keys are a signal
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGCHLD, unix.SIGTERM, unix.SIGINT, unix.SIGUSR2)
	if !p.state.NoWatchdog {
		var err error
		if p.dog, err = openWatchdog(); err != nil {
			p.fault("%v", err)
		}
	}
	go p.log.kernel()
	settled := make(chan struct{})
	go p.dog.feedUntil(settled, slowCard)
	p.openCard()
	go func() {
		if err := loadModules(moduleDir, insert); err != nil {
			p.fault("%v", err)
		}
	}()
	p.setClock()
	close(settled)
	p.guard = guard.New(guard.Config{Trial: p.state.Trial})
	p.step(guard.Begin{})
	for {
		p.wait(signals)
	}
}

// openCard finds a place for the data and takes what people put on the card.
func (p *process1) openCard() {
	c, err := disk.Find("/sys", "/dev", cardPatience)
	if err != nil {
		p.fault("no card: %v", err)
	} else {
		p.note("card %s, %d MiB", c.Device, c.Size*disk.Sector>>20)
		p.card.medium, p.card.keep = partition{c}, c.Keep
	}
	place, err := settle(p.card.medium, memoryDir)
	if err != nil {
		p.fault("%v", err) // the telephone says so, too
	}
	p.card.dir, p.card.memory, p.faults = place.dir, place.memory, place.faults
	for _, n := range place.notes {
		p.note("%s", n)
	}
	p.note("data in %s", p.card.dir)
	if !p.card.memory {
		p.log.keep(p.card.dir)
	}
	if c == nil {
		return
	}
	if err := mount(c.Part(disk.Selector), selectorDir, "vfat", private|unix.MS_RDONLY, "umask=0077"); err != nil {
		p.fault("%v", err)
		return
	}
	defer unix.Unmount(selectorDir, 0) // nobody else looks at it
	// What a wireless device is to be loaded with may not come with the system.
	if err := os.CopyFS(firmwareDir, os.DirFS(filepath.Join(selectorDir, "firmware"))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.fault("%v", err)
	}
	notes, err := provision(selectorDir, p.card.dir)
	for _, n := range notes {
		p.note("%s", n)
	}
	if err != nil {
		p.fault("%v", err)
	}
}

// setClock begins where the time was last, if the machine knows no better.
func (p *process1) setClock() {
	now := time.Now()
	p.lookAt, p.clockAt, p.vaultAt = now.Add(lookEvery), now.Add(clockEvery), now.Add(time.Minute)
	if floor := clock.Floor(p.card.dir); now.Before(floor) {
		if err := clock.Set(floor); err != nil {
			p.fault("%v", err)
		}
	}
}

// shift moves the clock as the telephone has agreed with others, or as a person says there.
func (p *process1) shift(by time.Duration) {
	if err := clock.Shift(by); err != nil {
		p.fault("%v", err)
		return
	}
	p.note("the clock is moved by %v, as the telephone says", by)
	p.clockAt = time.Now() // what is new is kept soon
}

// wait takes what comes next.
func (p *process1) wait(signals <-chan os.Signal) {
	next := p.guard.Next()
	for _, t := range []time.Time{p.lookAt, p.clockAt, p.vaultAt} {
		if t.Before(next) {
			next = t
		}
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case r := <-p.done:
		p.worked(r)
	case w := <-p.heard:
		if w.life == p.lives[w.program] { // else of one that is no more
			p.take(w.event)
		}
	case s := <-signals:
		switch s {
		case unix.SIGCHLD:
			p.reap()
		case unix.SIGUSR2:
			p.step(guard.Ask{How: guard.PowerOff})
		default:
			p.step(guard.Ask{How: guard.Reboot})
		}
	case <-timer.C:
		p.routine(time.Now())
		p.step(guard.Tick{})
	}
}

// take takes what a program told.
func (p *process1) take(ev guard.Event) {
	if said, ok := ev.(guard.Said); ok {
		switch said.Message.Kind {
		case beat.Trouble:
			p.told[said.Program] = said.Message.Faults
			p.tellHealth()
		case beat.Shift:
			p.shift(said.Message.By)
		}
	}
	p.step(ev)
}

// tellHealth tells the telephone all that is wrong.
func (p *process1) tellHealth() {
	if kid := p.kids[guard.Telephone]; kid != nil {
		kid.line.SetWriteDeadline(time.Now().Add(time.Second))
		beat.Send(kid.line, beat.Message{Kind: beat.Health, Faults: union(p.faults, p.told[guard.Network])})
	}
}

// reap collects what has ended.
func (p *process1) reap() {
	for _, r := range reap() {
		i := slices.IndexFunc(p.kids[:], func(k *program) bool { return k != nil && k.pid == r.pid })
		if i < 0 {
			continue // an orphan
		}
		p.kids[i], p.told[i] = nil, nil
		p.lives[i]++ // what it has told is old
		p.log.flush()
		p.step(guard.Exited{Program: guard.Program(i), Code: r.code})
	}
}

// step has the guard decide, and does it.
func (p *process1) step(ev guard.Event) {
	for _, a := range p.guard.Step(time.Now(), ev) {
		switch a := a.(type) {
		case guard.Start:
			p.start(a)
		case guard.End:
			if kid := p.kids[a.Program]; kid != nil {
				kid.end(a.Signal)
			}
		case guard.Feed:
			p.dog.feed()
		case guard.Leave:
			p.leave(a.How)
		case guard.Name:
			if err := unix.Sethostname([]byte(a.Name)); err != nil {
				p.fault("hostname: %v", err)
			}
		case guard.Note:
			p.fault("%s", a.Text)
		}
	}
}

// start starts a program.
func (p *process1) start(a guard.Start) {
	name, args := networkName, []string(nil)
	if a.Program == guard.Telephone {
		name, args = "chordophone", telephoneArgs(p.card.dir, a.Safe)
	}
	p.lives[a.Program]++
	life := p.lives[a.Program]
	defer func() { p.starts[a.Program]++ }()
	say := p.log.line
	if a.Program == guard.Telephone {
		say = p.log.telephone
	}
	kid, err := start(name, args, []string{dataVariable + "=" + p.card.dir, fmt.Sprintf("%s=%d", beat.LivesVariable, p.starts[a.Program])},
		func(text string) { say(a.Program.String(), text) },
		func(m beat.Message) { p.heard <- word{a.Program, life, guard.Said{Program: a.Program, Message: m}} })
	if err != nil {
		p.fault("%v", err)
		// Not from within this Step.
		go func() { p.heard <- word{a.Program, life, guard.Exited{Program: a.Program, Code: -1}} }()
		return
	}
	p.kids[a.Program] = kid
	if a.Program == guard.Telephone {
		p.tellHealth()
	}
}

// routine begins what is done now and then. A card may hang for seconds, or for ever,
// and process 1 must not: the work is that of a goroutine, one at a time.
func (p *process1) routine(now time.Time) {
	do := duty{clock: !now.Before(p.clockAt), vault: !now.Before(p.vaultAt), look: !now.Before(p.lookAt)}
	if do.clock {
		p.clockAt = now.Add(clockEvery)
	}
	if do.vault {
		p.vaultAt = now.Add(vaultEvery)
	}
	if do.look {
		p.lookAt = now.Add(lookEvery)
	}
	if p.atWork || do == (duty{}) {
		return
	}
	p.atWork = true
	card := p.card
	go func() { p.done <- card.work(do) }()
}

// worked takes what came of the work.
func (p *process1) worked(r report) {
	p.atWork = false
	for _, n := range r.notes {
		p.note("%s", n)
	}
	if p.card.memory {
		return
	}
	p.card.errors = r.errors
	faults := r.faults
	switch {
	case r.moved:
		p.log.forget()
		p.card.dir, p.card.memory = memoryDir, true
	case slices.Contains(p.faults, faultRemade):
		faults = union([]beat.Fault{faultRemade}, faults)
	}
	if r.looked && !slices.Equal(faults, p.faults) {
		p.fault("wrong with the card: %q", faults)
		p.faults = faults
		p.tellHealth()
	}
	if r.moved {
		p.step(guard.Renew{Why: "its data is in memory now"})
	}
}

// leave ends it all, in order, and does not return: what hangs meets the watchdog.
func (p *process1) leave(how guard.How) {
	card, done := p.card, make(chan struct{})
	go func() {
		card.work(duty{clock: true, vault: true})
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(lastWords):
	}
	unix.Kill(-1, unix.SIGKILL) // all but process 1
	p.note("%s", how)
	p.log.forget()
	unix.Sync()
	if p.card.medium != nil && !p.card.memory {
		for range 20 { // until the killed have let go
			if p.card.medium.Unmount() == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
			reap()
		}
	}
	err := map[guard.How]func() error{guard.TryBoot: boot.Try, guard.PowerOff: boot.Off, guard.Reboot: boot.Again}[how]()
	fmt.Fprintln(os.Stderr, err)
	boot.Again()
	select {}
}

func (p *process1) note(format string, args ...any) {
	p.log.line("guard", stamp()+fmt.Sprintf(format, args...))
}

// fault is note for what is wrong, or why the telephone is away.
func (p *process1) fault(format string, args ...any) {
	p.log.wrong("guard", stamp()+fmt.Sprintf(format, args...))
}
