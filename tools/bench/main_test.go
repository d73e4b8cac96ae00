package main

import (
	"slices"
	"testing"

	"chordophone/tools/bench/dht"
)

func TestOptions(t *testing.T) {
	both := []string{"ours", "opendht"}
	o, err := (&runCmd{Peers: both}).options()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.Nodes, []int{20, 50}) || !slices.Equal(o.Stages, dht.Stages()) || o.Scale != dht.Full() || o.OursOnly || o.Exe == "" {
		t.Errorf("by default %+v", o)
	}
	o, err = (&runCmd{Peers: []string{"ours"}, Short: true, Stages: []string{dht.StageIdle}}).options()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.Nodes, []int{10}) || !slices.Equal(o.Stages, []string{dht.StageIdle}) || o.Scale != dht.Short() || !o.OursOnly {
		t.Errorf("short: %+v", o)
	}
	for what, r := range map[string]runCmd{
		"stage":          {Peers: both, Stages: []string{"lunch"}},
		"peer":           {Peers: []string{"ours", "kademlia"}},
		"too few nodes":  {Peers: both, Nodes: []int{4}},
		"too many nodes": {Peers: both, Nodes: []int{20, 251}},
	} {
		if _, err := r.options(); err == nil {
			t.Errorf("wrong %s was accepted", what)
		}
	}
}
