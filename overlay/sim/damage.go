package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

func (e *experiment) kill() *AfterKill {
	for _, i := range e.Members() {
		if e.rng.Float64() < e.Plan.Kill {
			e.Net.Kill(i)
		}
	}
	a := &AfterKill{RecordsStored: len(e.records), Orphans: e.orphans()}
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

// orphans is how many records no living node has on its disk.
func (e *experiment) orphans() (n int) {
	held := make(map[overlay.Slot]bool)
	for _, i := range e.Members() {
		for slot := range e.hosts[i].Disk {
			held[slot] = true
		}
	}
	for _, s := range e.records {
		if !held[s.rec.Slot()] {
			n++
		}
	}
	return n
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
