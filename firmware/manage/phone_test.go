package manage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"chordophone/firmware/metrics"
)

// Node-IDs of the office in which the console is tested. The last two begin alike.
var nodes = []string{
	"10000000000000000000000000000101", "40000000000000000000000000000102",
	"80000000000000000000000000000103", "80000000000000000000000000000104",
}

// fakePhone is extension 101 of acme.
type fakePhone struct {
	mu      sync.Mutex
	revoked []string // nodes
	open    bool
	healthy bool        // for audit
	stuck   chan string // names of methods that wait for their context
	packets int         // of capture, then it waits; 0: without end
	ended   chan error  // of streams: why

	restored string // what restore was given

	accounts []Account
	contacts []Contact
	messages []Message
	name     []string  // of the configuration, in the file
	set      time.Time // to what the clock was set; zero: it was not
}

var _ Phone = (*fakePhone)(nil)

func (f *fakePhone) Version() Version { return Version{"1.2.3", "go1.26", "linux", "arm64"} }

func (f *fakePhone) Status(context.Context) (Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Status{
		Extension: "101", Name: "Reception", Office: "acme", Node: nodes[0], Address: "192.0.2.1",
		UptimeS: 3*86400 + 4*3600 + 59, Ready: true, Enrolling: f.open, Version: "1.2.3",
		Calls: 1, Registrations: 2, Records: 17,
		Ring:        RingSummary{Size: 4, Predecessor: nodes[3], Successors: nodes[1:3]},
		MemoryBytes: 14_200_000,
		Clock:       f.clock(),
		Problems:    []Problem{{"the SD card was damaged once", "think of a new one"}},
	}, nil
}

// clock is in Berlin, where nobody has told the time until somebody sets it.
func (f *fakePhone) clock() Clock {
	berlin := time.FixedZone("CET", 3600)
	if f.set.IsZero() {
		return Clock{
			Time: time.Date(2026, 3, 1, 10, 31, 5, 0, berlin), Source: ClockAgreed, With: 3,
			Text: "agreed with 3 phones (no time server)",
		}
	}
	return Clock{Time: f.set, Source: ClockHand, Known: true, Text: "set by hand on this phone (no time server)"}
}

func (f *fakePhone) Clock(context.Context) (Clock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock(), nil
}

func (f *fakePhone) SetClock(_ context.Context, to time.Time) (Clock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if to.Before(f.clock().Time) {
		return Clock{}, hinted{errors.New("that is in the past"), "a clock is set forward only"}
	}
	f.set = to
	c := f.clock()
	c.Voices = 2
	return c, nil
}

func (f *fakePhone) Calls(_ context.Context, n int) ([]Call, error) {
	start := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	calls := []Call{
		{State: "connected", Start: start, DurationS: 65, Number: "102"},
		// Who calls chooses what is shown as the name.
		{State: "ended", Start: start.Add(-time.Hour), Incoming: true, Number: "103",
			Name: "Eve\x1b[2J\u009b31m\u202e", Cause: "Busy Here", Status: 486},
	}
	return calls[:min(n+1, len(calls))], nil
}

func (f *fakePhone) Ring(context.Context) (Ring, error) {
	return Ring{
		Self: nodes[0], Joined: true, Size: 4,
		Predecessors: []string{nodes[3], nodes[2]}, Successors: nodes[1:3], Fingers: nodes[2:3],
		Peers: []Peer{{nodes[0], "101", "192.0.2.1:6084"}, {nodes[1], "102", "192.0.2.2:6084"},
			{nodes[2], "103", "192.0.2.3:6084"}, {Node: nodes[3]}},
	}, nil
}

func (f *fakePhone) Members(ctx context.Context) ([]Member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []Member{
		{Node: nodes[0], Extension: "101", Name: "Reception", Address: "192.0.2.1", Self: true, Online: true, Founder: true},
		{Node: nodes[1], Extension: "102", Name: "Zoë", Address: "192.0.2.2", Online: true},
		{Node: nodes[2], Extension: "103"},
		{Node: nodes[3], Extension: "103"},
	}
	for i := range list {
		for _, r := range f.revoked {
			list[i].Revoked = list[i].Revoked || list[i].Node == r
		}
	}
	return list, nil
}

func (f *fakePhone) Registrations(context.Context) ([]Registration, error) {
	return []Registration{
		{AOR: "sip:101@acme", Contact: "sip:101@192.0.2.1:5061;transport=tls", Node: nodes[0], ExpiresS: 3540},
		{AOR: "sip:102@acme", Contact: "sip:102@192.0.2.2:5061;transport=tls", Node: nodes[1], ExpiresS: 59},
		{AOR: "sip:alice@acme", Contact: "sip:alice@192.0.2.50:5062", Node: nodes[1], ExpiresS: 3000, Client: true, Agent: "Softphone/1.0"},
		{AOR: "sip:alice@acme", Contact: "sip:alice@192.0.2.51", Node: nodes[0], ExpiresS: 300, Client: true},
	}, nil
}

