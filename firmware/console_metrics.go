package firmware

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/firmware/metrics"
	"chordophone/overlay"
	"chordophone/storage"
)

// Metrics are this phone's figures. They are gathered when somebody asks, from what
// the parts count anyway; nothing is asked of the ring.
func (c console) Metrics(context.Context) ([]metrics.Family, error) {
	var all []metrics.Family
	for _, part := range []func() []metrics.Family{c.nodeMetrics, c.sipMetrics, c.mediaMetrics, c.storageMetrics, c.processMetrics} {
		all = append(all, part()...)
	}
	return all, nil
}

func (c console) nodeMetrics() []metrics.Family {
	view, link := c.node.View(), c.link.Stats()
	dropped := metrics.Family{Name: "chordophone_overlay_dropped_total", Help: "What the overlay's connections dropped, by reason.", Kind: metrics.Counter}
	for _, reason := range slices.Sorted(maps.Keys(link.Dropped)) {
		dropped.Samples = append(dropped.Samples, metrics.With("reason", reason, link.Dropped[reason]))
	}
	return []metrics.Family{
		{Name: "chordophone_info", Help: "Which program this is; always 1.", Kind: metrics.Gauge, Samples: []metrics.Sample{{
			Labels: []metrics.Label{{Name: "version", Value: c.version}, {Name: "go", Value: runtime.Version()}, {Name: "arch", Value: runtime.GOARCH}}, Value: 1,
		}}},
		metrics.Measure("chordophone_uptime_seconds", "Time since the program started.", time.Since(c.started).Seconds()),
		metrics.Measure("chordophone_ready", "Whether this phone can call and be called.", metrics.Flag(c.register.bound.Load())),
		metrics.Measure("chordophone_ring_joined", "Whether this phone is in the ring.", metrics.Flag(view.Joined)),
		metrics.Measure("chordophone_ring_phones", "Phones in the ring, this one included, as this one estimates it.", view.Size),
		metrics.Measure("chordophone_enrolment_open", "Whether new phones are let in.", metrics.Flag(c.door.isOpen())),
		metrics.Measure("chordophone_overlay_connections", "Connections to other phones.", link.Conns),
		{Name: "chordophone_overlay_messages_total", Help: "Messages of the overlay.", Kind: metrics.Counter, Samples: []metrics.Sample{
			metrics.With("direction", "in", link.MessagesIn), metrics.With("direction", "out", link.MessagesOut),
		}},
		{Name: "chordophone_overlay_bytes_total", Help: "Octets of the overlay's frames, without TLS.", Kind: metrics.Counter, Samples: []metrics.Sample{
			metrics.With("direction", "in", link.BytesIn), metrics.With("direction", "out", link.BytesOut),
		}},
		dropped,
	}
}

func (c console) sipMetrics() []metrics.Family {
	s := c.exchange.stack.Counters()
	return []metrics.Family{
		metrics.Measure("chordophone_clients", "SIP clients of other makes that are registered at this phone.", len(*c.exchange.served.Load())),
		metrics.Count("chordophone_sip_datagrams_total", "UDP datagrams received.", s.Datagrams),
		metrics.Count("chordophone_sip_messages_total", "SIP messages received, on any transport.", s.Messages),
		metrics.Count("chordophone_sip_transactions_total", "SIP transactions begun.", s.Transactions),
		{Name: "chordophone_sip_dropped_total", Help: "What SIP dropped or refused, by reason.", Kind: metrics.Counter, Samples: []metrics.Sample{
			metrics.With("reason", "source-rate", s.OverRate), metrics.With("reason", "total-rate", s.OverTotal),
			metrics.With("reason", "behind", s.Behind), metrics.With("reason", "malformed", s.Malformed),
			metrics.With("reason", "refused", s.Refused), metrics.With("reason", "busy", s.Busy),
			metrics.With("reason", "stray", s.Stray), metrics.With("reason", "connection", s.TurnedAway),
		}},
		{Name: "chordophone_sip_errors_total", Help: "Errors of the network.", Kind: metrics.Counter, Samples: []metrics.Sample{
			metrics.With("direction", "in", s.ReadErrors), metrics.With("direction", "out", s.SendErrors),
		}},
		{Name: "chordophone_sip_transactions", Help: "SIP transactions that are kept.", Kind: metrics.Gauge, Samples: []metrics.Sample{
			metrics.With("side", "client", s.ClientTransactions), metrics.With("side", "server", s.ServerTransactions),
		}},
		metrics.Measure("chordophone_sip_connections", "TCP and TLS connections.", s.Connections),
	}
}

// mediaMetrics are of the calls in progress: the worst that anybody hears.
func (c console) mediaMetrics() []metrics.Family {
	calls := c.ledger.calls()
	all := []metrics.Family{metrics.Measure("chordophone_calls", "Calls in progress at this telephone.", len(calls))}
	mos, concealed, jitter, heard := 5.0, 0.0, 0.0, 0
	for _, l := range calls {
		if l.Sound.R > 0 {
			heard++
			mos, concealed, jitter = min(mos, l.Sound.MOSCQ), max(concealed, l.Sound.Ratio), max(jitter, l.Sound.JitterMS/1000)
		}
	}
	if heard == 0 {
		return all
	}
	return append(all,
		metrics.Measure("chordophone_call_mos", "Opinion (MOS-CQ, ITU-T G.107) that the worst of the calls in progress stands for.", mos),
		metrics.Measure("chordophone_call_concealed_ratio", "Part of its sound that was made up, of the worst of the calls in progress.", concealed),
		metrics.Measure("chordophone_call_jitter_seconds", "Jitter (RFC 3550) of the worst of the calls in progress.", jitter),
	)
}

func (c console) storageMetrics() []metrics.Family {
	all := []metrics.Family{metrics.Count("chordophone_storage_skipped_total", "Values that could not be decoded.", c.db.Skipped())}
	records := 0
	if err := c.db.Load(func(overlay.Record) error { records++; return nil }); err == nil {
		all = append(all, metrics.Measure("chordophone_storage_records", "Records of the ring on this phone's disk.", records))
	}
	if info, err := os.Stat(filepath.Join(c.cfg.Data, storage.File)); err == nil {
		all = append(all, metrics.Measure("chordophone_storage_bytes", "Size of the database.", info.Size()))
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(c.cfg.Data, &disk); err == nil {
		all = append(all, metrics.Measure("chordophone_storage_free_bytes", "Free space where the database is.", disk.Bavail*uint64(disk.Bsize)))
	}
	return all
}

// processMetrics have the names that Prometheus' own libraries give them.
func (c console) processMetrics() []metrics.Family {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	all := []metrics.Family{
		metrics.Measure("process_resident_memory_bytes", "Memory that is resident.", residentMemory()),
		metrics.Measure("go_goroutines", "Goroutines.", runtime.NumGoroutine()),
		metrics.Measure("go_memstats_heap_alloc_bytes", "Heap in use.", m.HeapAlloc),
	}
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err == nil {
		seconds := func(t unix.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
		all = append(all, metrics.Count("process_cpu_seconds_total", "Processor time, of user and system.", seconds(used.Utime)+seconds(used.Stime)))
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		all = append(all, metrics.Measure("process_open_fds", "Open files and connections.", len(files)))
	}
	return all
}
