package storage

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chordophone/overlay"
)

// The database does what a few maps would do, through closing, opening again and
// compacting, and its file stays in order.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		db := open(t, dir)
		defer func() { db.Close() }()

		records := map[string]overlay.Record{}
		settings := map[string][]byte{}
		var peers []overlay.Peer
		var calls []Call
		var epoch uint32
		check := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		small := rapid.IntRange(0, 7)

		rt.Repeat(map[string]func(*rapid.T){
			"apply": func(rt *rapid.T) {
				var save []overlay.Record
				var drop []overlay.Slot
				for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 47), 0, 16, rapid.ID).Draw(rt, "records") {
					r := record(i, 0)
					r.Version = overlay.Version(rapid.Uint64().Draw(rt, "version"))
					r.Removed = rapid.Bool().Draw(rt, "removed")
					r.Value = bytes.Repeat([]byte{byte(i)}, rapid.IntRange(0, 1200).Draw(rt, "size"))
					if rapid.Bool().Draw(rt, "drop") {
						drop = append(drop, r.Slot())
						delete(records, string(slotKey(r.Slot())))
					} else {
						save = append(save, r)
						records[string(slotKey(r.Slot()))] = r
					}
				}
				check(db.Apply(save, drop))
			},
			"set": func(rt *rapid.T) {
				name := fmt.Sprint(small.Draw(rt, "name"))
				value := rapid.SliceOfN(rapid.Byte(), 0, 9000).Draw(rt, "value")
				if rapid.Bool().Draw(rt, "remove") {
					value = nil
					delete(settings, name)
				} else {
					settings[name] = value
				}
				check(db.Set(name, value))
			},
			"peers": func(rt *rapid.T) {
				peers = nil
				for _, i := range rapid.SliceOfDistinct(rapid.Uint8(), rapid.ID).Draw(rt, "peers") {
					peers = append(peers, overlay.Peer{
						ID:   overlay.ResourceID(fmt.Sprint(i)),
						Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, i}), rapid.Uint16().Draw(rt, "port")),
					})
				}
				check(db.SavePeers(peers))
				peers = peers[:min(len(peers), maxPeers)]
				slices.SortFunc(peers, func(a, b overlay.Peer) int { return a.ID.Compare(b.ID) })
			},
			"call": func(rt *rapid.T) {
				c := Call{Number: rapid.StringMatching("[0-9]{3}").Draw(rt, "number"), Incoming: rapid.Bool().Draw(rt, "in")}
				calls = append([]Call{c}, calls...)
				check(db.AppendCall(c))
			},
			"epoch": func(rt *rapid.T) {
				got, err := db.Epoch()
				check(err)
				if epoch++; got != epoch {
					rt.Fatalf("epoch %d, want %d", got, epoch)
				}
			},
			"reopen": func(rt *rapid.T) {
				check(db.Check())
				check(db.Close())
				db = open(t, dir)
				if db.Recovered != "" {
					rt.Fatal("recovered from nothing")
				}
			},
			"compact": func(rt *rapid.T) {
				check(db.Compact())
				check(db.Check())
				db.bolt.NoSync = true
			},
			"": func(rt *rapid.T) {
				var want []overlay.Record
				for _, k := range slices.Sorted(maps.Keys(records)) {
					want = append(want, records[k])
				}
				if diff := cmp.Diff(want, load(t, db), cmp.Comparer(bytes.Equal)); diff != "" {
					rt.Fatal(diff)
				}
				for i := range 8 {
					name := fmt.Sprint(i)
					want, ok := settings[name]
					got, err := db.Get(name)
					if ok && (err != nil || !bytes.Equal(got, want)) || !ok && !errors.Is(err, ErrNotFound) {
						rt.Fatalf("setting %s: %x, %v; want %x", name, got, err, want)
					}
				}
				gotPeers, err := db.Peers()
				check(err)
				if !slices.Equal(gotPeers, peers) {
					rt.Fatalf("peers %v, want %v", gotPeers, peers)
				}
				gotCalls, err := db.Calls(MaxCalls)
				check(err)
				if !slices.Equal(gotCalls, calls) {
					rt.Fatalf("calls %v, want %v", gotCalls, calls)
				}
			},
		})
		check(db.Check())
	})
}
