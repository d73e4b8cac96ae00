package chord

import (
	"slices"
	"strconv"
	"time"

	"chordophone/overlay"
)

// replicas are the nodes that hold copies of what this node owns, nearest first.
func (n *Node) replicas() []overlay.Peer {
	succ := n.ring.succ
	return succ[:min(len(succ), n.cfg.Replicas(len(succ)+1))]
}

// everyoneKeepsAll reports whether the office is so small that each node is a
// replica of everything.
func (n *Node) everyoneKeepsAll() bool { return n.complete() && len(n.ring.succ) < n.cfg.Mesh }

// minSplit is how little may be left of a record's lifetime for it to be worth
// handing on.
const minSplit = 2 * time.Second

// recordSize is about how many octets a record takes in a Store.
func recordSize(r overlay.Record) int { return len(r.Value) + len(r.Key) + len(r.Sig) + 64 }

// split puts records together into Stores of bounded size.
func (n *Node) split(records []overlay.Record) (out [][]overlay.Record) {
	size := 0
	for i, r := range records {
		s := recordSize(r)
		if i == 0 || size+s > n.cfg.MaxStore {
			out = append(out, nil)
			size = 0
		}
		size += s
		out[len(out)-1] = append(out[len(out)-1], r)
	}
	return out
}

// load takes over what was on disk.
func (n *Node) load(records []overlay.Record) {
	for _, r := range records {
		if r.Lifetime > 0 && len(n.shelf.entries) < n.cfg.MaxRecords {
			n.shelf.put(n.now, r)
			n.soon(&n.nextSweep, r.Lifetime)
		}
	}
}

// keep merges one record and has it saved where that is needed.
func (n *Node) keep(r overlay.Record) fate {
	if r.Lifetime <= 0 || r.CheckSize() != nil {
		n.counters.Refused++
		return older
	}
	if !n.room(r) {
		n.counters.Refused++
		return older
	}
	f := n.shelf.put(n.now, r)
	if f == saved {
		n.acts = append(n.acts, Save{r})
	}
	n.soon(&n.nextSweep, r.Lifetime)
	return f
}

// room reports whether a record may be taken in: there is a bound on all, and one
// for each writer, whoever wrote the version before.
func (n *Node) room(r overlay.Record) bool {
	e := n.shelf.get(r.Slot())
	return (e != nil || len(n.shelf.entries) < n.cfg.MaxRecords) &&
		(e != nil && e.rec.Owner == r.Owner || n.shelf.owners[r.Owner] < n.cfg.MaxPerOwner)
}

// sweep drops what has expired, not more often than every few seconds: each time
// is a commit on disk.
func (n *Node) sweep() {
	next := n.shelf.expire(n.now, func(s overlay.Slot) { n.acts = append(n.acts, Drop{s}) })
	if !next.IsZero() {
		n.nextSweep = next
		if soonest := n.now.Add(10 * time.Second); next.Before(soonest) {
			n.nextSweep = soonest
		}
	}
}

// Records calls do with each record that this node holds, until it returns false.
func (n *Node) Records(do func(overlay.Record) bool) {
	for _, e := range n.shelf.entries {
		if !do(e.rec) {
			return
		}
	}
}

func (n *Node) forget(slots []overlay.Slot) {
	for _, slot := range slots {
		if n.shelf.remove(slot) {
			n.acts = append(n.acts, Drop{slot})
		}
	}
}

// stored answers a Store.
func (n *Node) stored(hop overlay.Peer, m Message, s Store) {
	for _, r := range s.Records {
		if err := r.CheckSize(); err != nil {
			n.counters.Refused++
			n.reply(hop, m, Error{Code: DataTooLarge, Info: err.Error()})
			return
		}
	}
	if s.Replica > 0 {
		// RFC 6940, section 10.4: "They do not themselves perform further
		// Stores". What is older than ours is none of the sender's fault: the
		// answer says that what it sent is safe.
		for _, r := range s.Records {
			n.keep(r)
			if e := n.shelf.get(r.Slot()); e != nil && e.rec.Version == r.Version {
				e.copied = true
			}
		}
		n.reply(hop, m, Stored{Copies: 1})
		return
	}
	if len(s.Records) > 1 && slices.ContainsFunc(s.Records, func(r overlay.Record) bool { return !n.responsible(r.Resource) }) {
		n.reply(hop, m, Error{Code: NotFound, Info: "not responsible for all of them"})
		return
	}
	n.accept(s.Records, func(copies int, e Error) {
		if e.Code != 0 {
			n.reply(hop, m, e)
			return
		}
		n.reply(hop, m, Stored{Copies: uint8(min(copies, 255))})
	})
}

