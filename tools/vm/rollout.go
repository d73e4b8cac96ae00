package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"chordophone/tools/vm/qemu"
)

// Of releases that go from telephone to telephone.
const (
	soak       = 20 * time.Second // update-soak: what else may be waited for takes minutes
	fetchLimit = 5 * time.Minute
	quiet      = time.Minute // to be sure that nothing happens: more than soak, and two looks at the others
)

// rollouts has a release go from one telephone of the image to another, and a second one
// stopped at the first.
func rollouts(ctx context.Context, s settings) error {
	f, err := newFactory(filepath.Join(s.out, "rollout"), "release")
	if err != nil {
		return err
	}
	good, err := f.slot(ctx, telephone, newVersion)
	if err == nil {
		good, err = f.sign("good", product, newVersion, good)
	}
	if err != nil {
		return err
	}
	hermit, err := f.slot(ctx, "./tools/vm/hermit", hermitVersion)
	if err == nil {
		hermit, err = f.sign("hermit", product, hermitVersion, hermit)
	}
	if err != nil {
		return err
	}
	if s.program, err = f.program(ctx, telephone, oldVersion); err != nil {
		return err
	}
	p, err := newCouple(ctx, s, f.key+".pub")
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.meet(ctx); err != nil {
		return err
	}
	if err := p.spread(ctx, good); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(good), err)
	}
	if err := p.stop(ctx, hermit); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(hermit), err)
	}
	return nil
}

// couple is two telephones of the image in one office. People give releases to the first
// one only.
type couple struct {
	first, second *bench
	m1, m2        *qemu.Machine
}

func newCouple(ctx context.Context, s settings, signer string) (*couple, error) {
	first, err := newBench(ctx, s, "rollout-1", signer)
	if err != nil {
		return nil, err
	}
	s.out = filepath.Join(s.out, "second")
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return nil, err
	}
	second := &bench{settings: s, part: "rollout-2", signer: signer, rng: first.rng, network: first.network, seat: 2, promises: newPromises()}
	first.other = second
	if err := second.reach(); err != nil {
		return nil, err
	}
	return &couple{first: first, second: second}, second.insert(ctx)
}

func (p *couple) close() {
	for _, m := range []*qemu.Machine{p.m1, p.m2} {
		if m != nil {
			m.Kill()
		}
	}
	p.first.close()
	p.second.close()
}

// meet starts both, and the second joins the office of the first.
func (p *couple) meet(ctx context.Context) (err error) {
	if err := p.first.configure("update-soak", soak.String()); err != nil {
		return err
	}
	if p.m1, _, err = p.first.up(ctx, oldVersion, "A"); err != nil {
		return err
	}
	var open struct{ Code string }
	if err := p.first.ask(ctx, &open, "enrol open"); err != nil {
		return err
	}
	// Its hours are over, by whatever clock it has, and come again.
	early := time.Now().UTC().Add(-3 * time.Hour)
	hours := early.Format("15:04") + "-" + early.Add(time.Hour).Format("15:04")
	if err := p.second.configure("join", open.Code, "update-soak", soak.String(), "update-hours", hours); err != nil {
		return err
	}
	if p.m2, _, err = p.second.up(ctx, oldVersion, "A"); err != nil {
		return err
	}
	for _, b := range []*bench{p.first, p.second} {
		if err := b.until(ctx, patience, func() (bool, string, error) {
			var s status
			err := b.ask(ctx, &s, "status")
			return s.Ring.Size == 2, fmt.Sprintf("a ring of %d", s.Ring.Size), err
		}); err != nil {
			return err
		}
	}
	ok("two telephones of the image, an office of two, both with %s", oldVersion)
	return nil
}

