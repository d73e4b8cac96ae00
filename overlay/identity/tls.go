package identity

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"chordophone/overlay"
)

// Application protocols (RFC 7301) on the overlay port.
const (
	ALPN      = "reload"              // between members
	EnrolALPN = "chordophone-enrol/1" // a newcomer, without certificate
)

// ServerTLS is for the overlay port: TLS 1.3, certificates of this office on
// both sides. A newcomer that asks for EnrolALPN is let in without one; hand
// such a connection to an Enroller, and to nothing else.
func (id *Identity) ServerTLS() *tls.Config {
	enrol := id.base()
	enrol.NextProtos = []string{EnrolALPN}
	c := id.mutual(overlay.ID{})
	c.NextProtos = []string{ALPN}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, EnrolALPN) {
			return enrol, nil
		}
		return nil, nil
	}
	return c
}

// ClientTLS is for connecting to the overlay port of the node peer, or of any
// member of this office if peer is zero.
func (id *Identity) ClientTLS(peer overlay.ID) *tls.Config {
	c := id.mutual(peer)
	c.NextProtos = []string{ALPN}
	return c
}

// SIPServerTLS is for SIP over TLS between phones: as ServerTLS, without an
// application protocol.
func (id *Identity) SIPServerTLS() *tls.Config { return id.mutual(overlay.ID{}) }

// SIPClientTLS is for connecting to another phone's SIPServerTLS. It accepts any
// member of this office: the caller compares UserOf with whom it wants.
func (id *Identity) SIPClientTLS() *tls.Config { return id.mutual(overlay.ID{}) }

func (id *Identity) base() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: id.chain, PrivateKey: id.key}},
		MinVersion:   tls.VersionTLS13,
		// Resumption would outlive a revocation.
		SessionTicketsDisabled: true,
	}
}

func (id *Identity) mutual(peer overlay.ID) *tls.Config {
	c := id.base()
	c.ClientAuth = tls.RequireAnyClientCert
	c.InsecureSkipVerify = true // there are no host names; VerifyConnection verifies
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		if len(c.NextProtos) > 0 && !slices.Contains(c.NextProtos, cs.NegotiatedProtocol) {
			return errors.New("identity: the peer does not speak the protocol of the overlay")
		}
		m, err := id.verify(rawChain(cs))
		if err == nil && !peer.IsZero() && m.id != peer {
			err = fmt.Errorf("%w: node %s answers in place of %s", ErrUntrusted, m.id.Short(), peer.Short())
		}
		return err
	}
	return c
}

// NodeOf is the Node-ID of the peer on a connection made with one of the
// configurations above. It fails on an enrolment connection.
func NodeOf(cs tls.ConnectionState) (overlay.ID, error) {
	if len(cs.PeerCertificates) == 0 {
		return overlay.ID{}, fmt.Errorf("%w: no certificate", ErrUntrusted)
	}
	return nodeOfSPKI(cs.PeerCertificates[0].RawSubjectPublicKeyInfo), nil
}

// UserOf is the user name of the peer, like NodeOf.
func UserOf(cs tls.ConnectionState) (string, error) {
	if len(cs.PeerCertificates) == 0 || len(cs.PeerCertificates[0].EmailAddresses) != 1 {
		return "", fmt.Errorf("%w: no certificate", ErrUntrusted)
	}
	return cs.PeerCertificates[0].EmailAddresses[0], nil
}

func rawChain(cs tls.ConnectionState) [][]byte {
	var chain [][]byte
	for _, c := range cs.PeerCertificates {
		chain = append(chain, c.Raw)
	}
	return chain
}