type errNobody struct{ aor string }

func (e errNobody) Error() string { return e.aor + ": nobody has this address" }

func (e errNobody) Hint() string { return "members lists who there is" }

func (f *fakePhone) Lookup(ctx context.Context, aor string) (Lookup, error) {
	switch aor {
	case "sip:102@acme":
		return Lookup{aor, []Binding{{Contact: "sip:102@192.0.2.2:5061;transport=tls", Node: nodes[1], ExpiresS: 3540}}, 1, 1.25}, nil
	case "sip:103@acme":
		return Lookup{aor, []Binding{}, 2, 1234.5}, nil
	case "sip:alice@acme":
		return Lookup{aor, []Binding{{"sip:alice@192.0.2.50:5062", nodes[1], 3000, true, "Softphone/1.0"}}, 1, 1.25}, nil
	case "sip:slow@acme":
		f.stuck <- "lookup"
		<-ctx.Done()
		return Lookup{}, fmt.Errorf("look up %s: %w", aor, ctx.Err())
	}
	return Lookup{}, errNobody{aor}
}

func (f *fakePhone) Trace(_ context.Context, aor string) (Trace, error) {
	if aor != "sip:102@acme" {
		return Trace{}, errNobody{aor}
	}
	return Trace{aor, "7f000000000000000000000000000000", []Hop{
		{Peer{nodes[1], "102", "192.0.2.2:6084"}, 0.5},
		{Peer{nodes[2], "103", "192.0.2.3:6084"}, 1.1},
	}, []Binding{{Contact: "sip:102@192.0.2.2:5061;transport=tls", Node: nodes[1], ExpiresS: 3540}}, 1.25}, nil
}

func (f *fakePhone) Audit(context.Context) (Audit, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.healthy {
		return Audit{OK: true, Closed: true, Nodes: 4, Records: 17, Copies: 68, MS: 31}, nil
	}
	f.healthy = true
	return Audit{Closed: true, Nodes: 4, Records: 17, Copies: 66, Missing: 1, Differing: 1, Repaired: 1, MS: 1500,
		Findings: []Finding{
			{nodes[1], "7f000000000000000000000000000000", "SIP-REGISTRATION", "missing", true},
			{nodes[2], "6e000000000000000000000000000000", "OFFICE-MEMBER", "differs", false},
		}}, nil
}

// pcapHeader is that of a file of exported PDUs, microseconds, little endian.
var pcapHeader = binary.LittleEndian.AppendUint32(
	binary.LittleEndian.AppendUint32([]byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 65535), 252)

// packet is one of a pcap file, with size octets of data.
func packet(size int) []byte {
	p := binary.LittleEndian.AppendUint32(make([]byte, 8), uint32(size))
	p = binary.LittleEndian.AppendUint32(p, uint32(size))
	return append(p, make([]byte, size)...)
}

func (f *fakePhone) Capture(ctx context.Context, w io.Writer) (err error) {
	defer func() {
		if f.ended != nil {
			f.ended <- err
		}
	}()
	if _, err := w.Write(pcapHeader); err != nil {
		return err
	}
	p := packet(1000)
	for i := 0; f.packets == 0 || i < f.packets; i++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := w.Write(p); err != nil {
			return err
		}
		if f.packets == 0 {
			time.Sleep(time.Microsecond)
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakePhone) Dump(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, "12:00:00.000 Tick\n12:00:01.500 Find ref=1\n")
	return err
}

func (f *fakePhone) Log(ctx context.Context, w io.Writer, follow bool) error {
	for _, line := range []string{"level=INFO msg=started\n", "level=WARN msg=\x1b[31mred\u009b\n", `{"level":"INFO","msg":"joined <the ring>"}` + "\n"} {
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	if !follow {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakePhone) Metrics(context.Context) ([]metrics.Family, error) {
	return []metrics.Family{metrics.Measure("chordophone_calls", "Calls in progress.", 1)}, nil
}

func (f *fakePhone) Watch(ctx context.Context, told func(extension, state string)) error {
	told("101", "busy")
	told("102", "ringing")
	<-ctx.Done()
	return ctx.Err()
}

// brokenPhone fails at everything.
type brokenPhone struct{ fakePhone }

func (*brokenPhone) Status(context.Context) (Status, error) {
	return Status{}, errors.New("the ring\nis broken")
}
