package sim

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

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

// alive is a random host that is in the ring and honest.
func (e *experiment) alive(members []int) int {
	for {
		if i := members[e.rng.IntN(len(members))]; e.hosts[i].Malice == 0 {
			return i
		}
	}
}

// tally counts what became of look-ups: those that are neither right nor wrong
// had no answer.
type tally struct {
	made, right, wrong int
	hops               []int
	took               []time.Duration // of the right ones
}

// quantile of list, which is sorted for it.
func quantile[T cmp.Ordered](list []T, q float64) (x T) {
	if len(list) == 0 {
		return x
	}
	slices.Sort(list)
	return list[int(q*float64(len(list)-1))]
}

// joinTimes are the mean and the 99th percentile in seconds.
func (e *experiment) joinTimes() (mean, p99 float64) {
	var sum time.Duration
	for _, d := range e.joinTook {
		sum += d
	}
	if len(e.joinTook) == 0 {
		return 0, 0
	}
	return thousandths(sum / time.Duration(len(e.joinTook))), thousandths(quantile(e.joinTook, 0.99))
}

func thousandths(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

func (t *tally) mean() float64 {
	sum := 0
	for _, h := range t.hops {
		sum += h
	}
	return math.Round(float64(sum)/float64(max(1, len(t.hops)))*100) / 100
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
			start := e.now
			e.Find(e.alive(members), key, func(f chord.Found) {
				answered++
				switch {
				case f.Err != nil:
				case f.Peer.ID == e.hosts[e.Owner(e.Members(), key)].Peer.ID:
					t.right++
					t.hops = append(t.hops, len(f.Path))
					t.took = append(t.took, e.now-start)
				default:
					t.wrong++
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

// audited is what became of the records: right when the newest version that was
// acknowledged was found.
type audited struct {
	right, old, lost int
	ownLost          int // of living writers
	took             []time.Duration
}

// audit gets every record from somewhere.
func (e *experiment) audit() *audited {
	a := &audited{}
	members := e.Members()
	for k, s := range e.records {
		e.After(time.Duration(k)*time.Millisecond, func() {
			start := e.now
			e.Get(e.alive(members), s.rec.Resource, func(g chord.Got) {
				a.took = append(a.took, e.now-start)
				switch {
				case len(g.Records) == 0:
				case g.Records[0].Version < s.rec.Version:
					a.old++
				default:
					a.right++
				}
				if len(g.Records) == 0 && e.hosts[s.host].Node != nil {
					a.ownLost++
				}
			}, s.rec.Kind)
		})
	}
	e.Net.Run(time.Duration(len(e.records))*time.Millisecond + answerTime)
	a.lost = len(e.records) - a.right - a.old
	return a
}

func (e *experiment) kill() *AfterKill {
	for _, i := range e.Members() {
		if e.rng.Float64() < e.Plan.Kill {
			e.Net.Kill(i)
		}
	}
	a := &AfterKill{RecordsStored: len(e.records)}
	start := e.now
	var got []time.Duration
	for k, s := range e.records {
		e.After(time.Second*time.Duration(k)/time.Duration(len(e.records)), func() {
			began := e.now
			e.Get(e.alive(e.Members()), s.rec.Resource, func(g chord.Got) {
				if len(g.Records) > 0 {
					a.AtOnceGot++
				}
				got = append(got, e.now-began)
			}, s.rec.Kind)
		})
	}
	first := e.lookups(time.Second)
	a.AtOnceGetP95S = thousandths(quantile(got, 0.95))
	a.AtOnceRight, a.AtOnceP95S = first.right, thousandths(quantile(first.took, 0.95))
	if _, ok := e.RunUntil(settleTime, e.settled); ok {
		a.SettledS = seconds(e.now - start)
	} else {
		a.SettledS = -1
	}
	e.Net.Run(copyTime)
	t := e.lookups(time.Duration(e.Lookups) * time.Millisecond)
	a.Lookups, a.LookupsRight = t.made, t.right
	found := e.audit()
	a.RecordsLost, a.OwnRecordsLost = found.lost, found.ownLost
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
	c.RecordsLost = e.audit().lost
	return c
}

// renew has the honest writer of every step-th record store a new version, and
// counts how many tried. What the ring acknowledges is expected of it then.
func (e *experiment) renew(step int) (tried int, kept *int) {
	kept = new(int)
	for k := step - 1; k < len(e.records); k += step {
		h := e.hosts[e.records[k].host]
		if h.Node == nil || h.Malice != 0 {
			continue
		}
		tried++
		r := e.records[k].rec
		r.Version++
		e.After(time.Duration(k)*2*time.Millisecond, func() {
			e.Put(e.records[k].host, r, func(a chord.Kept) {
				if a.Err == nil {
					e.records[k].rec = r
					*kept++
				}
			})
		})
	}
	return tried, kept
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
	e.renew(2)
	e.Net.Run(time.Duration(e.Minutes * float64(time.Minute) / 2))
	e.Split(nil)
	m := &AfterMerge{RecordsStored: len(e.records), SettledS: -1}
	if d, ok := e.RunUntil(settleTime, e.settled); ok {
		m.SettledS = seconds(d)
	}
	e.Net.Run(copyTime)
	found := e.audit()
	m.RecordsLost, m.Conflicts = found.lost, found.old
	return m
}

func (e *experiment) corrupt() *AfterMalice {
	members := slices.Clone(e.Members())
	e.rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	count := int(math.Round(e.Plan.Malicious * float64(len(members))))
	for _, i := range members[:count] {
		e.Corrupt(i, e.Plan.Malice)
	}
	m := &AfterMalice{Malicious: count}
	e.Net.Run(2 * time.Minute)
	m.WrongSuccessors = e.Wrong()
	t := e.lookups(time.Duration(e.Lookups) * 5 * time.Millisecond)
	m.Lookups, m.LookupsRight, m.LookupsWrong, m.LookupsP95S = t.made, t.right, t.wrong, thousandths(quantile(t.took, 0.95))
	// What a malicious node wrote is nobody's loss.
	e.records = slices.DeleteFunc(e.records, func(s stored) bool { return e.hosts[s.host].Malice != 0 })
	tried, kept := e.renew(1)
	e.Net.Run(time.Duration(len(e.records))*2*time.Millisecond + answerTime)
	m.Updates, m.UpdatesFailed = tried, tried-*kept
	a := e.audit()
	m.Records, m.RecordsRight, m.RecordsOld, m.RecordsLost = len(e.records), a.right, a.old, a.lost
	m.RecordsP95S = thousandths(quantile(a.took, 0.95))
	return m
}

func (e *experiment) deafen() *AfterDeaf {
	died := func() (sum uint64) {
		for _, h := range e.hosts {
			if h.Node != nil {
				sum += h.Node.Counters().Died
			}
		}
		return sum
	}
	d, before := &AfterDeaf{RecordsStored: len(e.records)}, died()
	salt := e.rng.Uint64()
	e.Deafen(func(from, to int) bool {
		r := rand.New(rand.NewPCG(salt, uint64(from)<<32|uint64(to)))
		return r.Float64() < e.Plan.Deaf
	})
	t := e.lookups(time.Duration(e.Minutes * float64(time.Minute)))
	d.Lookups, d.LookupsRight = t.made, t.right
	d.RecordsLost = e.audit().lost
	d.Died = died() - before
	e.Deafen(nil)
	d.SettledS = -1
	if took, ok := e.RunUntil(settleTime, e.settled); ok {
		d.SettledS = seconds(took)
	}
	return d
}
