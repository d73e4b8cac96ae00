package nbd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// plate is a medium in memory.
type plate []byte

func (p plate) ReadAt(b []byte, at int64) (int, error)  { return copy(b, p[at:]), nil }
func (p plate) WriteAt(b []byte, at int64) (int, error) { return copy(p[at:], b), nil }

const sectors = 4096

func newDisk(t testing.TB) (*Disk, plate) {
	p := make(plate, sectors*Sector)
	d, err := NewDisk(p, int64(len(p)))
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

func full(b byte) []byte { return bytes.Repeat([]byte{b}, Sector) }

// What was flushed survives every cut, what was not survives by chance, sector by
// sector, and what was read before the cut is what was written.
func TestCut(t *testing.T) {
	d, p := newDisk(t)
	for s := range int64(sectors) {
		d.WriteAt(full(1), s*Sector)
	}
	if p[0] != 0 {
		t.Fatal("the medium has what nobody flushed")
	}
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	for s := int64(0); s < sectors; s += 2 {
		d.WriteAt(full(2), s*Sector)
	}
	b := make([]byte, 2*Sector)
	if d.ReadAt(b, 0); b[0] != 2 || b[Sector] != 1 {
		t.Fatalf("read %d, %d, want what was written last", b[0], b[Sector])
	}
	dirty, survived, err := d.Cut(rand.New(rand.NewPCG(1, 2)), 0.5)
	if err != nil || dirty != sectors/2 || survived < sectors/5 || survived > sectors*3/10 {
		t.Errorf("%d of %d survived, %v", survived, dirty, err)
	}
	if _, err := d.WriteAt(full(3), 0); !errors.Is(err, ErrCut) {
		t.Errorf("written without power: %v", err)
	}
	d.Power()
	new := 0
	for s := range int64(sectors) {
		b := make([]byte, Sector)
		if _, err := d.ReadAt(b, s*Sector); err != nil {
			t.Fatal(err)
		}
		switch {
		case bytes.Equal(b, full(2)) && s%2 == 0:
			new++
		case !bytes.Equal(b, full(1)):
			t.Fatalf("sector %d is torn or lost", s)
		}
	}
	if new != survived {
		t.Errorf("%d sectors are new, %d were said to be", new, survived)
	}
}

// A disk that is doomed to lose its power in the middle of writing loses it there.
func TestDoom(t *testing.T) {
	d, p := newDisk(t)
	went := d.Doom(3)
	for n, want := range []error{nil, nil, ErrCut, ErrCut} {
		if _, err := d.WriteAt(full(1), int64(n)*Sector); !errors.Is(err, want) {
			t.Errorf("write %d: %v, want %v", n, err, want)
		}
	}
	<-went
	if err := d.Flush(); !errors.Is(err, ErrCut) || p[0] != 0 {
		t.Errorf("flushed without power: %v", err)
	}
	if dirty, _, _ := d.Cut(rand.New(rand.NewPCG(1, 2)), 0.5); dirty != 3 {
		t.Errorf("%d sectors were in the cache, want 3", dirty)
	}
	d.Power()
	for range 5 {
		if _, err := d.WriteAt(full(1), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is doomed at a sector loses its power when that is written, as the first,
// the last or the only one.
func TestDoomAt(t *testing.T) {
	for _, w := range []struct {
		at, sectors int64
		dies        bool
	}{{6, 1, false}, {8, 2, false}, {4, 3, false}, {7, 1, true}, {5, 3, true}, {7, 4, true}, {6, 3, true}} {
		d, _ := newDisk(t)
		went := d.DoomAt(7)
		_, err := d.WriteAt(make([]byte, w.sectors*Sector), w.at*Sector)
		dead := false
		select {
		case <-went:
			dead = true
		default:
		}
		if dead != w.dies || errors.Is(err, ErrCut) != w.dies {
			t.Errorf("%d sectors at %d: %v, power gone %v, want %v", w.sectors, w.at, err, dead, w.dies)
		}
	}
}

// A disk that lies answers a flush and loses all the same.
func TestLies(t *testing.T) {
	d, p := newDisk(t)
	d.Lies = true
	d.WriteAt(full(1), 0)
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	if dirty, survived, _ := d.Cut(rand.New(rand.NewPCG(1, 2)), 0); dirty != 1 || survived != 0 || p[0] != 0 {
		t.Errorf("%d of %d survived", survived, dirty)
	}
}

func TestDiskRefuses(t *testing.T) {
	d, _ := newDisk(t)
	for _, c := range []struct {
		n  int
		at int64
	}{{Sector, -Sector}, {Sector, sectors * Sector}, {2 * Sector, (sectors - 1) * Sector}, {1, 0}, {Sector, 1}} {
		if _, err := d.WriteAt(make([]byte, c.n), c.at); err == nil {
			t.Errorf("wrote %d octets at %d", c.n, c.at)
		}
		if _, err := d.ReadAt(make([]byte, c.n), c.at); err == nil {
			t.Errorf("read %d octets at %d", c.n, c.at)
		}
	}
	if _, err := NewDisk(plate{}, 100); err == nil {
		t.Error("a disk of 100 octets")
	}
}

// client is the other end of a session.
type client struct {
	t *testing.T
	net.Conn
	done chan error
}

func dial(t *testing.T, d *Disk) *client {
	here, there := net.Pipe()
	c := &client{t, here, make(chan error, 1)}
	here.SetDeadline(time.Now().Add(time.Minute))
	go func() { c.done <- Serve(there, d) }()
	t.Cleanup(func() { here.Close() })
	return c
}

func (c *client) put(values ...any) {
	c.t.Helper()
	var b []byte
	for _, v := range values {
		b, _ = binary.Append(b, binary.BigEndian, v)
	}
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) get(n int) []byte {
	c.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		c.t.Fatal(err)
	}
	return b
}

// open negotiates, with an option that the server does not know first.
func (c *client) open() {
	c.t.Helper()
	if hello := c.get(18); string(hello[:16]) != "NBDMAGICIHAVEOPT" {
		c.t.Fatalf("%q", hello)
	}
	c.put(uint32(3), uint64(optionMagic), uint32(8), uint32(0))
	if a := c.get(20); binary.BigEndian.Uint32(a[12:]) != answerUnsupported {
		c.t.Fatalf("%x", a)
	}
	c.put(uint64(optionMagic), uint32(optionGo), uint32(6), uint32(0), uint16(0))
	info := c.get(32)
	if size := binary.BigEndian.Uint64(info[22:]); size != sectors*Sector || info[31]&0xc != 0xc {
		c.t.Fatalf("%x", info)
	}
	c.get(20)
}

func (c *client) ask(flags, kind uint16, at uint64, length uint32, data []byte, answer int) []byte {
	c.t.Helper()
	c.put(uint32(askMagic), flags, kind, uint64(77), at, length, data)
	head := c.get(16)
	if binary.BigEndian.Uint32(head) != replyMagic || binary.BigEndian.Uint64(head[8:]) != 77 {
		c.t.Fatalf("%x", head)
	}
	if code := binary.BigEndian.Uint32(head[4:]); code != 0 {
		return []byte{byte(code)}
	}
	return c.get(answer)
}

func TestServe(t *testing.T) {
	d, p := newDisk(t)
	c := dial(t, d)
	c.open()
	c.ask(0, askWrite, 0, Sector, full(1), 0)
	c.ask(forced, askWrite, Sector, Sector, full(2), 0)
	if p[0] != 0 || p[Sector] != 2 {
		t.Errorf("the medium has %d, %d: a forced write keeps what it writes, and that only", p[0], p[Sector])
	}
	if got := c.ask(0, askRead, 0, 2*Sector, nil, 2*Sector); got[0] != 1 || got[Sector] != 2 {
		t.Error("read what was not written")
	}
	c.ask(0, askFlush, 0, 0, nil, 0)
	if p[0] != 1 {
		t.Error("a flush keeps nothing")
	}
	if got := c.ask(0, askRead, sectors*Sector, Sector, nil, Sector); len(got) != 1 || got[0] != errIO {
		t.Errorf("beyond the end: %x", got[:1])
	}
	if got := c.ask(0, 9, 0, 0, nil, 0); len(got) != 1 || got[0] != errInvalid {
		t.Errorf("an unknown request: %x", got)
	}
	c.put(uint32(askMagic), uint16(0), uint16(askDisconnect), uint64(1), uint64(0), uint32(0))
	if err := <-c.done; err != nil {
		t.Error(err)
	}
}

// Without power the disk answers nobody: the connection ends.
func TestServeCut(t *testing.T) {
	d, _ := newDisk(t)
	c := dial(t, d)
	c.open()
	d.Cut(rand.New(rand.NewPCG(1, 2)), 0.5)
	c.put(uint32(askMagic), uint16(0), uint16(askFlush), uint64(1), uint64(0), uint32(0))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("an answer without power")
	}
	if err := <-c.done; err != nil {
		t.Error(err)
	}
}

// What breaks the protocol ends the session with an error.
func TestServeRefuses(t *testing.T) {
	for name, bad := range map[string][]any{
		"option magic":   {uint32(3), uint64(1), uint32(7), uint32(0)},
		"option length":  {uint32(3), uint64(optionMagic), uint32(7), uint32(1 << 30)},
		"request magic":  {uint32(3), uint64(optionMagic), uint32(7), uint32(0), uint32(5), uint16(0), uint16(0), uint64(0), uint64(0), uint32(0)},
		"request length": {uint32(3), uint64(optionMagic), uint32(7), uint32(0), uint32(askMagic), uint16(0), uint16(1), uint64(0), uint64(0), uint32(1 << 31)},
		"request place":  {uint32(3), uint64(optionMagic), uint32(7), uint32(0), uint32(askMagic), uint16(0), uint16(0), uint64(0), uint64(1 << 63), uint32(512)},
	} {
		d, _ := newDisk(t)
		c := dial(t, d)
		go io.Copy(io.Discard, c)
		c.put(bad...)
		if err := <-c.done; err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	d, _ := newDisk(t)
	c := dial(t, d)
	go io.Copy(io.Discard, c)
	c.put(uint32(3))
	for range maxOptions {
		c.put(uint64(optionMagic), uint32(99), uint32(0))
	}
	if err := <-c.done; err == nil {
		t.Error("options without end")
	}
}
