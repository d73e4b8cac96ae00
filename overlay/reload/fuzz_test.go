package reload

import (
	"bytes"
	"testing"
)

func FuzzMessage(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(encode(f, s.msg))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkCanonical(t, b) })
}

func FuzzBody(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(uint16(s.msg.Code), s.msg.Body)
	}
	f.Fuzz(func(t *testing.T, code uint16, b []byte) {
		body, err := ParseBody(Code(code), b)
		if err != nil {
			return
		}
		if again, err := AppendBody(nil, body); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%T %x becomes %x, %v", body, b, again, err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{frameData, 0, 0, 0, 1, 0, 0, 2, 1, 2})
	f.Add(AppendAck(nil, 1, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, n, err := ParseFrame(b)
		if n == 0 || err != nil {
			return
		}
		var again []byte
		if frame.Ack {
			again = AppendAck(nil, frame.Sequence, frame.Received)
		} else if again, err = AppendData(nil, frame.Sequence, make([]byte, frame.Length)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again[:n], b[:n]) {
			t.Fatalf("%x becomes %x", b[:n], again[:n])
		}
	})
}

func FuzzValue(f *testing.F) {
	f.Add(uint16(0), []byte{1, 0, 3, 0, 1, 'a'})
	f.Add(uint16(0), []byte{2, 0, 8, 0, 0, 0, 4, 0x81, 1, 0x82, 2})
	for _, s := range samples(f) {
		for _, e := range s.msg.Extensions {
			f.Add(e.Type, e.Value)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint16, b []byte) {
		if typ != 0 {
			_ = parseExtension(typ, b)
			return
		}
		r, err := ParseSipRegistration(b)
		if err != nil {
			return
		}
		if again, err := r.Append(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %x, %v", b, again, err)
		}
	})
}
