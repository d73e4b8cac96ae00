package sim

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Plan is an experiment: a ring is grown and measured, then suffers what is asked
// for.
type Plan struct {
	Nodes     int
	Seed      uint64
	Lookups   int
	Kill      float64 // share killed at once
	Churn     float64 // leaves and joins per node and hour
	Partition float64 // share cut off from the rest
	Minutes   float64 // of churn, or of partition
	Loss      float64
	Delay     time.Duration
	Records   int // stored; 0: one per node, 2000 at most
}

// Result is what came of it. The names are those of ringsim's output.
type Result struct {
	Nodes           int     `json:"nodes"`
	SettledS        float64 `json:"settled_s"`
	WrongSuccessors int     `json:"wrong_successors"`
	Lookups         int     `json:"lookups"`
	LookupsRight    int     `json:"lookups_right"`
	MeanHops        float64 `json:"mean_hops"`
	P99Hops         int     `json:"p99_hops"`

	AfterKill *AfterKill  `json:"after_kill,omitempty"`
	Churn     *AfterChurn `json:"churn,omitempty"`
	Merge     *AfterMerge `json:"merge,omitempty"`

	MessagesPerNodeS float64 `json:"messages_per_node_s"` // idle
	BytesPerNodeS    float64 `json:"bytes_per_node_s"`
	Trace            string  `json:"trace"`
	CPUS             float64 `json:"cpu_s"`
	HeapBytes        uint64  `json:"heap_bytes"`
}

// AfterKill is measured after a share of the nodes was killed at once.
type AfterKill struct {
	AtOnceRight   int     `json:"at_once_right"` // look-ups in the first second
	SettledS      float64 `json:"settled_s"`
	Lookups       int     `json:"lookups"`
	LookupsRight  int     `json:"lookups_right"`
	RecordsStored int     `json:"records_stored"`
	RecordsLost   int     `json:"records_lost"`
}

// AfterChurn is measured while nodes come and go.
type AfterChurn struct {
	Joins           int `json:"joins"`
	Leaves          int `json:"leaves"`
	Lookups         int `json:"lookups"`
	LookupsRight    int `json:"lookups_right"`
	RecordsStored   int `json:"records_stored"`
	RecordsLost     int `json:"records_lost"`
	WrongSuccessors int `json:"wrong_successors"` // a minute after
}

// AfterMerge is measured after a split network was whole again.
type AfterMerge struct {
	SettledS      float64 `json:"settled_s"`
	RecordsStored int     `json:"records_stored"`
	RecordsLost   int     `json:"records_lost"`
	Conflicts     int     `json:"conflicts"` // records of which an old version is found
}

// Bounds on how long the simulated ring may take.
const (
	settleTime = 10 * time.Minute
	answerTime = 30 * time.Second
	copyTime   = 30 * time.Second // for records to get to new replicas
)

// Run carries an experiment out. progress, if not nil, is told what goes on.
func Run(p Plan, progress func(string)) Result {
	if progress == nil {
		progress = func(string) {}
	}
	began := cpuTime()
	cfg := chord.Sim()
	if p.Nodes <= chord.LAN().Mesh {
		cfg = chord.LAN()
	}
	e := experiment{Plan: p, Net: New(Config{Seed: p.Seed, Chord: cfg, Delay: p.Delay, Loss: p.Loss})}
	var r Result
	r.Nodes = p.Nodes

	progress("growing the ring")
	e.grow()
	settled, _ := e.RunUntil(settleTime, e.settled)
	r.SettledS = seconds(settled)
	e.Run(time.Minute) // fingers and replicas
	r.WrongSuccessors = e.Wrong()

	progress("measuring idle traffic")
	messages, bytes := e.Messages, e.Bytes
	const idle = time.Minute
	e.Run(idle)
	r.MessagesPerNodeS = float64(e.Messages-messages) / float64(p.Nodes) / idle.Seconds()
	r.BytesPerNodeS = float64(e.Bytes-bytes) / float64(p.Nodes) / idle.Seconds()

	progress("looking up")
	l := e.lookups(time.Duration(p.Lookups) * time.Millisecond)
	r.Lookups, r.LookupsRight = l.made, l.right
	r.MeanHops, r.P99Hops = l.mean(), l.quantile(0.99)

	if p.Kill > 0 || p.Churn > 0 || p.Partition > 0 {
		progress("storing records")
		e.store()
	}
	if p.Kill > 0 {
		progress("killing")
		r.AfterKill = e.kill()
	}
	if p.Churn > 0 {
		progress("churning")
		r.Churn = e.churn()
	}
	if p.Partition > 0 {
		progress("splitting")
		r.Merge = e.split()
	}
	r.Trace = e.Trace()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.HeapBytes = m.HeapAlloc
	r.CPUS = math.Round((cpuTime()-began).Seconds()*100) / 100
	return r
}

type experiment struct {
	Plan
	*Net
	records []stored
}

// stored is a record that the ring acknowledged.
type stored struct {
	host int
	rec  overlay.Record
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*10) / 10 }

func (e *experiment) settled() bool { return e.Wrong() == 0 }

// grow starts the nodes shortly after each other; each knows three others.
func (e *experiment) grow() {
	for i := range e.Nodes {
		if i == 0 {
			e.Add()
		} else {
			e.Add(0, e.rng.IntN(i), e.rng.IntN(i))
		}
		e.Start(i)
		e.Net.Run(10 * time.Millisecond)
	}
}

// alive is a random host that is in the ring.
func (e *experiment) alive(members []int) int { return members[e.rng.IntN(len(members))] }

type tally struct {
	made, right int
	hops        []int
}

