package link

import (
	"crypto/tls"
	"errors"
	"net"

	"chordophone/overlay"
)

var errRevoked = errors.New("link: cut off")

// Cut cuts off the nodes named: their connections end at once, new ones are
// refused, and what they have signed is dropped whoever brings it. It replaces
// what an earlier call said, so that Cut() lets everybody in again.
//
// Connections whose certificates Config.ServerTLS.VerifyConnection accepts no
// longer end too: those of phones that a stolen one has enrolled.
func (l *Link) Cut(nodes ...overlay.ID) {
	cut := make(map[overlay.ID]bool, len(nodes))
	for _, id := range nodes {
		cut[id] = true
	}
	l.mu.Lock()
	l.cut = cut
	var standing []*conn
	for _, c := range l.conns {
		standing = append(standing, c)
	}
	for c := range l.draining {
		standing = append(standing, c)
	}
	l.mu.Unlock()
	for _, c := range standing {
		if cut[c.id] || !l.stillGood(c.nc) {
			l.drop(CutOff, "connection", "peer", c.id.Short())
			c.fail(errRevoked)
		}
	}
}

// badCertificate is what crypto/tls tells a client whose certificate VerifyConnection
// refuses. In TLS 1.3 that comes after the handshake: from whoever had the certificate
// that the client has verified. // RFC 8446, section 6.2
const badCertificate = tls.AlertError(42)

// isRefusal reports whether a connection ended because the other side does not accept
// this node's certificate.
func isRefusal(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error" && remote.Err.Error() == badCertificate.Error()
}

// isCut reports whether a node is cut off.
func (l *Link) isCut(id overlay.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut[id]
}

func (l *Link) stillGood(nc *tls.Conn) bool {
	verify := l.cfg.ServerTLS.VerifyConnection
	return verify == nil || verify(nc.ConnectionState()) == nil
}
