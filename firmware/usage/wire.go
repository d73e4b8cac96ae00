package usage

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
	"chordophone/sip/location"
	"chordophone/sip/message"
)

// The values of the office's own Kinds. Each begins with a format octet; integers
// are big-endian; a text has no control characters. What exceeds a limit is
// neither written nor read. PROFILE.md, section 4, has them field by field.
const valueFormat = 1

// Limits, in octets where nothing else is said.
const (
	maxUser      = 64
	maxAddress   = 160 // user name with office
	maxName      = 64  // for people
	maxContact   = 1024
	maxParameter = 255 // of flow, instance, Call-ID, methods
	maxAgent     = 128
	maxPath      = 8 // URIs
	maxType      = 128
	maxID        = 128
	maxChanges   = 16 // entries
)

// Errors of values.
var (
	errValue    = errors.New("usage: malformed value")
	errTooLarge = errors.New("usage: value too large")
)

// credential is the value of CREDENTIAL: one account. // RFC 7616, section 3.4.2
type credential struct {
	user    string
	sha256  [32]byte // of user:realm:password
	md5     [16]byte
	weak    bool // MD5 may be used
	name    string
	mailbox [32]byte // private key on P-256, to which messages are sealed
}

// key is the mailbox key. That it is one is looked at only here: it costs more
// than all the rest of reading an account.
func (c credential) key() (*ecdh.PrivateKey, error) {
	key, err := ecdh.P256().NewPrivateKey(c.mailbox[:])
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", c.user, err)
	}
	return key, nil
}

const flagMD5 = 1

func (c credential) append(out []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	b.AddUint8(valueFormat)
	addText8(b, c.user, 1, maxUser)
	b.AddBytes(c.sha256[:])
	b.AddBytes(c.md5[:])
	var flags uint8
	if c.weak {
		flags |= flagMD5
	}
	b.AddUint8(flags)
	addText8(b, c.name, 0, maxName)
	b.AddBytes(c.mailbox[:])
	return b.Bytes()
}

func parseCredential(value []byte) (c credential, err error) {
	var (
		s     = cryptobyte.String(value)
		flags uint8
	)
	if !readFormat(&s) || !readText8(&s, &c.user, 1, maxUser) || !s.CopyBytes(c.sha256[:]) || !s.CopyBytes(c.md5[:]) ||
		!s.ReadUint8(&flags) || flags&^flagMD5 != 0 || !readText8(&s, &c.name, 0, maxName) ||
		!s.CopyBytes(c.mailbox[:]) || !s.Empty() {
		return credential{}, fmt.Errorf("account: %w", errValue)
	}
	c.weak = flags&flagMD5 != 0
	return c, nil
}

// appendBinding appends the value of BINDING: all of a client's contact but how
// long it holds, which is the record's lifetime. node is the phone that serves it.
func appendBinding(out []byte, b location.Binding, node overlay.ID) ([]byte, error) {
	if !b.Server.IsValid() || len(b.Path) > maxPath || b.Q > 1000 {
		return nil, fmt.Errorf("binding of %.60q: %w", b.Contact, errValue)
	}
	w := cryptobyte.NewBuilder(out)
	w.AddUint8(valueFormat)
	w.AddBytes(node[:])
	addText8(w, b.Node, 1, maxAddress)
	addAddrPort(w, b.Server)
	addText16(w, b.Contact, 1, maxContact)
	addText8(w, b.Flow, 0, maxParameter)
	addText8(w, b.Instance, 0, maxParameter)
	w.AddUint32(b.RegID)
	addText8(w, b.CallID, 0, maxParameter)
	w.AddUint32(b.CSeq)
	w.AddUint16(b.Q)
	addText8(w, b.Agent, 0, maxAgent)
	addText8(w, b.Methods, 0, maxParameter)
	w.AddUint16LengthPrefixed(func(w *cryptobyte.Builder) {
		for _, uri := range b.Path {
			addText16(w, uri, 1, maxContact)
		}
	})
	value, err := w.Bytes()
	if err == nil && len(value)-len(out) > overlay.MaxValue {
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("binding of %.60q: %w", b.Contact, err)
	}
	return value, nil
}

func parseBinding(value []byte) (b location.Binding, node overlay.ID, err error) {
	var (
		s    = cryptobyte.String(value)
		path cryptobyte.String
	)
	ok := readFormat(&s) && s.CopyBytes(node[:]) && readText8(&s, &b.Node, 1, maxAddress) && readAddrPort(&s, &b.Server) &&
		readText16(&s, &b.Contact, 1, maxContact) && readText8(&s, &b.Flow, 0, maxParameter) &&
		readText8(&s, &b.Instance, 0, maxParameter) && s.ReadUint32(&b.RegID) &&
		readText8(&s, &b.CallID, 0, maxParameter) && s.ReadUint32(&b.CSeq) && s.ReadUint16(&b.Q) && b.Q <= 1000 &&
		readText8(&s, &b.Agent, 0, maxAgent) && readText8(&s, &b.Methods, 0, maxParameter) &&
		s.ReadUint16LengthPrefixed(&path) && s.Empty() && len(value) <= overlay.MaxValue
	for ok && !path.Empty() {
		var uri string
		ok = readText16(&path, &uri, 1, maxContact) && len(b.Path) < maxPath
		b.Path = append(b.Path, uri)
	}
	if !ok {
		return location.Binding{}, overlay.ID{}, fmt.Errorf("binding: %w", errValue)
	}
	return b, node, nil
}

