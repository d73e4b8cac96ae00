package usage

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/sip/location"
	"chordophone/sip/message"
)

// kinds are the values with their parsers; each returns what its parser has read,
// printed again.
var kinds = map[string]func([]byte) ([]byte, error){
	"credential": func(b []byte) ([]byte, error) {
		c, err := parseCredential(b)
		if err != nil {
			return nil, err
		}
		return c.append(nil)
	},
	"binding": func(b []byte) ([]byte, error) {
		v, node, err := parseBinding(b)
		if err != nil {
			return nil, err
		}
		return appendBinding(nil, v, node)
	},
	"message": func(b []byte) ([]byte, error) {
		m, err := parseMessage(b)
		if err != nil {
			return nil, err
		}
		return appendMessage(nil, m)
	},
	"contact": func(b []byte) ([]byte, error) {
		c, err := parseContact(b)
		if err != nil {
			return nil, err
		}
		return c.append(nil)
	},
	"changes": func(b []byte) ([]byte, error) {
		n, err := parseNotice(b)
		if err != nil {
			return nil, err
		}
		return n.append(nil), nil
	},
}

var fullBinding = location.Binding{
	Contact: "sip:alice@198.51.100.7:5062;transport=tcp;ob", Server: netip.MustParseAddrPort("[2001:db8::7]:5061"),
	Node: "103@office", Flow: "f00d", Path: []string{"<sip:edge.example;lr>", "<sip:b;lr>"},
	Instance: "<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>", RegID: 2, CallID: "a84b4c76e66710", CSeq: 314159,
	Q: 700, Agent: "Softphone/1.0", Methods: "INVITE, ACK",
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	n := notice{boot: 77}
	n.add(overlay.Credential, overlay.ResourceID("accounts"))
	n.add(overlay.Mailbox, overlay.ResourceID("mailbox:alice@office"))
	out := make(map[string][]byte)
	for name, make := range map[string]func() ([]byte, error){
		"credential": credential{user: "alice", sha256: [32]byte{1}, md5: [16]byte{2}, weak: true, name: "Alice", mailbox: [32]byte{31: 7}}.appendNil,
		"binding":    func() ([]byte, error) { return appendBinding(nil, fullBinding, nodeOf(103)) },
		"message": func() ([]byte, error) {
			return appendMessage(nil, message.Message{ID: "1", From: "bob@office", Name: "Bob", ContentType: "text/plain",
				Body: []byte("hello\r\n"), Sent: time.UnixMilli(1_700_000_000_123)})
		},
		"contact": Contact{Owner: "101@office", AOR: "alice@office", Name: "Alice", Order: 3, Lamp: 4}.appendNil,
		"changes": func() ([]byte, error) { return n.append(nil), nil },
	} {
		value, err := make()
		if err != nil {
			t.Fatal(name, err)
		}
		out[name] = value
	}
	return out
}

func (c credential) appendNil() ([]byte, error) { return c.append(nil) }
func (c Contact) appendNil() ([]byte, error)    { return c.append(nil) }

// Each value comes back as it was; cut short anywhere, with an octet too much, or
// of another format, it is refused.
func TestValues(t *testing.T) {
	for name, value := range samples(t) {
		again, err := kinds[name](value)
		if err != nil || !bytes.Equal(again, value) {
			t.Errorf("%s: %x becomes %x, %v", name, value, again, err)
		}
		for i := range value {
			if name == "changes" && i >= 9 && (i-9)%24 == 0 {
				continue // fewer entries are a value, too
			}
			if again, err := kinds[name](value[:i]); !errors.Is(err, errValue) {
				t.Errorf("%s, cut to %d octets: %x, %v", name, i, again, err)
			}
		}
		if again, err := kinds[name](append(bytes.Clone(value), 0)); !errors.Is(err, errValue) {
			t.Errorf("%s, with an octet more: %x, %v", name, again, err)
		}
		other := bytes.Clone(value)
		other[0]++
		if again, err := kinds[name](other); !errors.Is(err, errValue) {
			t.Errorf("%s of another format: %x, %v", name, again, err)
		}
	}
	b, node, err := parseBinding(samples(t)["binding"])
	if err != nil || node != nodeOf(103) || !reflect.DeepEqual(b, fullBinding) {
		t.Errorf("%+v, %v, %v", b, node, err)
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	with := func(f func(*location.Binding)) location.Binding {
		b := fullBinding
		f(&b)
		return b
	}
	long := strings.Repeat("x", maxContact)
	for name, b := range map[string]location.Binding{
		"a line's end in the contact": with(func(b *location.Binding) { b.Contact += "\r\nVia: x" }),
		"a line's end in a path":      with(func(b *location.Binding) { b.Path = []string{"\n"} }),
		"no contact":                  with(func(b *location.Binding) { b.Contact = "" }),
		"a long contact":              with(func(b *location.Binding) { b.Contact = long + "x" }),
		"a long instance":             with(func(b *location.Binding) { b.Instance = strings.Repeat("x", 256) }),
		"a telephone":                 with(func(b *location.Binding) { b.Server = netip.AddrPort{} }),
		"q above 1":                   with(func(b *location.Binding) { b.Q = 1001 }),
		"too long a path":             with(func(b *location.Binding) { b.Path = make([]string, maxPath+1) }),
		"more than a record holds":    with(func(b *location.Binding) { b.Path = []string{long, long, long, long} }),
	} {
		if value, err := appendBinding(nil, b, nodeOf(1)); err == nil {
			t.Errorf("%s: %x", name, value)
		}
	}
	if _, err := appendMessage(nil, message.Message{ID: "1", From: "a@b", Body: make([]byte, message.MaxBody+1)}); !errors.Is(err, message.ErrTooLong) {
		t.Errorf("a long message: %v", err)
	}
	// All that a message may have fits into a record.
	most := message.Message{ID: strings.Repeat("i", maxID), From: strings.Repeat("f", maxAddress), Name: strings.Repeat("n", maxName),
		ContentType: strings.Repeat("t", maxType), Body: make([]byte, message.MaxBody)}
	if text, err := appendMessage(nil, most); err != nil || 1+81+len(text) > overlay.MaxValue {
		t.Errorf("the longest message: %d octets, %v", len(text), err)
	}
}

func FuzzValue(f *testing.F) {
	for name, value := range samples(f) {
		f.Add(name, value)
	}
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		parse := kinds[name]
		if parse == nil {
			return
		}
		again, err := parse(value)
		if !errors.Is(err, errValue) && (err != nil || !bytes.Equal(again, value)) {
			t.Fatalf("%s: %x becomes %x, %v", name, value, again, err)
		}
	})
}
