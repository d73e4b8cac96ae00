package config

import (
	"bytes"
	"errors"
	"testing"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// TestSuccession is who may put what in force after what.
func TestSuccession(t *testing.T) {
	first, _ := founded(t)
	first.ConfigSigners = append(first.ConfigSigners, node(2))
	previous, err := Parse(signed(t, first, 1), first.Office)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		by     byte
		change func(*Document)
		want   error
	}{
		{"by the founder", 1, func(*Document) {}, nil},
		{"by another signer", 2, func(d *Document) { d.KindSigners = []overlay.ID{node(2)} }, nil},
		{"by one who signs from now on", 3, func(d *Document) { d.ConfigSigners = []overlay.ID{node(3)}; d.KindSigners = d.ConfigSigners }, ErrSigner},
		{"by a bad node", 2, func(d *Document) { d.BadNodes = append(d.BadNodes, node(2)); d.KindSigners = []overlay.ID{node(2)} }, ErrSigner},
		{"kinds by another", 1, func(d *Document) { d.KindSigners = []overlay.ID{node(4)} }, ErrSigner},
		{"the same number", 1, func(d *Document) { d.Sequence = 1 }, ErrSequence},
		{"a smaller one", 1, func(d *Document) { d.Sequence = 0 }, ErrSequence},
		{"one that went round", 1, func(d *Document) { d.Sequence = 40000 }, ErrSequence},
		{"another office", 1, func(d *Document) { d.Office = "other.example" }, ErrOffice},
		{"another root", 1, func(d *Document) { d.RootCerts = [][]byte{[]byte("other")} }, ErrUnsupported},
		{"a kind that is not ours", 1, func(d *Document) { d.Kinds[0].ID = 0xf0000077 }, ErrKind},
		{"another access", 1, func(d *Document) { d.Kinds[0].Access = NodeMatch }, ErrKind},
		{"too large values", 1, func(d *Document) { d.Kinds[0].MaxSize = 1 << 20 }, ErrKind},
	} {
		d, _ := founded(t)
		d.Sequence = 2
		tt.change(d)
		next, err := Parse(signed(t, d, tt.by), d.Office)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if err := next.Verify(verify, previous); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// code is the error code in a refusal; 0: none.
func code(t *testing.T, err error) uint16 {
	t.Helper()
	var r reload.Refusal
	if err != nil && !errors.As(err, &r) {
		t.Errorf("no refusal: %v", err)
	}
	return r.ErrorCode
}

func TestCurrent(t *testing.T) {
	d, octets := founded(t)
	c, err := Open(octets, d.Office, verify)
	if err != nil {
		t.Fatal(err)
	}
	var changed []uint16
	c.OnChange(func(d *Document, octets []byte) {
		changed = append(changed, d.Sequence)
		if c.Get() != d || !bytes.Equal(c.Document(), octets) { // while its disk is busy others read on
			t.Error("told of what is not in force")
		}
	})
	update := func(octets []byte) uint16 {
		t.Helper()
		return code(t, c.Update(node(7), reload.ConfigUpdateReq{Type: reload.ConfigDocument, Document: octets}))
	}
	d.Sequence = 2
	second := signed(t, d, 1)
	for _, tt := range []struct {
		octets []byte
		want   uint16
	}{
		{octets, configTooOld}, {second[:100], invalidMessage}, {signed(t, d, 5), forbidden}, {second, 0}, {second, configTooOld},
	} {
		if got := update(tt.octets); got != tt.want {
			t.Errorf("error %d, want %d", got, tt.want)
		}
	}
	if c.Sequence() != 2 || !bytes.Equal(c.Document(), second) || len(changed) != 1 || changed[0] != 2 {
		t.Errorf("sequence %d, changed %v", c.Sequence(), changed)
	}
	d.Office = "other.example"
	d.Sequence = 3
	if got := update(signed(t, d, 1)); got != incompatible {
		t.Errorf("error %d, want %d", got, incompatible)
	}
}
