package main

import (
	"slices"
	"testing"
)

// A frame goes to where its destination was heard last, everywhere if it was not or is
// for many, and never back.
func TestEthernet(t *testing.T) {
	e, err := newEthernet(3)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	frame := func(to, from byte) []byte {
		return append([]byte{to, 0, 0, 0, 0, 2, from, 0, 0, 0, 0, 2}, make([]byte, 48)...)
	}
	for _, c := range []struct {
		socket   int
		to, from byte
		want     []int
	}{
		{0, 20, 10, []int{1, 2}},   // not heard yet
		{1, 10, 20, []int{0}},      // learnt
		{0, 20, 10, []int{1}},      // learnt, too
		{2, 0xff, 30, []int{0, 1}}, // for all
		{0, 10, 10, nil},           // back
		{2, 20, 10, []int{1}},      // 10 has moved
		{1, 10, 20, []int{2}},
	} {
		if got := e.route(c.socket, frame(c.to, c.from)); !slices.Equal(got, c.want) {
			t.Errorf("%d: %d to %d goes to %v, want %v", c.socket, c.from, c.to, got, c.want)
		}
	}
	if got := e.route(0, make([]byte, 13)); got != nil {
		t.Errorf("no frame goes to %v", got)
	}
}
