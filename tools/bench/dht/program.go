package dht

import (
	"context"
	"os/exec"
)

// program is a distributed hash table: how its nodes are started, and what they
// are told and say.
type program interface {
	name() string
	command(i int) *exec.Cmd // starts node i, for the first time or again
	hear(l *life, line string)

	put(name, value string) string // the line that does it
	get(name string) string

	// together waits until all that run are one network as far as one can tell
	// from outside.
	together(ctx context.Context, net *Network) error
}
