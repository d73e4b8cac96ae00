package sip

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/telephone"
)

// Addresses of the network of a measurement. Everything in trusted needs no
// password.
var (
	kamailioAddr   = netip.MustParseAddr("127.0.77.1")
	phoneAddr      = netip.MustParseAddr("127.0.77.2")
	pairAddrs      = [2]netip.Addr{netip.MustParseAddr("127.0.77.3"), netip.MustParseAddr("127.0.77.4")}
	callerAddr     = netip.MustParseAddr("127.0.77.21")
	calleeAddr     = netip.MustParseAddr("127.0.77.22")
	registrantAddr = netip.MustParseAddr("127.0.77.23")
	tormentorAddr  = netip.MustParseAddr("127.0.77.24")
)

const (
	trusted = "127.0.77.0/24"
	sipPort = 5060
	domain  = "office.test"
	// tortureDomain is where most of RFC 4475's requests want to go.
	tortureDomain = "example.com"
)

// Names of the servers in detail and notes.
const (
	one      = "ours, one phone"
	two      = "ours, two phones"
	kamailio = "kamailio"
)

// target is a server, or an office of phones, that is measured.
type target struct {
	name   string
	entry  netip.Addr // where the caller sends its calls
	home   netip.Addr // where the callee is registered
	procs  []*procs.Process
	phones []*telephone.Phone // ours only
	log    string             // path of its log
}

// alive reports whether all its processes run.
func (t *target) alive() bool {
	for _, p := range t.procs {
		select {
		case <-p.Ended():
			return false
		default:
		}
	}
	return true
}

// explain adds the end of its log to an error.
func (t *target) explain(err error) error { return procs.Explain(err, t.log) }

func (t *target) kill(ctx context.Context) {
	for _, p := range t.procs {
		p.Kill()
	}
	for _, p := range t.procs {
		p.Wait(ctx)
	}
}

// pids are its processes and those that these have forked.
func (t *target) pids() (all []int) {
	for _, p := range t.procs {
		all = append(all, p.PID())
		all = append(all, children(p.PID())...)
	}
	return all
}

// children of a process, of all its threads. // proc_pid_task(5)
func children(pid int) (all []int) {
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, path := range lists {
		text, _ := os.ReadFile(path)
		for _, f := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(f); err == nil {
				all = append(append(all, n), children(n)...)
			}
		}
	}
	return all
}
