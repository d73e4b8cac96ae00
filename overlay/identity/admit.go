package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"
)

// Serve enrols the newcomer on a connection that was accepted with
// Identity.ServerTLS and negotiated EnrolALPN, and closes it. It ends within
// half a minute and when ctx does. The error is for the log: the newcomer was
// told.
func (e *Enroller) Serve(ctx context.Context, conn *tls.Conn) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.NetConn().Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(proofTime))

	err := e.enter()
	if err == nil {
		defer e.leave()
		err = e.serve(ctx, conn)
	}
	if err != nil {
		refuse(conn, refusalOf(err))
		return fmt.Errorf("identity: enrol newcomer at %v: %w", conn.RemoteAddr(), err)
	}
	return nil
}

func (e *Enroller) serve(ctx context.Context, conn *tls.Conn) error {
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	binding, err := channelBinding(conn)
	if err != nil {
		return err
	}
	by, err := e.id.issuer()
	if err != nil {
		return err
	}

	hello, err := readMessage(conn, msgHello, shareLen)
	if err != nil {
		return err
	}
	code, opening, err := e.begin()
	if err != nil {
		return err
	}
	w, err := codeScalar(code)
	if err != nil {
		return err
	}
	pake, err := newSpake(false, newcomerName, enrollerName, w, newScalar())
	if err != nil {
		return err
	}
	confirm, expect, err := pake.confirmations(hello, binding)
	if err != nil {
		return err
	}
	if err := writeMessage(conn, msgShare, pake.own); err != nil {
		return err
	}

	body, err := readMessage(conn, msgRequest, maxRequest)
	if err != nil {
		return err
	}
	q, err := parseRequest(body)
	if err != nil {
		return err
	}
	if err := e.judge(opening, confirmed(q.confirm, expect)); err != nil {
		return err
	}

	pub, err := provenKey(binding, q)
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(claimTime + proofTime))
	place, err := e.placeOf(opening)
	if err != nil {
		return err
	}
	a, ext, err := e.admit(ctx, by, pub, q.wish, place)
	if err != nil {
		return err
	}
	if place.Extension != 0 {
		e.occupied(opening)
	}
	a.confirm = confirm
	if body, err = a.marshal(); err != nil {
		return err
	}
	if err := writeMessage(conn, msgAnswer, body); err != nil {
		return err
	}
	e.log.Info("phone enrolled", "extension", ext, "node", nodeOfSPKI(q.spki), "addr", conn.RemoteAddr())
	return nil
}

// refuse says why and waits for the newcomer to close: closing on octets that were
// not read would reset the connection and lose the reason.
func refuse(conn *tls.Conn, why refusal) {
	conn.SetDeadline(time.Now().Add(refuseTime))
	if writeMessage(conn, msgRefuse, []byte{byte(why)}) == nil && conn.CloseWrite() == nil {
		io.CopyN(io.Discard, conn, maxRequest)
	}
}

// admit has the extension claimed and makes the certificates.
func (e *Enroller) admit(ctx context.Context, by issuer, pub *ecdsa.PublicKey, wish uint32, place Place) (answer, int, error) {
	node, err := nodeOfKey(pub)
	if err != nil {
		return answer{}, 0, err
	}
	if wish != 0 {
		if err := CheckExtension(int(wish)); err != nil {
			return answer{}, 0, err
		}
	}
	n := Newcomer{Node: node, Wish: int(wish)}
	if place.Extension != 0 {
		if n.Wish != 0 && n.Wish != place.Extension {
			return answer{}, 0, ErrReserved
		}
		n.Wish, n.Replaces = place.Extension, place.Replaces
	}
	issued := make(map[int][][]byte)
	n.Issue = func(ext int) ([][]byte, error) {
		if c, ok := issued[ext]; ok {
			return c, nil
		}
		c, err := by.leaf(pub, ext)
		if err == nil {
			issued[ext] = c
		}
		return c, err
	}
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	ext, err := e.claim(ctx, n)
	if err != nil {
		return answer{}, 0, err
	}
	chain, ok := issued[ext]
	if !ok {
		return answer{}, 0, fmt.Errorf("extension %d was claimed but not issued", ext)
	}
	enroller, err := by.enroller(pub)
	if err != nil {
		return answer{}, 0, err
	}
	return answer{root: e.id.Root(), chain: chain, enroller: enroller[0], configuration: e.configuration()}, ext, nil
}

// configuration is what newcomers are handed, if it is not too long for that.
func (e *Enroller) configuration() []byte {
	if e.Configuration == nil {
		return nil
	}
	document := e.Configuration()
	if len(document) > maxConfiguration {
		e.log.Warn("the configuration document is too long to be handed over", "octets", len(document))
		return nil
	}
	return document
}

// provenKey is the newcomer's public key, if it has the private one.
func provenKey(binding []byte, q request) (*ecdsa.PublicKey, error) {
	k, err := x509.ParsePKIXPublicKey(q.spki)
	if err != nil {
		return nil, fmt.Errorf("newcomer's key: %w", err)
	}
	pub, ok := k.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, errors.New("newcomer's key is not on P-256")
	}
	h := sha256.Sum256(keyProof(binding, q.spki))
	if !ecdsa.VerifyASN1(pub, h[:], q.sig) {
		return nil, fmt.Errorf("newcomer's key: %w", ErrSignature)
	}
	return pub, nil
}

// channelBinding is a value that only the two ends of this very connection have.
// RFC 8446, section 7.5
func channelBinding(conn *tls.Conn) ([]byte, error) {
	cs := conn.ConnectionState()
	if cs.NegotiatedProtocol != EnrolALPN {
		return nil, fmt.Errorf("the peer speaks %q instead of %q", cs.NegotiatedProtocol, EnrolALPN)
	}
	return cs.ExportKeyingMaterial("EXPORTER-"+EnrolALPN, nil, 32)
}
