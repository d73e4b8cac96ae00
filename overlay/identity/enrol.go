package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"chordophone/overlay"
)

// Times of the newcomer.
const (
	dialTime  = 5 * time.Second
	enrolTime = proofTime + claimTime + 5*time.Second
)

// Enrol makes this phone a member of the office of the phone at addr, whose
// enrolment is open with code. wish is an extension, or 0 for the next free one.
// It returns the new identity, not yet saved, and whom to join the ring through.
// The error is one of those for people; a wrong code is not tried again.
func Enrol(ctx context.Context, addr netip.AddrPort, code string, wish int) (*Identity, []overlay.Peer, error) {
	fail := func(err error) (*Identity, []overlay.Peer, error) {
		return nil, nil, fmt.Errorf("identity: enrol at %v: %w", addr, err)
	}
	code, err := normalCode(code)
	if err != nil {
		return fail(err)
	}
	if wish != 0 {
		if err := CheckExtension(wish); err != nil {
			return fail(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, enrolTime)
	defer cancel()
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrUnreachable, err))
	}
	id, enroller, err := EnrolOver(ctx, conn, code, wish)
	if err != nil {
		return fail(err)
	}
	return id, []overlay.Peer{{ID: enroller, Addr: addr}}, nil
}

// EnrolOver is Enrol on a connection to the enroller, which it closes. It returns
// the Node-ID of the enroller, too.
func EnrolOver(ctx context.Context, raw net.Conn, code string, wish int) (*Identity, overlay.ID, error) {
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	conn := tls.Client(raw, &tls.Config{
		InsecureSkipVerify: true, // the PAKE vouches for this very connection
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{EnrolALPN},
	})
	id, peer, err := newcomer(ctx, conn, code, wish)
	if err != nil {
		return nil, peer, classify(ctx, err)
	}
	return id, peer, nil
}

func newcomer(ctx context.Context, conn *tls.Conn, code string, wish int) (*Identity, overlay.ID, error) {
	var none overlay.ID
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, none, err
	}
	binding, err := channelBinding(conn)
	if err != nil {
		return nil, none, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	w, err := codeScalar(code)
	if err != nil {
		return nil, none, err
	}
	pake, err := newSpake(true, newcomerName, enrollerName, w, newScalar())
	if err != nil {
		return nil, none, err
	}
	if err := writeMessage(conn, msgHello, pake.own); err != nil {
		return nil, none, err
	}
	share, err := readMessage(conn, msgShare, shareLen)
	if err != nil {
		return nil, none, err
	}
	confirm, expect, err := pake.confirmations(share, binding)
	if err != nil {
		return nil, none, fmt.Errorf("%w: %w", ErrForeign, err)
	}

	key, err := newKey() // it never leaves this phone
	if err != nil {
		return nil, none, err
	}
	q, err := newRequest(key, binding, confirm, wish)
	if err != nil {
		return nil, none, err
	}
	if err := writeMessage(conn, msgRequest, q); err != nil {
		return nil, none, err
	}
	body, err := readMessage(conn, msgAnswer, maxMessage)
	if err != nil {
		return nil, none, err
	}
	a, err := parseAnswer(body)
	if err != nil {
		return nil, none, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	if !confirmed(a.confirm, expect) {
		return nil, none, ErrWrongCode // whoever answered does not know it either
	}
	return accept(key, a, rawChain(conn.ConnectionState()))
}

func newRequest(key *ecdsa.PrivateKey, binding, confirm []byte, wish int) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(keyProof(binding, spki))
	sig, err := ecdsa.SignASN1(rand.Reader, key, h[:])
	if err != nil {
		return nil, err
	}
	return request{confirm: confirm, wish: uint32(wish), spki: spki, sig: sig}.marshal()
}

// accept checks the answer of an enroller that knew the code and that showed the
// certificates peer.
func accept(key *ecdsa.PrivateKey, a answer, peer [][]byte) (*Identity, overlay.ID, error) {
	root, err := x509.ParseCertificate(a.root)
	if err != nil {
		return nil, overlay.ID{}, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	id, err := assemble(key, nil, root, a.chain, append([][]byte{a.enroller}, a.chain[1:]...))
	if err != nil {
		return nil, overlay.ID{}, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	m, err := id.verify(peer)
	if err != nil {
		return nil, overlay.ID{}, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	if len(a.configuration) > 0 {
		id.configuration = a.configuration
	}
	return id, m.id, nil
}

// classify makes an error for people of any error.
func classify(ctx context.Context, err error) error {
	var known *fault
	switch {
	case errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrUnreachable, context.Cause(ctx))
	case errors.Is(err, errMalformed), errors.As(err, new(tls.RecordHeaderError)), errors.As(err, new(tls.AlertError)):
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
