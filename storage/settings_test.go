package storage

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"

	"chordophone/overlay"
)

func TestPeersAreBounded(t *testing.T) {
	db := open(t, t.TempDir())
	peers := []overlay.Peer{{ID: overlay.ResourceID("no address")}}
	for i := range 100 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), overlay.Port)
		peers = append(peers, overlay.Peer{ID: overlay.ResourceID(fmt.Sprint(i)), Addr: addr})
	}
	peers = append(peers, peers[1])
	if err := db.SavePeers(peers); err != nil {
		t.Fatal(err)
	}
	got, err := db.Peers()
	if err != nil || len(got) != maxPeers {
		t.Fatalf("%d peers, %v", len(got), err)
	}
	for _, p := range got {
		if !p.Addr.IsValid() {
			t.Error("a peer without address was kept")
		}
	}
	if peers[0].Addr.IsValid() || len(peers) != 102 {
		t.Error("SavePeers changed its argument")
	}
}

func TestSettingsAreBounded(t *testing.T) {
	db := open(t, t.TempDir())
	for _, err := range []error{
		db.Set("", []byte("x")),
		db.Set(strings.Repeat("x", MaxName+1), nil),
		db.Set("x", make([]byte, MaxSetting+1)),
	} {
		if !errors.Is(err, ErrTooLarge) {
			t.Error(err)
		}
		hint(t, err)
	}
	if err := db.Set(strings.Repeat("x", MaxName), make([]byte, MaxSetting)); err != nil {
		t.Error(err)
	}
}

func TestCallLogIsBounded(t *testing.T) {
	db := open(t, t.TempDir())
	for i := range MaxCalls + 20 {
		if err := db.AppendCall(Call{Number: fmt.Sprint(i), Name: strings.Repeat("n", 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := db.Calls(math.MaxInt)
	if err != nil || len(all) != MaxCalls || all[0].Number != "1019" || all[MaxCalls-1].Number != "20" {
		t.Fatalf("%d calls, %v", len(all), err)
	}
	if len(all[0].Name) != maxCallText {
		t.Errorf("a name of %d octets was kept", len(all[0].Name))
	}
	last, err := db.Calls(3)
	if err != nil || len(last) != 3 || last[0].Number != "1019" {
		t.Error(last, err)
	}
}
