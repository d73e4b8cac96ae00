package stack

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// bucket is a token bucket: burst at once, then rate a second.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) fill(now time.Time, rate, burst float64) {
	if b.at.IsZero() {
		b.tokens = burst
	} else if now.After(b.at) {
		b.tokens = min(burst, b.tokens+now.Sub(b.at).Seconds()*rate)
	}
	b.at = now
}

// take removes a token, if there is one.
func (b *bucket) take(now time.Time, rate, burst float64) bool {
	b.fill(now, rate, burst)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// owe removes a token in any case and says how long to wait until it was there.
func (b *bucket) owe(now time.Time, rate, burst float64) time.Duration {
	b.fill(now, rate, burst)
	b.tokens--
	return max(0, time.Duration(-b.tokens/rate*float64(time.Second)))
}

// generations is a bounded map that forgets what was not used for long: when young
// is full it becomes old, and what was old and not used since is forgotten.
type generations[K comparable, V any] struct {
	young, old map[K]*V
	limit      int // of each
}

func newGenerations[K comparable, V any](limit int) generations[K, V] {
	return generations[K, V]{young: map[K]*V{}, limit: limit}
}

func (g *generations[K, V]) get(k K) *V {
	v := g.young[k]
	if v == nil {
		if v = g.old[k]; v != nil {
			delete(g.old, k)
			g.put(k, v)
		}
	}
	return v
}

func (g *generations[K, V]) put(k K, v *V) {
	if len(g.young) >= g.limit {
		g.old, g.young = g.young, map[K]*V{}
	}
	g.young[k] = v
}

func (g *generations[K, V]) delete(k K) {
	delete(g.young, k)
	delete(g.old, k)
}

func (g *generations[K, V]) len() int { return len(g.young) + len(g.old) }

const (
	knownFor   = 10 * time.Minute
	maxSources = 2048 // in each generation: of strangers' addresses
	maxKnown   = 4096 // in each generation: of known sources of datagrams
)

// rates decides of each datagram, before it is parsed, whether it may be. Forging
// sources helps nobody: what no known source sends shares one bucket, too. It
// is used by readers and the loop.
type rates struct {
	limits  Limits
	trusted func(netip.Addr) bool

	mu        sync.Mutex // guards the rest
	strangers generations[netip.Addr, bucket]
	known     generations[netip.AddrPort, knownSource]
	total     bucket // of all strangers' datagrams
	streams   bucket // of all strangers' connections
}

type knownSource struct {
	bucket bucket
	until  time.Time
	renew  time.Duration // hearing of it makes it known for so long again
}

func newRates(limits Limits, trusted func(netip.Addr) bool) *rates {
	return &rates{
		limits:    limits,
		trusted:   trusted,
		strangers: newGenerations[netip.Addr, bucket](maxSources),
		known:     newGenerations[netip.AddrPort, knownSource](maxKnown),
	}
}

// know gives a source the greater rate for a time, and as long again whenever it
// is heard of.
func (r *rates) know(now time.Time, source netip.AddrPort, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.source(source)
	k.renew = max(k.renew, d)
	k.extend(now.Add(d))
}

// knows reports whether a source has the greater rate.
func (r *rates) knows(now time.Time, source netip.AddrPort) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.known.get(source)
	return k != nil && now.Before(k.until)
}

// expect gives a source the greater rate for a time: we have asked it something.
func (r *rates) expect(now time.Time, source netip.AddrPort, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source(source).extend(now.Add(d))
}

func (r *rates) source(a netip.AddrPort) *knownSource {
	k := r.known.get(a)
	if k == nil {
		k = &knownSource{}
		r.known.put(a, k)
	}
	return k
}

func (k *knownSource) extend(until time.Time) {
	if until.After(k.until) {
		k.until = until
	}
}

// admission is what becomes of a datagram.
type admission uint8

const (
	admitted admission = iota
	admittedKnown
	overRate  // of its source
	overTotal // of all strangers
)

