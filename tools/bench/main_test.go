package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"chordophone/tools/bench/dht"
	"chordophone/tools/bench/sip"
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

func TestSIPOptions(t *testing.T) {
	phone := filepath.Join(t.TempDir(), "chordophone")
	if _, err := (&runCmd{Part: "sip", Phone: phone}).sipOptions(); err == nil {
		t.Error("a telephone that is not there was accepted")
	}
	if err := os.WriteFile(phone, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	o, err := (&runCmd{Part: "sip", Phone: phone}).sipOptions()
	if err != nil || o.OursOnly || !slices.Equal(o.Stages, sip.Stages()) || !reflect.DeepEqual(o.Scale, sip.Full()) {
		t.Errorf("by default %+v, %v", o, err)
	}
	o, err = (&runCmd{Part: "sip", Phone: phone, Short: true, Rounds: 2, Peers: []string{"ours"}, Stages: []string{sip.StageTorture}}).sipOptions()
	if err != nil || !o.OursOnly || o.Scale.Rounds != 2 || o.Scale.Calls != sip.Short().Calls || !slices.Equal(o.Stages, []string{sip.StageTorture}) {
		t.Errorf("short: %+v, %v", o, err)
	}
	for what, r := range map[string]runCmd{
		"stage": {Phone: phone, Stages: []string{dht.StagePut}},
		"peer":  {Phone: phone, Peers: []string{"opendht"}},
	} {
		if _, err := r.sipOptions(); err == nil {
			t.Errorf("wrong %s was accepted", what)
		}
	}
}
