package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// What is written piece by piece, as QEMU does, is read whole.
func TestCable(t *testing.T) {
	record := func(kind uint16, payloadType byte) []byte {
		ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 21, 10, 77, 0, 22}
		frame := slices.Concat(make([]byte, 12), binary.BigEndian.AppendUint16(nil, kind), ip, make([]byte, 8), []byte{0x80, payloadType}, make([]byte, 14))
		head := binary.LittleEndian.AppendUint32(make([]byte, 8), uint32(len(frame)))
		return slices.Concat(binary.LittleEndian.AppendUint32(head, uint32(len(frame))), frame)
	}
	all := slices.Concat(make([]byte, dumpHead), record(typeIPv4, 0x80|101), record(typeIPv4, 101), record(0x86dd, 0x80|101), record(typeIPv4, 0x80|102))
	file := filepath.Join(t.TempDir(), "dump")
	c := watchCable(file)
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(all, 7) {
		if _, err := f.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	from := [4]byte{10, 77, 0, 21}
	for begin := time.Now(); len(c.keys(from)) < 2 && time.Since(begin) < 20*time.Second; {
		time.Sleep(time.Millisecond)
	}
	c.close()
	if n := len(c.keys(from)); n != 2 || len(c.all) != 1 {
		t.Errorf("%d keys, want 2; %v", n, c.all)
	}
}