// spread gives the first one a release: it tries it and keeps it, and only then the
// second one fetches it, waits for its hour, tries it and keeps it.
func (p *couple) spread(ctx context.Context, file string) (err error) {
	if err := p.give(ctx, file); err != nil {
		return err
	}
	var is installed
	if p.m1, is, err = p.first.up(ctx, newVersion, "B"); err != nil {
		return err
	}
	if is.Phase != "on trial" {
		return fmt.Errorf("the first one says %+v, want a trial", is)
	}
	if err := p.first.until(ctx, trialLimit, func() (bool, string, error) {
		// In this order: what the second one says is older.
		if is, err := p.second.says(ctx); err != nil || is != (installed{Running: "v" + oldVersion, Slot: "A", Phase: "idle"}) {
			return false, "", fmt.Errorf("while the first one is on trial, the second one says %+v (%w)", is, err)
		}
		is, err := p.first.says(ctx)
		return is.Phase == "idle", is.Phase, err
	}); err != nil {
		return err
	}
	found := time.Now()
	note("the first one found it good %.0f s after the start on trial", found.Sub(p.m1.Started).Seconds())
	if err := p.second.until(ctx, fetchLimit, func() (bool, string, error) {
		is, err = p.second.says(ctx)
		return is.Phase == "ready", fmt.Sprintf("%+v", is), err
	}); err != nil {
		return err
	}
	took := time.Since(found)
	if took < soak {
		return fmt.Errorf("the second one had the release after %v; want none before %v", took, soak)
	}
	for end := time.Now().Add(quiet); time.Now().Before(end); time.Sleep(2 * time.Second) {
		if is, err = p.second.says(ctx); err != nil || is.Phase != "ready" || is.Next != newVersion || is.Office != newVersion+": waiting" || is.Earliest.IsZero() {
			return fmt.Errorf("outside its hours the second one says %+v (%w)", is, err)
		}
	}
	ok("the second one fetched it from the first %.0f s later (%v of them soak), and waits: not before %s by its clock", took.Seconds(), soak, is.Earliest.Format("2006-01-02 15:04 MST"))

	if err := p.second.ask(ctx, nil, "config set update-hours any"); err != nil {
		return err
	}
	if err := p.second.ask(ctx, nil, "reboot"); err != nil {
		return err
	}
	if err := p.second.ends(ctx, p.m2); err != nil {
		return err
	}
	if p.m2, _, err = p.second.up(ctx, oldVersion, "A"); err != nil {
		return err
	}
	if err := p.second.leaves(ctx, p.m2); err != nil {
		return err
	}
	note("it left for its trial by itself %.0f s after its hours were changed", time.Since(p.m2.Started).Seconds())
	if p.m2, is, err = p.second.up(ctx, newVersion, "B"); err != nil {
		return err
	}
	if err := p.second.until(ctx, trialLimit, func() (bool, string, error) {
		is, err = p.second.says(ctx)
		return is.Phase == "idle", is.Phase, err
	}); err != nil {
		return err
	}
	if chosen, err := p.second.chosen(); is.Problem != "" || chosen != partitionB || err != nil {
		return fmt.Errorf("partition %d starts at the second one, which says %+v (%w)", chosen, is, err)
	}
	ok("given to one telephone by SSH, %s is tried and kept there, then fetched, tried and kept by the other", newVersion)
	return nil
}

// stop gives the first one a release that runs and does not telephone: it goes back by
// itself, and the second one never takes it.
func (p *couple) stop(ctx context.Context, file string) (err error) {
	if err := p.give(ctx, file); err != nil {
		return err
	}
	if p.m1, err = p.first.power(ctx); err != nil {
		return err
	}
	why, err := p.m1.Hear(ctx, "the trial is over", trialLimit)
	if err != nil {
		return err
	}
	note("%.0f s after the start: %s", time.Since(p.m1.Started).Seconds(), strings.TrimSpace(why))
	if err := p.first.ends(ctx, p.m1); err != nil {
		return err
	}
	var is installed
	if p.m1, is, err = p.first.up(ctx, newVersion, "B"); err != nil {
		return err
	}
	if is.Phase != "idle" || !strings.Contains(is.Problem, hermitVersion+" was given up") {
		return fmt.Errorf("after a release that does not telephone, the first one says %+v", is)
	}
	gaveUp := is.Problem
	for end := time.Now().Add(quiet); time.Now().Before(end); time.Sleep(2 * time.Second) {
		if is, err = p.second.says(ctx); err != nil || is.Running != "v"+newVersion || is.Slot != "B" || is.Phase != "idle" || is.Next+is.Problem != "" {
			return fmt.Errorf("after the other one gave a release up, the second one says %+v (%w)", is, err)
		}
	}
	select {
	case <-p.m2.Gone():
		return errors.New("the second one started again")
	default:
	}
	ok("a release that runs and does not telephone: the first one is back at %s without a hand (%s), and the other never took it (%s)", newVersion, gaveUp, is.Office)
	return nil
}

