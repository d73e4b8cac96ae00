package rollout

import (
	"fmt"
	"slices"
	"time"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// Config is how fast.
type Config struct {
	Soak   time.Duration // a release runs somewhere so long before others want it
	Settle time.Duration // from saying that one leaves to leaving: the ring is read meanwhile
	Turn   time.Duration // a phone that could leave and does not is passed over
	Lost   time.Duration // a phone that left and does not come back is lost
	Most   int           // phones away at a time
}

// Default suits an office: the notices are read every ten seconds, a trial takes some
// five minutes.
var Default = Config{Soak: 10 * time.Minute, Settle: 30 * time.Second, Turn: 15 * time.Minute, Lost: 30 * time.Minute, Most: 4}

// After what went wrong with a source or a fetch.
const (
	again   = time.Minute     // an answer may come yet
	shunned = time.Hour       // a phone that showed garbage
	refetch = 5 * time.Minute // the first time that nobody could bring a release; then twice as long
	longest = 24 * time.Hour
	learnTO = time.Minute // an answer to Learn takes no longer

	maxPhones = 4096 // notices that are looked at
	maxUnfit  = 64   // releases that are remembered as not for this phone, or not to be had
)

// Phase is where this phone is with a release.
type Phase int

// The phases: see the drawing in the package comment.
const (
	Watching Phase = iota
	Fetching
	Waiting
	Asking
	Gone
)

func (p Phase) String() string {
	return [...]string{"watching", "fetching", "waiting", "asking", "gone"}[p]
}

// Machine is the state machine.
type Machine struct {
	self overlay.ID
	cfg  Config

	own    Notice
	phones []Phone // of the others, by Node-ID
	free   bool

	phase  Phase
	want   candidate // phase is not Watching, or it soaks
	since  time.Time // phase began
	asked  Learn
	until  time.Time // an answer to asked is waited for
	unfit  []release.ID
	absent []absence
	shun   map[overlay.ID]time.Time
	left   map[overlay.ID]departure
	turned map[overlay.ID]time.Time // whose turn it is, since when
}

// departure is a phone that said it leaves.
type departure struct {
	subject release.ID
	since   time.Time
}

// New makes the machine of a phone. Own is to be its first event.
func New(self overlay.ID, cfg Config) *Machine {
	return &Machine{self: self, cfg: cfg,
		shun: make(map[overlay.ID]time.Time), left: make(map[overlay.ID]departure), turned: make(map[overlay.ID]time.Time)}
}

// Phase is where this phone is, and with which release.
func (m *Machine) Phase() (Phase, release.Version) { return m.phase, m.want.version }

// Stopped says why the release this phone wants goes no further, or "".
func (m *Machine) Stopped(now time.Time) string {
	for _, p := range m.phones {
		if p.Notice.Subject != m.want.id || m.want.id.IsZero() {
			continue
		}
		if p.Notice.State == GaveUp {
			return fmt.Sprintf("phone %.8s gave it up", p.Node)
		}
		if d, ok := m.left[p.Node]; ok && d.subject == m.want.id && now.Sub(d.since) >= m.cfg.Lost {
			return fmt.Sprintf("phone %.8s did not come back", p.Node)
		}
	}
	return ""
}

// Warned is the newest release that another phone gave up and this one does not run, and
// which phone that is.
func (m *Machine) Warned() (v release.Version, by overlay.ID, ok bool) {
	v = m.own.Version
	for _, p := range m.phones {
		if n := p.Notice; n.State == GaveUp && n.SubjectVersion.Compare(v) > 0 {
			v, by, ok = n.SubjectVersion, p.Node, true
		}
	}
	return v, by, ok
}

// Step takes an event.
func (m *Machine) Step(now time.Time, ev Event) (do []Action) {
	switch ev := ev.(type) {
	case Own:
		do = m.setOwn(ev.Notice)
	case Notices:
		m.read(now, ev.Phones)
	case Learned:
		m.learned(now, ev)
	case Fetched:
		m.fetched(now, ev)
	case Free:
		m.free = ev.Free
	case Tick:
	default:
		panic(fmt.Sprintf("BUG: event %T", ev))
	}
	return append(do, m.decide(now)...)
}

// setOwn says how this phone is. What it wanted before is over, unless that is what
// it says.
func (m *Machine) setOwn(n Notice) []Action {
	if m.phase == Gone && n.State == Leaving && n.Subject == m.want.id {
		return nil
	}
	m.own = n
	if n.State != Well || n.Version.Compare(m.want.version) >= 0 {
		m.drop()
	}
	return []Action{Announce{n}}
}

// notice is what this phone says now.
func (m *Machine) notice() Notice {
	n := m.own
	if m.phase == Asking || m.phase == Gone {
		n.State, n.Subject, n.SubjectVersion = Leaving, m.want.id, m.want.version
	}
	return n
}

func (m *Machine) drop() {
	m.phase, m.want = Watching, candidate{}
	clear(m.turned)
}

// read takes what the others say.
func (m *Machine) read(now time.Time, phones []Phone) {
	m.phones = slices.Clone(phones[:min(len(phones), maxPhones)])
	m.phones = slices.DeleteFunc(m.phones, func(p Phone) bool { return p.Node == m.self })
	slices.SortFunc(m.phones, func(a, b Phone) int { return a.Node.Compare(b.Node) })
	left := make(map[overlay.ID]departure)
	for _, p := range m.phones {
		if p.Notice.State != Leaving {
			continue
		}
		d, ok := m.left[p.Node]
		if !ok || d.subject != p.Notice.Subject {
			d = departure{p.Notice.Subject, now}
		}
		left[p.Node] = d
	}
	m.left = left
	for node, until := range m.shun {
		if !now.Before(until) {
			delete(m.shun, node)
		}
	}
}

// decide does what it is time for.
func (m *Machine) decide(now time.Time) []Action {
	do := m.look(now)
	if m.want.id.IsZero() {
		return do
	}
	if m.own.State == Leaving { // for what a person has installed
		return do
	}
	if m.phase != Gone && m.Stopped(now) != "" {
		if m.phase == Asking {
			do = append(do, m.stay())
		}
		return do
	}
	switch m.phase {
	case Watching:
		switch sources := m.running(now); {
		case len(sources) == 0: // nobody has it any more
			m.drop()
		case now.Sub(m.want.seen) >= m.cfg.Soak:
			m.phase, m.since = Fetching, now
			do = append(do, Fetch{m.want.id, sources})
		}
	case Waiting:
		if m.myTurn(now) && m.free {
			m.phase, m.since = Asking, now
			do = append(do, Announce{m.notice()})
		}
	case Asking:
		switch {
		case !m.free:
			do = append(do, m.stay())
		case now.Sub(m.since) < m.cfg.Settle:
		case m.mayLeave(now):
			m.phase, m.since = Gone, now
			do = append(do, Try{m.want.id})
		default:
			do = append(do, m.stay())
		}
	case Gone:
		if now.Sub(m.since) >= m.cfg.Lost/2 { // it could not start again
			m.unfit = append(m.unfit, m.want.id)
			do = append(do, m.stay())
			m.drop()
		}
	}
	return do
}

// stay takes back what Asking announced.
func (m *Machine) stay() Action {
	m.phase = Waiting
	return Announce{m.notice()}
}

func (m *Machine) index(node overlay.ID) int {
	return slices.IndexFunc(m.phones, func(p Phone) bool { return p.Node == node })
}
