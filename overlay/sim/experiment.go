package sim

import (
	"cmp"
	"fmt"
	"math"
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
