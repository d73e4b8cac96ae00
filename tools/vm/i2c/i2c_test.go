package i2c

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// written keeps what it is sent.
type written [][]byte

func (w *written) Write(message []byte) { *w = append(*w, bytes.Clone(message)) }

// host is the far end: QEMU.
type host struct {
	*testing.T
	link
	id uint64
}

func connect(t *testing.T, chips map[uint16]Chip) (*host, *Adapter) {
	path := filepath.Join(t.TempDir(), "bus")
	a, err := Listen(path, chips)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	h := &host{T: t, link: link{rw: conn}}
	if kind, _, body, err := h.receive(); err != nil || kind != hello || len(body) != version+4 {
		t.Fatal(kind, body, err)
	}
	if err := h.send(hello, 0, make([]byte, version+4)); err != nil {
		t.Fatal(err)
	}
	h.wide = true
	for _, want := range []struct{ kind, length uint32 }{{interfaceInfo, 132}, {endpointInfo, 160}, {deviceConnect, 8}} {
		if kind, _, body, err := h.receive(); err != nil || kind != want.kind || len(body) != int(want.length) {
			t.Fatalf("kind %d with %d octets, %v; want %v", kind, len(body), err, want)
		}
	}
	return h, a
}

// ask does one control transfer.
func (h *host) ask(c control, data []byte) (control, []byte) {
	h.Helper()
	h.id++
	c.Status = 0x77 // QEMU sends anything
	body, err := binary.Append(nil, binary.LittleEndian, c)
	if err != nil {
		h.Fatal(err)
	}
	if err := h.send(controlPacket, h.id, append(body, data...)); err != nil {
		h.Fatal(err)
	}
	kind, id, body, err := h.receive()
	if err != nil || kind != controlPacket || id != h.id {
		h.Fatal(kind, id, err)
	}
	var got control
	if err := binary.Read(bytes.NewReader(body), binary.LittleEndian, &got); err != nil {
		h.Fatal(err)
	}
	return got, body[controlLength:]
}

func TestAdapter(t *testing.T) {
	var chip written
	h, a := connect(t, map[uint16]Chip{0x3c: &chip})
	for _, step := range []struct {
		about  string
		ask    control
		data   []byte
		answer []byte
		length uint16
	}{
		{"the device, at first eight octets of it", control{Type: 0x80, Request: 6, Value: 0x100, Length: 8}, nil, []byte{18, 1, 0x10, 1, 0xff, 0, 0, 64}, 8},
		{"its configuration", control{Type: 0x80, Request: 6, Value: 0x200, Length: 255}, nil, []byte{9, 2, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xff, 0, 0, 0}, 18},
		{"what the bus can", control{Type: 0xc1, Request: 1, Length: 4}, nil, []byte{1, 0, 0, 0}, 4},
		{"a message", control{Type: 0x41, Request: 7, Index: 0x3c, Length: 3}, []byte{1, 2, 3}, nil, 3},
		{"was taken", control{Type: 0xc1, Request: 3, Length: 1}, nil, []byte{acknowledged}, 1},
		{"a message for nobody", control{Type: 0x41, Request: 7, Index: 0x3d, Length: 1}, []byte{4}, nil, 1},
		{"was not", control{Type: 0xc1, Request: 3, Length: 1}, nil, []byte{ignored}, 1},
	} {
		got, data := h.ask(step.ask, step.data)
		if got.Status != success || !bytes.Equal(data, step.answer) || got.Length != step.length {
			t.Errorf("%s: %+v, %x", step.about, got, data)
		}
	}
	if got, data := h.ask(control{Type: 0x80, Request: 6, Value: 0x300, Length: 255}, nil); got.Status != stall || len(data) > 0 {
		t.Errorf("a text that it has not: %+v, %x", got, data)
	}
	a.Silence(true)
	h.ask(control{Type: 0x41, Request: 7, Index: 0x3c, Length: 1}, []byte{5})
	if _, data := h.ask(control{Type: 0xc1, Request: 3, Length: 1}, nil); data[0] != ignored {
		t.Error("a chip that is silent answers")
	}
	a.Look(func() {
		if want := (written{{1, 2, 3}}); !slices.EqualFunc(chip, want, bytes.Equal) {
			t.Errorf("the chip was sent %x", chip)
		}
	})
}

// What is no packet ends the connection without an answer.
func TestNoPacket(t *testing.T) {
	for about, bad := range map[string][]byte{
		"too long":    {controlPacket, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
		"unknown":     {77, 0, 0, 0, 0, 0, 0, 0},
		"too short":   {controlPacket, 0, 0, 0, 3, 0, 0, 0},
		"half of one": {controlPacket, 0, 0},
	} {
		h, _ := connect(t, nil)
		conn := h.rw.(*net.UnixConn)
		conn.Write(append(bad, make([]byte, 8+3)...)) // an id, and a body of three octets
		conn.CloseWrite()
		if b, _ := io.ReadAll(conn); len(b) > 0 {
			t.Errorf("%s: answered with %x", about, b)
		}
	}
}

// The last column of the first page, in both controllers' ways, and the glass off.
func TestOLED(t *testing.T) {
	for _, sh1106 := range []bool{false, true} {
		o := &OLED{SH1106: sh1106}
		o.Forget()
		column := byte(Width - 1)
		if sh1106 {
			column += 2
		}
		o.Write([]byte{0, 0x40, 0xb0, column & 0x0f, 0x10 | column>>4, 0xa1, 0xc8})
		o.Write([]byte{0x40, 0x81})
		if !bytes.Equal(o.Seen(), make([]byte, pages*Width)) {
			t.Error("a glass that is off shows something")
		}
		o.Write([]byte{0, 0xaf})
		if seen := o.Seen(); seen[Width-1] != 0x81 || seen[Width-2] != 0xa5 {
			t.Errorf("%x", seen[:Width])
		}
		o.Write([]byte{0, 0x40 | 63})
		if seen := o.Seen(); seen[Width-1] != 0x02|0xa5>>7 {
			t.Errorf("one line lower: %x", seen[Width-1])
		}
		o.Write([]byte{0, 0x40, 0xa0})
		if seen := o.Seen(); seen[0] != 0x81 {
			t.Errorf("mirrored: %x", seen[0])
		}
		o.Write([]byte{0, 0xc0})
		if seen := o.Seen(); seen[(pages-1)*Width] != 0x81 {
			t.Errorf("head over: %x", seen[(pages-1)*Width])
		}
	}
}

func TestLCD(t *testing.T) {
	l := &LCD{Columns: 20}
	put := func(character bool, octets ...byte) {
		mode := byte(backlight)
		if character {
			mode |= registerSelect
		}
		for _, b := range octets {
			halves := []byte{b & 0xf0, b << 4}
			if !l.four {
				halves = halves[:1]
			}
			for _, h := range halves {
				l.Write([]byte{h | mode, h | mode | enable, h | mode})
			}
		}
	}
	put(false, 0x30, 0x30, 0x30, 0x20) // figure 24
	put(false, 0x28, 0x01, 0x0c, 0x80)
	put(true, []byte("first")...)
	put(false, 0xc0)
	put(true, []byte("second")...)
	put(false, 0x80|20)
	put(true, []byte("third")...)
	if got := l.Seen(); got != [4]string{"first", "second", "third", ""} {
		t.Errorf("%q", got)
	}
	l.Write([]byte{0})
	if got := l.Seen(); strings.Join(got[:], "") != "" {
		t.Errorf("without light: %q", got)
	}
	put(false, 0x08)
	if got := l.Seen(); strings.Join(got[:], "") != "" {
		t.Errorf("off: %q", got)
	}
}
