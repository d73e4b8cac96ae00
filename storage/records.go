package storage

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"

	"go.etcd.io/bbolt"

	"chordophone/overlay"
)

// maxPeers is how many peers are remembered.
const maxPeers = 64

// Load calls fn with each record kept, in the order of Resource, Kind and key,
// until it returns an error. What cannot be decoded is skipped and counted.
func (db *DB) Load(fn func(overlay.Record) error) error {
	bad := 0
	err := db.view("load records", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRecords).ForEach(func(k, v []byte) error {
			var r overlay.Record
			if r.UnmarshalBinary(v) != nil || !bytes.Equal(slotKey(r.Slot()), k) {
				bad++
				return nil
			}
			return fn(r)
		})
	})
	if bad > 0 {
		db.skipped.Add(int64(bad))
		db.log.Warn("damaged records skipped", "count", bad)
	}
	return err
}

// Apply drops the slots and then saves the records, all or none; it is durable
// when Apply returns. It commits nothing, and does not wait for the disk, when
// that changes nothing.
func (db *DB) Apply(save []overlay.Record, drop []overlay.Slot) error {
	if len(save) == 0 && len(drop) == 0 {
		return nil
	}
	values := make([][]byte, len(save))
	for i, r := range save {
		v, err := r.MarshalBinary()
		if err != nil {
			return err
		}
		values[i] = v
	}
	return db.update("apply records", func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketRecords)
		changed := false
		for _, s := range drop {
			k := slotKey(s)
			if b.Get(k) == nil {
				continue
			}
			changed = true
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		for i, r := range save {
			k := slotKey(r.Slot())
			if bytes.Equal(b.Get(k), values[i]) {
				continue
			}
			changed = true
			if err := b.Put(k, values[i]); err != nil {
				return err
			}
		}
		if !changed {
			return errNoChange
		}
		return nil
	})
}

// slotKey is the key of a record in its bucket.
func slotKey(s overlay.Slot) []byte {
	k := make([]byte, 0, len(s.Resource)+4+len(s.Key))
	k = append(k, s.Resource[:]...)
	k = binary.BigEndian.AppendUint32(k, uint32(s.Kind))
	return append(k, s.Key...)
}

// Peers are the peers saved last.
func (db *DB) Peers() (peers []overlay.Peer, err error) {
	err = db.view("load peers", func(tx *bbolt.Tx) error {
		peers, err = db.peers(tx)
		return err
	})
	return peers, err
}

func (db *DB) peers(tx *bbolt.Tx) (peers []overlay.Peer, err error) {
	err = tx.Bucket(bucketPeers).ForEach(func(k, v []byte) error {
		addr, err := netip.ParseAddrPort(string(v))
		if err != nil || len(k) != len(overlay.ID{}) {
			db.skipped.Add(1)
			return nil
		}
		peers = append(peers, overlay.Peer{ID: overlay.ID(k), Addr: addr})
		return nil
	})
	return peers, err
}

// SavePeers remembers the first 64 of these peers, for the next start, in place of
// those saved before. Peers without address are left out.
func (db *DB) SavePeers(peers []overlay.Peer) error {
	peers = slices.DeleteFunc(slices.Clone(peers), func(p overlay.Peer) bool { return !p.Addr.IsValid() })
	peers = peers[:min(len(peers), maxPeers)]
	slices.SortStableFunc(peers, func(a, b overlay.Peer) int { return a.ID.Compare(b.ID) })
	peers = slices.CompactFunc(peers, func(a, b overlay.Peer) bool { return a.ID == b.ID })
	return db.update("save peers", func(tx *bbolt.Tx) error {
		if old, err := db.peers(tx); err != nil {
			return err
		} else if slices.Equal(old, peers) {
			return errNoChange
		}
		if err := tx.DeleteBucket(bucketPeers); err != nil {
			return err
		}
		b, err := tx.CreateBucket(bucketPeers)
		if err != nil {
			return err
		}
		for _, p := range peers {
			if err := b.Put(p.ID[:], []byte(p.Addr.String())); err != nil {
				return err
			}
		}
		return nil
	})
}
