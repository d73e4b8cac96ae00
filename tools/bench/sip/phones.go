package sip

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/telephone"
)

// officeOptions say what office to start.
type officeOptions struct {
	exe, dir string
	name     string
	domain   string
	addrs    []netip.Addr
	accounts []string
	speech   string // WAV file of the microphone; may be empty
}

// startOffice starts an office of phones and waits until the last has all accounts.
func startOffice(ctx context.Context, host *procs.Host, o officeOptions) (*target, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	t := &target{name: o.name, entry: o.addrs[0], home: o.addrs[len(o.addrs)-1], log: filepath.Join(o.dir, "log")}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return t, err
	}
	for i, a := range o.addrs {
		c := telephone.Config{
			Program: []string{o.exe}, Data: filepath.Join(o.dir, fmt.Sprintf("phone-%d", i+1)), Log: t.log,
			Listen: a.String(), Trust: trusted, Peer: o.addrs[0].String(),
		}
		if i == 0 {
			c.Found = o.domain
			for _, u := range o.accounts {
				c.More = append(c.More, "--account", u+":bench-"+u)
			}
		}
		if o.speech != "" {
			c.More = append(c.More, "--mic", o.speech, "--ear", filepath.Join(o.dir, fmt.Sprintf("heard-%d.wav", i+1)))
		}
		p, err := telephone.Start(ctx, host, c)
		if err != nil {
			return t, t.explain(err)
		}
		t.procs, t.phones = append(t.procs, p.Process), append(t.phones, p)
	}
	return t, nil
}