// give installs a release at the first one, and waits until it leaves for the trial.
func (p *couple) give(ctx context.Context, file string) error {
	con, err := p.first.admin.ready(ctx)
	if err != nil {
		return err
	}
	defer con.Close()
	begin := time.Now()
	if answer, err := con.install(file); err != nil {
		return fmt.Errorf("%w: %s\n%s", err, answer, p.m1.Last(20))
	}
	note("%s was installed by SSH in %.1f s", filepath.Base(file), time.Since(begin).Seconds())
	return p.first.leaves(ctx, p.m1)
}

// up starts the telephone and holds it to a version and to a slot.
func (b *bench) up(ctx context.Context, version, slot string) (*qemu.Machine, installed, error) {
	m, err := b.power(ctx)
	if err != nil {
		return nil, installed{}, err
	}
	ready, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	is, err := b.says(ready)
	if err == nil && (is.Running != "v"+version || is.Slot != slot) {
		err = fmt.Errorf("want version %s in slot %s: %+v", version, slot, is)
	}
	if err != nil {
		m.Kill()
		return nil, is, fmt.Errorf("%s, start %d: %w\n%s", b.part, b.boots, err, m.Last(20))
	}
	note("%s, start %d: ready after %.1f s with version %s in slot %s, %s", b.part, b.boots, time.Since(m.Started).Seconds(), version, slot, is.Phase)
	return m, is, nil
}

// ask runs a command on the telephone's console, on a connection of its own: those to the
// second telephone lead through the emulator of the first.
func (b *bench) ask(ctx context.Context, into any, command string) error {
	con, err := b.admin.ready(ctx)
	if err != nil {
		return err
	}
	defer con.Close()
	return con.run(into, command)
}

func (b *bench) says(ctx context.Context) (is installed, err error) {
	return is, b.ask(ctx, &is, "update status")
}

// until asks again and again until something is so. An error ends it.
func (b *bench) until(ctx context.Context, limit time.Duration, is func() (so bool, says string, err error)) error {
	for end := time.Now().Add(limit); ; time.Sleep(2 * time.Second) {
		so, says, err := is()
		switch {
		case so || err != nil:
			return err
		case time.Now().After(end):
			return fmt.Errorf("%s, within %v: %s", b.part, limit, says)
		}
	}
}

// ends waits until the telephone starts the machine anew, as autoboot.txt says.
func (b *bench) ends(ctx context.Context, m *qemu.Machine) error {
	select {
	case <-m.Gone():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(leaveLimit):
		return fmt.Errorf("it does not start anew\n%s", m.Last(10))
	}
	for _, line := range m.Since() {
		if strings.Contains(line, "tryboot") {
			return fmt.Errorf("it starts on trial: %s", line)
		}
	}
	dirty, _, err := b.cut(m, 0)
	if dirty > 0 && err == nil {
		err = fmt.Errorf("%d sectors were not on the medium when the machine started anew", dirty)
	}
	return err
}

// configure edits the settings on the card as a person does on any computer: pairs of
// a key and its value. The file stays as long as it was.
func (b *bench) configure(pairs ...string) error {
	begin, _, err := extent(b.card, 1)
	if err != nil {
		return err
	}
	selector, err := partition(b.card, 1)
	if err != nil {
		return err
	}
	const file = "phone.toml"
	at, _, err := selector.Locate(file)
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(selector, file)
	if err != nil {
		return err
	}
	for i := 0; i < len(pairs); i += 2 {
		old := regexp.MustCompile(`(?m)^#?` + pairs[i] + ` = .*$`).FindIndex(text)
		line := fmt.Sprintf("%s = %q", pairs[i], pairs[i+1])
		if old == nil || old[1]-old[0] < len(line) {
			return fmt.Errorf("%s has no line for %s", file, line)
		}
		copy(text[old[0]:old[1]], fmt.Sprintf("%-*s", old[1]-old[0], line))
	}
	_, err = b.card.WriteAt(text, begin+at)
	return err
}