// replication is a Store under way to the replicas.
type replication struct {
	records   []overlay.Record
	given     []overlay.ID // who was sent a copy
	confirmed int
	deadline  time.Time
	done      func(copies int, e Error) // nil: done
}

// accept stores records as their owner: on disk here and on that of two others,
// or of all others where there are fewer, before done is called.
func (n *Node) accept(records []overlay.Record, done func(copies int, e Error)) {
	for _, r := range records {
		switch e := n.shelf.get(r.Slot()); {
		case e != nil && e.expires.After(n.now) && e.rec.Supersedes(r):
			done(0, Error{Code: DataTooOld, Info: strconv.FormatUint(uint64(e.rec.Version), 10)})
			return
		case !n.room(r):
			n.counters.Refused++
			done(0, Error{Code: DataTooLarge, Info: "too many records"})
			return
		}
	}
	for _, r := range records {
		if e := n.shelf.get(r.Slot()); e != nil && !e.expires.After(n.now) {
			n.sweep()
		}
		n.keep(r)
	}
	rep := &replication{records: records, deadline: n.now.Add(n.cfg.OpTimeout), done: done}
	n.replications = append(n.replications, rep)
	n.replicate(rep)
	n.checkReplications()
	if rep.done != nil {
		n.later(n.cfg.OpTimeout, n.checkReplications)
	}
}

// replicate gives a copy to each replica that was not given one.
func (n *Node) replicate(rep *replication) {
	for i, p := range n.replicas() {
		if slices.Contains(rep.given, p.ID) {
			continue
		}
		rep.given = append(rep.given, p.ID)
		// The first copies make it as safe as records are in a large ring.
		within := time.Duration(0)
		if i >= n.cfg.Copies-1 {
			within = copyDelay
		}
		n.storeAt(p, parcel{records: rep.records, replica: uint8(min(i+1, 255))}, rep, within)
	}
}

// replicateAnew is for a change of neighbours: Stores that are still waited for go to
// the new ones, too. A node that has just joined knows one at first, and two copies
// are enough only where there are two to hold them.
func (n *Node) replicateAnew() {
	for _, rep := range slices.Clone(n.replications) {
		n.replicate(rep)
	}
	n.checkReplications()
}

// storeAt gives a copy to one replica. As long as somebody waits for it, a
// replica that does not answer is tried again, for it may only be slow. One that is no
// neighbour any more is given it when it comes back.
func (n *Node) storeAt(p overlay.Peer, c parcel, rep *replication, within time.Duration) {
	failed := func() {
		n.unsynced(p.ID)
		if rep.done == nil {
			return
		}
		n.later(n.cfg.RequestTimeout/2, func() {
			switch {
			case rep.done == nil:
			case n.inList(p.ID):
				n.storeAt(p, c, rep, 0)
			default:
				rep.given = slices.DeleteFunc(rep.given, func(id overlay.ID) bool { return id == p.ID })
			}
		})
	}
	if n.suspected(p.ID) {
		failed()
		return
	}
	c.done = func(a answer) {
		if _, ok := a.body.(Stored); !ok {
			failed()
			return
		}
		rep.confirmed++
		n.checkReplications()
	}
	n.post(p, false, c, within)
}

// checkReplications answers for those Stores that have got enough copies. How
// many are enough changes when nodes die.
func (n *Node) checkReplications() {
	need := min(2, len(n.ring.succ))
	var ready []*replication
	n.replications = slices.DeleteFunc(n.replications, func(r *replication) bool {
		if r.confirmed >= need || !n.now.Before(r.deadline) {
			ready = append(ready, r)
			return true
		}
		return false
	})
	for _, r := range ready {
		done := r.done
		r.done = nil
		if r.confirmed >= need {
			done(r.confirmed+1, Error{})
		} else {
			done(0, Error{Code: RequestTimeout, Info: "too few replicas"})
		}
	}
}
