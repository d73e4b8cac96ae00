package audio

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/telephone"
)

// phone is one of ours, with a handset of the bench's.
type phone struct {
	*telephone.Phone
	name    string // as a program
	number  string
	handset *handset
}

const (
	domain  = "office.test"
	trusted = "10.77.0.0/24"
)

// startOffice starts two phones on each side: 101 and 102, and, with packets of 10 ms, 103 and
// 104. They write one log.
func startOffice(ctx context.Context, net *network, exe, dir, log string, urgent []string) (phones [4]*phone, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for i := range phones {
		p := &phone{name: ours, number: fmt.Sprint(101 + i)}
		phones[i] = p
		socket := filepath.Join(dir, fmt.Sprintf("handset-%d", i+1))
		if p.handset, err = newHandset(socket); err != nil {
			return phones, err
		}
		c := telephone.Config{
			Program: append(urgent[:len(urgent):len(urgent)], exe), Data: filepath.Join(dir, fmt.Sprintf("phone-%d", i+1)), Log: log,
			Listen: ourAddress(i), Trust: trusted, Peer: ourAddress(0),
			More: []string{"--mic", "unix:" + socket, "--ear", "unix:" + socket},
		}
		if i == 0 {
			c.Found = domain
		}
		if i >= 2 {
			p.name = quick
			c.More = append(c.More, "--packet-time", "10")
		}
		if p.Phone, err = telephone.Start(ctx, net.sides[i%2], c); err != nil {
			return phones, procs.Explain(err, log)
		}
	}
	return phones, nil
}