// appendMessage appends what is sealed in the value of MAILBOX. To is not in it:
// it follows from where the record stands.
func appendMessage(out []byte, m message.Message) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	b.AddUint8(valueFormat)
	addText8(b, m.ID, 1, maxID)
	addText8(b, m.From, 1, maxAddress)
	addText8(b, m.Name, 0, maxName)
	addText8(b, m.ContentType, 0, maxType)
	b.AddUint64(uint64(m.Sent.UnixMilli()))
	if len(m.Body) > message.MaxBody {
		return nil, message.ErrTooLong
	}
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(m.Body) })
	return b.Bytes()
}

func parseMessage(text []byte) (m message.Message, err error) {
	var (
		s    = cryptobyte.String(text)
		sent uint64
		body cryptobyte.String
	)
	if !readFormat(&s) || !readText8(&s, &m.ID, 1, maxID) || !readText8(&s, &m.From, 1, maxAddress) ||
		!readText8(&s, &m.Name, 0, maxName) || !readText8(&s, &m.ContentType, 0, maxType) ||
		!s.ReadUint64(&sent) || !s.ReadUint16LengthPrefixed(&body) || len(body) > message.MaxBody || !s.Empty() {
		return message.Message{}, fmt.Errorf("message: %w", errValue)
	}
	m.Sent, m.Body = time.UnixMilli(int64(sent)), body
	return m, nil
}

// append is the value of CONTACTS.
func (c Contact) append(out []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	b.AddUint8(valueFormat)
	addText8(b, c.Owner, 1, maxAddress)
	addText8(b, c.AOR, 1, maxAddress)
	addText8(b, c.Name, 0, maxName)
	b.AddUint16(c.Order)
	b.AddUint8(c.Lamp)
	return b.Bytes()
}

func parseContact(value []byte) (c Contact, err error) {
	s := cryptobyte.String(value)
	if !readFormat(&s) || !readText8(&s, &c.Owner, 1, maxAddress) || !readText8(&s, &c.AOR, 1, maxAddress) ||
		!readText8(&s, &c.Name, 0, maxName) || !s.ReadUint16(&c.Order) || !s.ReadUint8(&c.Lamp) || !s.Empty() {
		return Contact{}, fmt.Errorf("contact: %w", errValue)
	}
	return c, nil
}

// append is the value of CHANGES.
func (n notice) append(out []byte) []byte {
	b := cryptobyte.NewBuilder(out)
	b.AddUint8(valueFormat)
	b.AddUint64(n.boot)
	for _, c := range n.last {
		b.AddUint32(c.seq)
		b.AddUint32(uint32(c.kind))
		b.AddBytes(c.resource[:])
	}
	return b.BytesOrPanic()
}

func parseNotice(value []byte) (n notice, err error) {
	s := cryptobyte.String(value)
	ok := readFormat(&s) && s.ReadUint64(&n.boot)
	for ok && !s.Empty() {
		var (
			c    change
			kind uint32
		)
		ok = s.ReadUint32(&c.seq) && s.ReadUint32(&kind) && s.CopyBytes(c.resource[:]) && len(n.last) < maxChanges &&
			(len(n.last) == 0 || c.seq > n.last[len(n.last)-1].seq)
		c.kind = overlay.Kind(kind)
		n.last = append(n.last, c)
	}
	if !ok {
		return notice{}, fmt.Errorf("changes: %w", errValue)
	}
	return n, nil
}

func readFormat(s *cryptobyte.String) bool {
	var format uint8
	return s.ReadUint8(&format) && format == valueFormat
}

func addText8(b *cryptobyte.Builder, text string, least, most int) {
	if checkText(b, text, least, most) {
		b.AddUint8(uint8(len(text)))
		b.AddBytes([]byte(text))
	}
}

func addText16(b *cryptobyte.Builder, text string, least, most int) {
	if checkText(b, text, least, most) {
		b.AddUint16(uint16(len(text)))
		b.AddBytes([]byte(text))
	}
}

func checkText(b *cryptobyte.Builder, text string, least, most int) bool {
	if len(text) > most {
		b.SetError(fmt.Errorf("%.20q...: %w", text, errTooLarge))
		return false
	}
	if !isText(text, least, most) {
		b.SetError(fmt.Errorf("%q: %w", text, errValue))
		return false
	}
	return true
}

func readText8(s *cryptobyte.String, text *string, least, most int) bool {
	var v cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&v) {
		return false
	}
	*text = string(v)
	return isText(*text, least, most)
}

func readText16(s *cryptobyte.String, text *string, least, most int) bool {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) || len(v) > most {
		return false
	}
	*text = string(v)
	return isText(*text, least, most)
}

// isText reports whether nothing in a text could end a line of a SIP message or
// command a terminal.
func isText(text string, least, most int) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return false
		}
	}
	return len(text) >= least && len(text) <= most
}

// An address is its octets, 4 or 16 after their number, and a port.
func addAddrPort(b *cryptobyte.Builder, a netip.AddrPort) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(a.Addr().Unmap().AsSlice()) })
	b.AddUint16(a.Port())
}

func readAddrPort(s *cryptobyte.String, a *netip.AddrPort) bool {
	var (
		v    cryptobyte.String
		port uint16
	)
	if !s.ReadUint8LengthPrefixed(&v) || !s.ReadUint16(&port) {
		return false
	}
	addr, ok := netip.AddrFromSlice(v)
	*a = netip.AddrPortFrom(addr, port)
	return ok && !addr.Is4In6()
}
