package link

import (
	"encoding/binary"
	"reflect"
	"testing"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// members are the OFFICE-MEMBER records of an office with n phones, each signed
// by the phone itself.
func members(o *office, n int) []overlay.Record {
	var out []overlay.Record
	for i := range n {
		var id overlay.ID
		binary.BigEndian.PutUint32(id[:], uint32(i+1))
		p := o.phone(id)
		out = append(out, p.record(node(8), overlay.OfficeMember, string(chainValue(p.chain))))
	}
	return out
}

// TestMembers: all members of a large office fit one answer, although their
// certificates do not fit its security block (64 kB, RFC 6940, section 6.3.4).
func TestMembers(t *testing.T) {
	t.Parallel()
	p, a, _ := newPair(t)
	records := members(a.office, 500)
	m := chord.Message{Tx: 1, From: p.a.Self(), To: []chord.Dest{{ID: node(2)}}, TTL: 100, Body: chord.Fetched{Records: records}}
	got, err := p.carry(m, new(keeper), new(keeper))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(records, got.Body.(chord.Fetched).Records) {
		t.Error("other records arrive")
	}
	if n := len(got.Raw); n > reload.MaxMessage*3/4 {
		t.Errorf("%d octets of %d for 500 phones", n, reload.MaxMessage)
	}
	// The signer's own chain, which proves the message, never hangs on a value in it.
	own := a.record(node(8), overlay.OfficeMember, "")
	own.Removed, own.Value = false, chainValue(a.chain)
	sig, err := a.sign(own.SignedBytes())
	if err != nil {
		t.Fatal(err)
	}
	own.Signature = sig
	m.Tx, m.Body = 2, chord.Store{Records: []overlay.Record{own}}
	if _, err := p.carry(m, new(keeper), new(keeper)); err != nil {
		t.Error(err)
	}
	// A value that is no chain vouches for nothing and harms nothing.
	for i, value := range []string{"x", "\x00\x00", "\x00\x01x", "\x00\x05abcd"} {
		bad := a.record(node(8), overlay.OfficeMember, value)
		m.Tx, m.Body = uint64(3+i), chord.Store{Records: []overlay.Record{bad}}
		if _, err := p.carry(m, new(keeper), new(keeper)); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func chainValue(chain [][]byte) (value []byte) {
	for _, der := range chain {
		value = binary.BigEndian.AppendUint16(value, uint16(len(der)))
		value = append(value, der...)
	}
	return value
}

// BenchmarkMembers is the answer to a Fetch of all members of a large office.
func BenchmarkMembers(b *testing.B) {
	p, a, _ := newPair(b)
	m := chord.Message{From: p.a.Self(), To: []chord.Dest{{ID: node(2)}}, TTL: 100, Body: chord.Fetched{Records: members(a.office, 200)}}
	b.ReportAllocs()
	for b.Loop() {
		m.Tx++
		if _, err := p.carry(m, new(keeper), new(keeper)); err != nil {
			b.Fatal(err)
		}
	}
}
