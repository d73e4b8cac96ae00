package sim

import (
	"cmp"
	"slices"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// What a message costs on the wire, about: RELOAD's forwarding header with the
// overlay's name, a signature without certificates, framing with its ACK, TLS.
// RFC 6940, sections 6.3 and 6.6
const (
	sizeBase = 70 + 110 + 30 + 60
	sizeDest = 18
	sizePeer = 16 + 8 // with its address
	sizeHeld = 4 + 8 + 4
)

// Size estimates the octets of a message.
func Size(m chord.Message) int {
	n := sizeBase + sizeDest*(len(m.To)+len(m.Via))
	table := func(t chord.Table) int { return 8 + sizePeer*(len(t.Pred)+len(t.Succ)) }
	records := func(list []overlay.Record) (n int) {
		for _, r := range list {
			n += 60 + len(r.Key) + len(r.Value) + len(r.Sig)
		}
		return n
	}
	switch b := m.Body.(type) {
	case chord.Pong:
		n += table(b.Table)
	case chord.Joined:
		n += table(b.Table)
	case chord.Update:
		n += table(b.Table)
	case chord.Leave:
		n += table(b.Table)
	case chord.Join:
		n += sizePeer
	case chord.Store:
		n += records(b.Records)
	case chord.Fetched:
		n += records(b.Records)
	case chord.Stat, chord.Fetch:
		n += 32
	case chord.Versions:
		for _, h := range b.Held {
			n += sizeHeld + 16 + len(h.Key)
		}
	}
	return n
}

func bodyKind(b chord.Body) byte {
	switch b.(type) {
	case chord.Ping:
		return 1
	case chord.Pong:
		return 2
	case chord.Join:
		return 3
	case chord.Joined:
		return 4
	case chord.Update:
		return 5
	case chord.Leave:
		return 6
	case chord.Ack:
		return 7
	case chord.Store:
		return 8
	case chord.Stored:
		return 9
	case chord.Fetch:
		return 10
	case chord.Fetched:
		return 11
	case chord.Stat:
		return 12
	case chord.Versions:
		return 13
	}
	return 14
}

// sorted are the records of a disk in a known order.
func sorted(disk map[overlay.Slot]overlay.Record) []overlay.Record {
	out := make([]overlay.Record, 0, len(disk))
	for _, r := range disk {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b overlay.Record) int {
		return cmp.Or(a.Resource.Compare(b.Resource), cmp.Compare(a.Kind, b.Kind), cmp.Compare(string(a.Key), string(b.Key)))
	})
	return out
}
