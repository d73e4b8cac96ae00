package sim

import (
	"math"
	"runtime"
	"time"

	"chordophone/overlay/chord"
)

// Plan is an experiment: a ring is grown and measured, then suffers what is asked
// for.
type Plan struct {
	Nodes     int
	Seed      uint64
	Settled   bool // the ring is made whole at once, not grown
	Lookups   int
	Kill      float64       // share killed at once
	Silent    time.Duration // until a death is noticed by those connected; zero: at once, as when a process is killed
	Churn     float64       // leaves and joins per node and hour
	Partition float64       // share cut off from the rest
	Malicious float64       // share that turns malicious
	Malice    Malice
	Deaf      float64 // share of links that carry nothing one way, in silence
	Minutes   float64 // of churn, of partition, of deafness
	Loss      float64
	Delay     time.Duration
	Records   int // stored; 0: one per node, 2000 at most
}

// Result is what came of it. The names are those of ringsim's output.
type Result struct {
	Nodes           int     `json:"nodes"`
	SettledS        float64 `json:"settled_s"`
	JoinMeanS       float64 `json:"join_mean_s"` // of one node, from being switched on
	JoinP99S        float64 `json:"join_p99_s"`
	WrongSuccessors int     `json:"wrong_successors"`
	Lookups         int     `json:"lookups"`
	LookupsRight    int     `json:"lookups_right"`
	MeanHops        float64 `json:"mean_hops"`
	P99Hops         int     `json:"p99_hops"`

	AfterKill *AfterKill   `json:"after_kill,omitempty"`
	Churn     *AfterChurn  `json:"churn,omitempty"`
	Merge     *AfterMerge  `json:"merge,omitempty"`
	Malice    *AfterMalice `json:"malice,omitempty"`
	Deaf      *AfterDeaf   `json:"deaf,omitempty"`

	MessagesPerNodeS float64 `json:"messages_per_node_s"` // idle
	BytesPerNodeS    float64 `json:"bytes_per_node_s"`
	Trace            string  `json:"trace"`
	CPUS             float64 `json:"cpu_s"`
	HeapBytes        uint64  `json:"heap_bytes"` // in use at the end
	HeapPerNode      uint64  `json:"heap_bytes_per_node"`
	MemoryBytes      uint64  `json:"memory_bytes"` // had from the operating system, the most at any time
}

// AfterKill is measured after a share of the nodes was killed at once.
type AfterKill struct {
	AtOnceRight    int     `json:"at_once_right"`     // look-ups in the first second
	AtOnceP95S     float64 `json:"at_once_p95_s"`     // how long they took
	AtOnceGot      int     `json:"at_once_got"`       // records found in the first second
	AtOnceGetP95S  float64 `json:"at_once_get_p95_s"` // how long that took, of all
	SettledS       float64 `json:"settled_s"`
	Lookups        int     `json:"lookups"`
	LookupsRight   int     `json:"lookups_right"`
	RecordsStored  int     `json:"records_stored"`
	RecordsLost    int     `json:"records_lost"`
	OwnRecordsLost int     `json:"own_records_lost"`       // of those whose writer lives
	Orphans        int     `json:"records_without_holder"` // the last copy of these was killed: they cannot but be lost
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

// AfterMalice is measured at the honest nodes, when some have turned malicious
// two minutes ago. All the records were stored before; then their honest writers
// store them anew.
type AfterMalice struct {
	Malicious       int     `json:"malicious"`
	WrongSuccessors int     `json:"wrong_successors"`
	Lookups         int     `json:"lookups"`
	LookupsRight    int     `json:"lookups_right"`
	LookupsWrong    int     `json:"lookups_wrong"` // the others had no answer
	LookupsP95S     float64 `json:"lookups_p95_s"`
	Updates         int     `json:"updates"`
	UpdatesFailed   int     `json:"updates_failed"`
	Records         int     `json:"records"`
	RecordsRight    int     `json:"records_right"`
	RecordsOld      int     `json:"records_old"`
	RecordsLost     int     `json:"records_lost"`
	RecordsP95S     float64 `json:"records_p95_s"`
}

// AfterDeaf is measured while links are deaf one way.
type AfterDeaf struct {
	Lookups       int     `json:"lookups"`
	LookupsRight  int     `json:"lookups_right"`
	Died          uint64  `json:"died"` // nodes taken for dead
	RecordsStored int     `json:"records_stored"`
	RecordsLost   int     `json:"records_lost"`
	SettledS      float64 `json:"settled_s"` // after the links are whole again
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
	e := experiment{Plan: p, Net: New(Config{Seed: p.Seed, Chord: cfg, Delay: p.Delay, Loss: p.Loss, Silent: p.Silent})}
	var r Result
	r.Nodes = p.Nodes

	if p.Settled {
		progress("making the ring")
		e.Settle(p.Nodes)
	} else {
		progress("growing the ring")
		e.grow()
	}
	settled, _ := e.RunUntil(settleTime, e.settled)
	r.SettledS = seconds(settled)
	r.JoinMeanS, r.JoinP99S = e.joinTimes()
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
	r.MeanHops, r.P99Hops = l.mean(), quantile(l.hops, 0.99)

	if p.Kill > 0 || p.Churn > 0 || p.Partition > 0 || p.Malicious > 0 || p.Deaf > 0 {
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
	if p.Deaf > 0 {
		progress("deafening links")
		r.Deaf = e.deafen()
	}
	if p.Malicious > 0 {
		progress("turning some malicious")
		r.Malice = e.corrupt()
	}
	r.Trace = e.Trace()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.HeapBytes, r.MemoryBytes = m.HeapAlloc, m.Sys
	runtime.KeepAlive(e.Net)
	r.HeapPerNode = m.HeapAlloc / uint64(p.Nodes)
	r.CPUS = math.Round((cpuTime()-began).Seconds()*100) / 100
	return r
}
