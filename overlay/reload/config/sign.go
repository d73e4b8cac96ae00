package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strconv"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// Namespaces. // RFC 6940, section 11.1
const (
	base  = "urn:ietf:params:xml:ns:p2p:config-base"
	chord = "urn:ietf:params:xml:ns:p2p:config-chord"
)

// Signer signs as one node; identity.Identity is one.
type Signer interface {
	Chain() [][]byte // leaf first
	Sign(msg []byte) (overlay.Signature, error)
}

// Sign writes the document and has it signed: the Kinds, unless they are
// signed already, and the whole.
func (d *Document) Sign(by Signer) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	var w writer
	w.open("configuration", "instance-name", d.Office, "sequence", strconv.Itoa(int(d.Sequence)), "expiration", d.Expiration.UTC().Format(time.RFC3339))
	w.text("topology-plugin", "CHORD-RELOAD")
	w.text("node-id-length", strconv.Itoa(len(overlay.ID{})))
	for _, c := range d.RootCerts {
		w.text("root-cert", base64.StdEncoding.EncodeToString(c))
	}
	for _, a := range d.Bootstrap {
		w.open("bootstrap-node", "address", a.Addr().String(), "port", strconv.Itoa(int(a.Port())))
		w.close("bootstrap-node")
	}
	w.text("turn-density", "0")
	w.text("clients-permitted", "false")
	w.text("no-ice", "true")
	w.text("chord:chord-update-interval", seconds(d.UpdateInterval))
	w.text("chord:chord-ping-interval", seconds(d.PingInterval))
	w.text("chord:chord-reactive", strconv.FormatBool(d.Reactive))
	w.text("max-message-size", strconv.Itoa(d.MaxMessage))
	w.text("initial-ttl", strconv.Itoa(d.InitialTTL))
	w.text("overlay-reliability-timer", strconv.FormatInt(d.Reliability.Milliseconds(), 10))
	w.text("overlay-link-protocol", "TLS")
	w.ids("configuration-signer", d.ConfigSigners)
	w.ids("kind-signer", d.KindSigners)
	w.ids("bad-node", d.BadNodes)
	w.open("required-kinds")
	for _, k := range d.Kinds {
		if err := w.kindBlock(k, by); err != nil {
			return nil, err
		}
	}
	w.close("required-kinds")
	w.close("configuration")
	security, err := sign(w.Bytes(), by)
	if err != nil {
		return nil, err
	}
	var out writer
	out.WriteString(xml.Header)
	out.open("overlay", "xmlns", base, "xmlns:chord", chord)
	out.Write(w.Bytes())
	out.WriteByte('\n')
	out.text("signature", security)
	out.close("overlay")
	return out.Bytes(), nil
}

// KindBlock is one kind-block by itself, for a ConfigUpdate.
func (k Kind) KindBlock(by Signer) ([]byte, error) {
	var w writer
	err := w.kindBlock(k, by)
	return w.Bytes(), err
}

// writer writes XML.
type writer struct{ bytes.Buffer }

func (w *writer) open(name string, attrs ...string) {
	w.WriteString("<" + name)
	for i := 0; i < len(attrs); i += 2 {
		w.WriteString(" " + attrs[i] + `="`)
		xml.EscapeText(&w.Buffer, []byte(attrs[i+1])) // a Buffer never fails
		w.WriteByte('"')
	}
	w.WriteByte('>')
}

func (w *writer) close(name string) { w.WriteString("</" + name + ">") }

func (w *writer) text(name, text string) {
	w.open(name)
	xml.EscapeText(&w.Buffer, []byte(text))
	w.close(name)
	w.WriteByte('\n')
}

func (w *writer) ids(name string, ids []overlay.ID) {
	for _, id := range ids {
		w.text(name, id.String())
	}
}

func (w *writer) kindBlock(k Kind, by Signer) error {
	if k.signed == nil {
		var e writer
		if name := nameOf(k.ID); name != "" {
			e.open("kind", "name", name)
		} else {
			e.open("kind", "id", strconv.FormatUint(uint64(k.ID), 10))
		}
		e.text("data-model", models[k.Model])
		e.text("access-control", k.Access)
		e.text("max-count", strconv.Itoa(k.MaxCount))
		e.text("max-size", strconv.Itoa(k.MaxSize))
		if k.MaxNodeMultiple > 0 {
			e.text("max-node-multiple", strconv.Itoa(k.MaxNodeMultiple))
		}
		e.close("kind")
		k.signed = e.Bytes()
	}
	var signature string
	var err error
	if k.security == nil {
		signature, err = sign(k.signed, by)
	} else {
		signature, err = encode(*k.security)
	}
	if err != nil {
		return err
	}
	w.open("kind-block")
	w.Write(k.signed)
	w.text("kind-signature", signature)
	w.close("kind-block")
	return nil
}

var models = [...]string{reload.Single: "SINGLE", reload.Array: "ARRAY", reload.Dictionary: "DICTIONARY"}

func nameOf(id reload.Kind) string {
	for _, n := range names {
		if n.id == id {
			return n.name
		}
	}
	return ""
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// sign makes the SecurityBlock over a blob.
func sign(blob []byte, by Signer) (string, error) {
	chain := by.Chain()
	if len(chain) == 0 {
		return "", fmt.Errorf("config: sign: %w", ErrSigner)
	}
	sum := sha256.Sum256(chain[0])
	identity := reload.Identity{Type: reload.CertHash, Hash: reload.HashSHA256, Sum: sum[:]}
	input, err := identity.Append(bytes.Clone(blob))
	if err != nil {
		return "", err
	}
	s, err := by.Sign(input)
	if err != nil {
		return "", fmt.Errorf("config: sign: %w", err)
	}
	sec := reload.Security{Signature: reload.Signature{
		Hash: reload.HashSHA256, Algorithm: reload.SigECDSA, Signer: identity, Value: s.Sig,
	}}
	for _, der := range chain {
		sec.Certificates = append(sec.Certificates, reload.Certificate{Type: reload.X509, Data: der})
	}
	return encode(sec)
}

func encode(sec reload.Security) (string, error) {
	octets, err := sec.Append(nil)
	return base64.StdEncoding.EncodeToString(octets), err
}
