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
	sipALPN   = "chordophone-sip/1"   // SIP between members

	updateALPN = "chordophone-update/1" // releases between members, on the overlay port
)

// ServerTLS is for the overlay port: TLS 1.3, certificates of this office on
// both sides. A newcomer that asks for EnrolALPN is let in without one; hand
// such a connection to an Enroller, and to nothing else.
func (id *Identity) ServerTLS() *tls.Config {
	enrol := id.base()
	enrol.NextProtos = []string{EnrolALPN}
	update := id.UpdateTLS(overlay.ID{})
	c := id.mutual(overlay.ID{})
	c.NextProtos = []string{ALPN}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		switch {
		case slices.Contains(hello.SupportedProtos, EnrolALPN):
			return enrol, nil
		case slices.Contains(hello.SupportedProtos, updateALPN):
			return update, nil
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

// UpdateTLS is for fetching a release from the node peer, on the overlay port.
func (id *Identity) UpdateTLS(peer overlay.ID) *tls.Config {
	c := id.mutual(peer)
	c.NextProtos = []string{updateALPN}
	return c
}

// SIPServerTLS is for SIP over TLS. It asks those for a certificate that want to speak
// as a phone, by their application protocol, and takes in whoever shows none or any
// other, since existing clients have none of this office. Only PeerOf says who is a
// member. Clients of today may speak TLS 1.2, with forward
// secrecy and AEAD; members speak TLS 1.3 since both sides can.
func (id *Identity) SIPServerTLS() *tls.Config {
	members := id.base()
	members.ClientAuth = tls.RequestClientCert
	members.NextProtos = []string{sipALPN}
	c := id.base()
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, sipALPN) {
			return members, nil
		}
		return nil, nil
	}
	c.MinVersion = tls.VersionTLS12
	c.CipherSuites = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	return c
}

// SIPClientTLS is for connecting to another phone's SIPServerTLS. It accepts any
// member of this office: the caller compares PeerOf with whom it wants.
func (id *Identity) SIPClientTLS() *tls.Config {
	c := id.mutual(overlay.ID{})
	c.NextProtos = []string{sipALPN}
	return c
}

// PeerOf is the user name of the member at the other end of any connection over TLS
// 1.3, "102@office". It verifies the certificate itself: against the office's root,
// and against what Refuse was told. All others are strangers: ErrUntrusted or
// ErrRevoked.
func (id *Identity) PeerOf(cs tls.ConnectionState) (string, error) {
	switch {
	case len(cs.PeerCertificates) == 0:
		return "", fmt.Errorf("%w: no certificate", ErrUntrusted)
	case cs.Version != tls.VersionTLS13:
		return "", fmt.Errorf("%w: not TLS 1.3", ErrUntrusted)
	}
	m, err := id.verify(rawChain(cs))
	if err != nil {
		return "", err
	}
	return m.user, nil
}

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

func rawChain(cs tls.ConnectionState) [][]byte {
	var chain [][]byte
	for _, c := range cs.PeerCertificates {
		chain = append(chain, c.Raw)
	}
	return chain
}