func (t *tally) mean() float64 {
	sum := 0
	for _, h := range t.hops {
		sum += h
	}
	return math.Round(float64(sum)/float64(max(1, len(t.hops)))*100) / 100
}

func (t *tally) quantile(q float64) int {
	if len(t.hops) == 0 {
		return 0
	}
	slices.Sort(t.hops)
	return t.hops[int(q*float64(len(t.hops)-1))]
}

// lookups looks up random keys from random nodes, evenly over a time, and counts
// the right answers.
func (e *experiment) lookups(over time.Duration) *tally {
	t := &tally{}
	answered := 0
	for k := range e.Lookups {
		e.After(over*time.Duration(k)/time.Duration(e.Lookups), func() {
			members := e.Members()
			var key overlay.ID
			for i := range key {
				key[i] = byte(e.rng.Uint32())
			}
			t.made++
			e.Find(e.alive(members), key, func(f chord.Found) {
				answered++
				if f.Err == nil && f.Peer.ID == e.hosts[e.Owner(e.Members(), key)].Peer.ID {
					t.right++
					t.hops = append(t.hops, len(f.Path))
				}
			})
		})
	}
	e.RunUntil(over+answerTime, func() bool { return t.made == e.Lookups && answered == t.made })
	return t
}

func (e *experiment) store() {
	count := e.Records
	if count == 0 {
		count = min(e.Nodes, 2000)
	}
	members := e.Members()
	for k := range count {
		e.After(time.Duration(k)*2*time.Millisecond, func() {
			i := members[k%len(members)]
			id := e.hosts[i].Peer.ID
			r := overlay.Record{
				Resource: overlay.ResourceID(fmt.Sprint(k)), Kind: overlay.SIPRegistration, Key: id[:],
				Version: overlay.MakeVersion(1, 1), Lifetime: 24 * time.Hour, Value: make([]byte, 120), Owner: id,
			}
			e.Put(i, r, func(k chord.Kept) {
				if k.Err == nil {
					e.records = append(e.records, stored{i, r})
				}
			})
		})
	}
	e.Net.Run(time.Duration(count)*2*time.Millisecond + answerTime)
}

// audit gets every record from somewhere, and counts those that are gone and
// those of which an old version came.
func (e *experiment) audit() (lost, old int) {
	members := e.Members()
	lost = len(e.records)
	for k, s := range e.records {
		e.After(time.Duration(k)*time.Millisecond, func() {
			e.Get(e.alive(members), s.rec.Resource, func(g chord.Got) {
				if len(g.Records) == 0 {
					return
				}
				lost--
				if g.Records[0].Version < s.rec.Version {
					old++
				}
			}, s.rec.Kind)
		})
	}
	e.Net.Run(time.Duration(len(e.records))*time.Millisecond + answerTime)
	return lost, old
}

func (e *experiment) kill() *AfterKill {
	for _, i := range e.Members() {
		if e.rng.Float64() < e.Plan.Kill {
			e.Net.Kill(i)
		}
	}
	a := &AfterKill{RecordsStored: len(e.records)}
	start := e.now
	a.AtOnceRight = e.lookups(time.Second).right
	if _, ok := e.RunUntil(settleTime, e.settled); ok {
		a.SettledS = seconds(e.now - start)
	} else {
		a.SettledS = -1
	}
	e.Net.Run(copyTime)
	t := e.lookups(time.Duration(e.Lookups) * time.Millisecond)
	a.Lookups, a.LookupsRight = t.made, t.right
	a.RecordsLost, _ = e.audit()
	return a
}

func (e *experiment) churn() *AfterChurn {
	c := &AfterChurn{RecordsStored: len(e.records)}
	d := time.Duration(e.Minutes * float64(time.Minute))
	count := int(e.Churn * d.Hours() * float64(len(e.Members())))
	for range count {
		e.After(time.Duration(e.rng.Int64N(int64(d))), func() {
			c.Leaves++
			if i := e.alive(e.Members()); c.Leaves%2 == 0 {
				e.Net.Kill(i)
			} else {
				e.Stop(i)
			}
		})
		e.After(time.Duration(e.rng.Int64N(int64(d))), func() {
			c.Joins++
			m := e.Members()
			e.Start(e.Add(e.alive(m), e.alive(m), e.alive(m)))
		})
	}
	t := e.lookups(d)
	c.Lookups, c.LookupsRight = t.made, t.right
	e.Net.Run(time.Minute)
	c.WrongSuccessors = e.Wrong()
	c.RecordsLost, _ = e.audit()
	return c
}

func (e *experiment) split() *AfterMerge {
	cut := make([]bool, len(e.hosts))
	for _, i := range e.Members() {
		cut[i] = e.rng.Float64() < e.Partition
	}
	e.Split(func(i int) int {
		if i < len(cut) && cut[i] {
			return 1
		}
		return 0
	})
	e.Net.Run(time.Duration(e.Minutes * float64(time.Minute) / 2))
	for k := range e.records { // half of the writers store a new version
		if k%2 == 0 || e.hosts[e.records[k].host].Node == nil {
			continue
		}
		r := e.records[k].rec
		r.Version++
		e.Put(e.records[k].host, r, func(kept chord.Kept) {
			if kept.Err == nil {
				e.records[k].rec = r
			}
		})
	}
	e.Net.Run(time.Duration(e.Minutes * float64(time.Minute) / 2))
	e.Split(nil)
	m := &AfterMerge{RecordsStored: len(e.records), SettledS: -1}
	if d, ok := e.RunUntil(settleTime, e.settled); ok {
		m.SettledS = seconds(d)
	}
	e.Net.Run(copyTime)
	m.RecordsLost, m.Conflicts = e.audit()
	return m
}