func (r *rates) admit(now time.Time, from netip.AddrPort) admission {
	if r.trusted(from.Addr()) {
		return admittedKnown
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.known.get(from)
	if k != nil && !now.Before(k.until) {
		r.known.delete(from)
		k = nil
	}
	if k != nil {
		if k.renew > 0 {
			k.extend(now.Add(k.renew))
		}
		if !k.bucket.take(now, r.limits.KnownRate, r.limits.KnownRate) {
			return overRate
		}
		return admittedKnown
	}
	b := r.strangers.get(from.Addr())
	if b == nil {
		b = &bucket{}
		r.strangers.put(from.Addr(), b)
	}
	if !b.take(now, r.limits.StrangerRate, r.limits.StrangerRate) {
		return overRate
	}
	if !r.total.take(now, r.limits.TotalRate, r.limits.TotalRate) {
		return overTotal
	}
	return admitted
}

// stream is how long the reader of a stranger's connection has to wait for all
// strangers' sake.
func (r *rates) stream(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams.owe(now, r.limits.TotalRate, r.limits.TotalRate)
}

const (
	handshakeRate  = 5 // a second and address
	handshakeBurst = 20
	handshakeSlots = 32 // at once; strangers get half of them
	slotsPerHost   = 4
	handshakeFair  = time.Second // that a stranger may take for one when others wait
	knownHostFor   = time.Hour
)

// gate bounds how often and how many at once may begin a connection: a TLS
// handshake is the dearest thing that a stranger can ask of us. It is used by
// the listeners and the loop.
type gate struct {
	trusted func(netip.Addr) bool

	mu         sync.Mutex // guards the rest
	sources    generations[netip.Addr, bucket]
	known      generations[netip.Addr, time.Time]
	handshakes []*handshake // at work, the oldest first
	busy       map[netip.Addr]int
}

func newGate(trusted func(netip.Addr) bool) *gate {
	return &gate{
		trusted: trusted,
		sources: newGenerations[netip.Addr, bucket](maxSources),
		known:   newGenerations[netip.Addr, time.Time](maxSources),
		busy:    map[netip.Addr]int{},
	}
}

// know says that somebody known is at an address, and so will be served when
// strangers hold all the slots they may have.
func (g *gate) know(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := time.Now().Add(knownHostFor)
	g.known.delete(a)
	g.known.put(a, &until)
}

// pass says whether an address may begin one more connection that costs no
// handshake.
func (g *gate) pass(now time.Time, a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.take(now, a)
}

// take counts a connection of an address. The caller holds the lock.
func (g *gate) take(now time.Time, a netip.Addr) bool {
	b := g.sources.get(a)
	if b == nil {
		b = &bucket{}
		g.sources.put(a, b)
	}
	return b.take(now, handshakeRate, handshakeBurst)
}

// handshake holds a slot.
type handshake struct {
	from     netip.Addr
	stranger bool
	began    time.Time
	end      func() // makes it fail
}

// enter takes a slot, or refuses; leave gives it back. end makes the handshake fail:
// who has none at work may take the place of a stranger's that stands still.
func (g *gate) enter(now time.Time, a netip.Addr, end func()) (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := g.known.get(a)
	h := &handshake{from: a, stranger: (until == nil || now.After(*until)) && !g.trusted(a), began: now, end: end}
	if !g.take(now, a) || h.stranger && g.busy[a] >= slotsPerHost {
		return nil, false
	}
	if len(g.handshakes) >= handshakeSlots || h.stranger && g.strangers() >= handshakeSlots/2 {
		late := g.late(now, a)
		if late == nil {
			return nil, false
		}
		g.remove(late)
		late.end()
	}
	g.handshakes = append(g.handshakes, h)
	g.busy[a]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.remove(h)
	}, true
}

// remove gives a slot back, once. The caller holds the lock.
func (g *gate) remove(h *handshake) {
	i := slices.Index(g.handshakes, h)
	if i < 0 {
		return
	}
	g.handshakes = slices.Delete(g.handshakes, i, i+1)
	if g.busy[h.from]--; g.busy[h.from] == 0 {
		delete(g.busy, h.from)
	}
}

func (g *gate) strangers() (n int) {
	for _, h := range g.handshakes {
		if h.stranger {
			n++
		}
	}
	return n
}

// late is the handshake that gives way to one of an address with none: the oldest of
// the stranger with most, if that has several or was given time. The caller holds the
// lock.
func (g *gate) late(now time.Time, a netip.Addr) (late *handshake) {
	if g.busy[a] > 0 {
		return nil
	}
	for _, h := range g.handshakes { // the oldest first
		if h.stranger && (late == nil || g.busy[h.from] > g.busy[late.from]) {
			late = h
		}
	}
	if late == nil || g.busy[late.from] == 1 && now.Sub(late.began) < handshakeFair {
		return nil
	}
	return late
}
