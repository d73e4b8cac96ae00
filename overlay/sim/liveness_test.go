package sim

import (
	"fmt"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// busy is an office whose phones make requests all the time, each of which is timed.
type busy struct {
	*Net
	t     testing.TB
	asked []*asked
	open  map[int]bool   // hosts whose Put is under way: one at a time
	wrote map[int]uint32 // the newest version of each host's registration
	kept  map[int]uint32 // that which was acknowledged a while ago
	gone  map[int]bool   // hosts whose answers do not count
	one   bool           // there is one ring all the time
}

// asked is a request.
type asked struct {
	what   string
	host   int
	life   int
	at     time.Duration
	took   time.Duration
	answer bool
	wrong  string
}

// fresh is how long an acknowledged version may take to be what everybody gets: copies
// beyond those that make it safe go out within a second.
const fresh = 2 * time.Second

func newBusy(t testing.TB, seed uint64, delay, jitter time.Duration) *busy {
	return &busy{Net: New(Config{Seed: seed, Chord: chord.LAN(), Delay: delay, Jitter: jitter}), t: t, one: true,
		open: make(map[int]bool), wrote: make(map[int]uint32), kept: make(map[int]uint32), gone: make(map[int]bool)}
}

func (b *busy) ask(i int, what string) (end func(wrong string)) {
	a := &asked{what: what, host: i, life: b.hosts[i].life, at: b.now}
	b.asked = append(b.asked, a)
	return func(wrong string) {
		if a.answer {
			b.t.Errorf("%s is answered twice", what)
		}
		a.answer, a.took, a.wrong = true, b.now-a.at, wrong
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func number(i int) string { return fmt.Sprint(101 + i) }

func (b *busy) register(i int) {
	if b.open[i] {
		return
	}
	b.open[i] = true
	b.wrote[i]++
	version, end := b.wrote[i], b.ask(i, "put")
	b.Put(i, record(b.hosts[i].Peer.ID, number(i), version, "x"), func(k chord.Kept) {
		b.open[i] = false
		end(said(k.Err))
		if k.Err == nil {
			b.After(fresh, func() { b.kept[i] = max(b.kept[i], version) })
		}
	})
}

func (b *busy) call(i, whom int) {
	least, end := b.kept[whom], b.ask(i, "get")
	b.Get(i, overlay.ResourceID(number(whom)), func(g chord.Got) {
		wrong := said(g.Err)
		if wrong == "" && b.one && least > 0 && (len(g.Records) != 1 || g.Records[0].Version < overlay.MakeVersion(1, least)) {
			wrong = fmt.Sprintf("%d records, not version %d", len(g.Records), least)
		}
		end(wrong)
	}, overlay.SIPRegistration)
}

func (b *busy) find(i int) {
	end := b.ask(i, "find")
	b.Find(i, b.hosts[b.rng.IntN(len(b.hosts))].Peer.ID.Plus(100), func(f chord.Found) { end(said(f.Err)) })
}

// work has a host make some requests within a time, as long as this life of it lasts.
func (b *busy) work(i, requests int, within time.Duration) {
	life := b.hosts[i].life
	for range requests {
		b.sometime(within, func() {
			switch h := b.hosts[i]; {
			case h.Node == nil || h.life != life || b.gone[i]:
			case b.rng.IntN(3) == 0:
				b.register(i)
			case b.rng.IntN(2) == 0:
				b.call(i, b.rng.IntN(len(b.hosts)))
			default:
				b.find(i)
			}
		})
	}
}

func (b *busy) sometime(within time.Duration, do func()) {
	b.After(time.Duration(b.rng.Int64N(int64(within))), do)
}

// workWhenJoined has each phone register at the very moment it is in the ring, and be
// busy from then on.
func (b *busy) workWhenJoined() {
	lives := make(map[[2]int]bool)
	b.Observe = func(i int, _ time.Duration, _ chord.Event, _ []chord.Action) {
		h := b.hosts[i]
		if life := [2]int{i, h.life}; h.Node.Joined() && !lives[life] {
			lives[life] = true
			b.After(0, func() {
				if h.life == life[1] {
					b.open[i] = false // what a former life wrote is forgotten
					b.register(i)
					b.work(i, 4, time.Second)
				}
			})
		}
	}
}

// check complains about requests without an answer, with a wrong one, or with one after
// more than the time that is allowed, of hosts that are still there.
func (b *busy) check(scene string, allowed func(what string) time.Duration) {
	b.t.Helper()
	for _, a := range b.asked {
		if h := b.hosts[a.host]; h.Node == nil || h.life != a.life || b.gone[a.host] {
			continue
		}
		if limit := allowed(a.what); limit > 0 && (!a.answer || a.took > limit || a.wrong != "") {
			b.t.Errorf("%s, %d phones: %s by %d at %v took %v (%v) %s", scene, len(b.hosts), a.what, a.host, a.at, a.took, a.answer, a.wrong)
		}
	}
}

// offices are networks: one as it is, one that is far too slow.
var offices = []struct{ delay, jitter time.Duration }{
	{200 * time.Microsecond, 500 * time.Microsecond},
	{time.Millisecond, 19 * time.Millisecond},
}

// TestNothingWaits: phones come in every way there is, and nobody dies. Then no request
// of one that is in the ring waits for the end of a timeout, the shortest of which
// is the RequestTimeout. Dozens that come at once need some rounds to know each other;
// there a request may go astray, but not until the OpTimeout.
func TestNothingWaits(t *testing.T) {
	for seed := range uint64(240) {
		net := offices[seed%2]
		b := newBusy(t, seed, net.delay, net.jitter)
		phones, limit := 2+b.rng.IntN(7), chord.LAN().RequestTimeout
		if seed%20 == 0 {
			phones, limit = 20+b.rng.IntN(21), 2*time.Second
		}
		b.workWhenJoined()
		b.come(phones, int(seed/2)%4)
		b.check(fmt.Sprint("seed ", seed), func(string) time.Duration { return limit })
	}
}

// come has phones join: at power-up all at once, none, one or many being there before,
// or some coming back with their records.
func (b *busy) come(phones, way int) {
	for range phones {
		b.Add()
	}
	for i, h := range b.hosts {
		for j, other := range b.hosts {
			if j != i && (way != 1 || j == 0 || b.rng.IntN(3) == 0) {
				h.Known = append(h.Known, other.Peer)
			}
		}
	}
	spread := []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second}[b.rng.IntN(3)]
	b.one = way > 0 // else some may make rings of their own, which merge
	if way > 0 {
		b.Start(0)
	}
	if way > 1 {
		for i := 1; i < phones; i++ {
			if way == 3 || b.rng.IntN(2) == 0 {
				b.Start(i)
				b.Run(20 * time.Millisecond)
			}
		}
		settle(b.t, b.Net, 30*time.Second)
		b.Run(time.Duration(b.rng.IntN(10)) * time.Second)
	}
	if way == 3 {
		for i := 1; i < phones; i++ {
			if b.rng.IntN(2) == 0 {
				b.Stop(i)
			}
		}
		b.Run(time.Duration(3+b.rng.IntN(20)) * time.Second)
	}
	for i := range phones {
		b.sometime(spread, func() { b.Start(i) })
	}
	b.Run(6 * time.Second)
}

// TestBusyWhileOneGoes: a phone goes while all are busy. When it says so, or its
// connections break, nobody waits. When it is silent, or when it was revoked and the others
// cut it off one by one, there is something to wait for, but not long.
func TestBusyWhileOneGoes(t *testing.T) {
	type limits struct{ get, find, put time.Duration }
	const none = 0 // no limit: who is responsible is not agreed upon until all have cut it off
	for _, way := range []struct {
		name string
		limits
		go_ func(b *busy, i int)
	}{
		{"leaves", limits{400 * time.Millisecond, 400 * time.Millisecond, 400 * time.Millisecond}, func(b *busy, i int) { b.Stop(i) }},
		{"crashes", limits{400 * time.Millisecond, 400 * time.Millisecond, 400 * time.Millisecond}, func(b *busy, i int) { b.Kill(i) }},
		// A Put in an office of two waits until it is certain that the other is dead.
		{"is silent", limits{700 * time.Millisecond, 1500 * time.Millisecond, 1900 * time.Millisecond}, func(b *busy, i int) {
			b.cfg.Silent = time.Hour
			b.Kill(i)
		}},
		{"is revoked", limits{2 * time.Second, none, 2 * time.Second}, (*busy).revoke},
	} {
		for seed := range uint64(80) {
			net := offices[seed%2]
			b := newBusy(t, seed, net.delay, net.jitter)
			phones := 3
			if seed%3 > 0 {
				phones = 2 + b.rng.IntN(7)
			}
			b.workWhenJoined()
			for i := range phones {
				b.Add()
				b.hosts[i].Known = []overlay.Peer{b.hosts[0].Peer}
				b.Start(i)
				b.Run(50 * time.Millisecond)
			}
			settle(t, b.Net, 30*time.Second)
			b.Run(10 * time.Second)
			b.one = way.name != "is revoked" // what two rings of opinion acknowledge is compared later
			for i := range phones {
				b.work(i, 8, 3*time.Second)
			}
			b.sometime(time.Second, func() {
				i := b.rng.IntN(phones)
				b.gone[i] = true
				way.go_(b, i)
			})
			b.Run(10 * time.Second)
			b.check(fmt.Sprintf("one %s, seed %d", way.name, seed), func(what string) time.Duration {
				return map[string]time.Duration{"get": way.get, "find": way.find, "put": way.put}[what]
			})
		}
	}
}

// revoke has the others cut a phone off within five seconds.
func (b *busy) revoke(i int) {
	cut := make(map[int]bool)
	b.Bar(func(at, of int) bool { return of == i && cut[at] })
	for j := range b.hosts {
		if j != i {
			b.sometime(5*time.Second, func() {
				cut[j] = true
				b.plan(b.delay(), j, chord.Lost{Peer: b.hosts[i].Peer.ID})
				b.plan(b.delay(), i, chord.Lost{Peer: b.hosts[j].Peer.ID})
			})
		}
	}
}
