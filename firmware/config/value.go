package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
)

// Port is the overlay's, where a peer listens unless told otherwise.
// RFC 6940, section 17.4
const Port = 6084

// Secret is a password or a code. However it is printed, encoded or logged, it
// shows as stars; only Reveal gives it.
type Secret string

const stars = "***"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String shows whether there is a secret, not more.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return stars
}

// Format is for every verb of fmt what String is.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue is for slog what String is.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is for encoders what String is.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes anything.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// Peer is the address of another telephone's overlay port.
type Peer struct{ netip.AddrPort }

// UnmarshalText reads IP or IP:PORT.
func (p *Peer) UnmarshalText(text []byte) error {
	s := string(text)
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		p.AddrPort = netip.AddrPortFrom(ip, Port)
		return nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Port() == 0 {
		return fmt.Errorf("%q is no address of a telephone", s)
	}
	p.AddrPort = ap
	return nil
}

// Account is a SIP account for a client that people already own.
type Account struct {
	User     string
	Password Secret
}

const userCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+"

// UnmarshalText reads USER:PASS; the password may contain colons.
func (a *Account) UnmarshalText(text []byte) error {
	// No error here may quote the text: the password may stand anywhere in it.
	user, password, ok := strings.Cut(string(text), ":")
	switch {
	case !ok:
		return errors.New("no ':' between user and password")
	case user == "" || password == "":
		return errors.New("user or password is empty")
	case strings.Trim(user, userCharacters) != "" || len(user) > 64:
		return errors.New("the user has characters that an address cannot have")
	}
	a.User, a.Password = user, Secret(password)
	return nil
}
