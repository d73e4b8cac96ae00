package discover

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chordophone/overlay"
)

// Limits on what is announced and remembered; what exceeds them is dropped.
const (
	MaxOffice    = 64  // octets of an office's name
	MaxExtension = 16  // digits
	MaxPeers     = 256 // phones remembered for each link
	maxAddrs     = 4   // addresses of one phone on one link
)

// presence is what a phone says of itself.
type presence struct {
	ID        overlay.ID
	Office    string
	Extension string
	Enrolling bool
	Port      uint16
}

// sighting is a phone that was heard, and where. The addresses are on the link
// that it was heard on; link-local ones of IPv6 carry their zone.
type sighting struct {
	presence
	Addrs []netip.Addr
	TTL   time.Duration // 0: the phone says goodbye
}

var errTXT = errors.New("discover: bad TXT record")

// txtVersion is the version of the format of the TXT record. What is not
// understood is to be ignored; a phone that speaks another version is none for us.
// RFC 6763, section 6.7
const txtVersion = "txtvers=1"

// txt is p as the strings of a TXT record. // RFC 6763, section 6
func (p presence) txt() []string {
	enrolling := "enrolling=0"
	if p.Enrolling {
		enrolling = "enrolling=1"
	}
	return []string{txtVersion, "office=" + p.Office, "node=" + p.ID.String(), "ext=" + p.Extension, enrolling}
}

// parseTXT reads what txt wrote. Unknown keys are skipped, of a repeated key the
// first counts, keys are compared without case. // RFC 6763, section 6.4
func parseTXT(txt []string) (presence, error) {
	if len(txt) == 0 || txt[0] != txtVersion {
		return presence{}, fmt.Errorf("%w: version", errTXT)
	}
	var p presence
	seen := make(map[string]bool, 8)
	for _, s := range txt[1:] {
		key, value, _ := strings.Cut(s, "=")
		key = strings.ToLower(key)
		if seen[key] {
			continue
		}
		switch key {
		case "office":
			p.Office = value
		case "node":
			id, err := overlay.ParseID(value)
			if err != nil {
				return presence{}, fmt.Errorf("%w: node", errTXT)
			}
			p.ID = id
		case "ext":
			p.Extension = value
		case "enrolling":
			p.Enrolling = value == "1"
		default:
			continue // not remembered either: seen stays small
		}
		seen[key] = true
	}
	p.Port = overlay.Port // stands in the SRV record; check wants one
	return p, p.check()
}

// check says what is wrong with p, its own or another's.
func (p presence) check() error {
	switch {
	case p.ID.IsZero():
		return errors.New("discover: no Node-ID")
	case p.Port == 0:
		return errors.New("discover: no port")
	case p.Office == "" || len(p.Office) > MaxOffice:
		return fmt.Errorf("discover: office name of %d octets: want 1 to %d", len(p.Office), MaxOffice)
	case !utf8.ValidString(p.Office) || strings.ContainsFunc(p.Office, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("discover: office name %q: want printable characters", p.Office)
	case len(p.Extension) > MaxExtension || strings.Trim(p.Extension, "0123456789") != "":
		return fmt.Errorf("discover: extension %q: want at most %d digits", p.Extension, MaxExtension)
	}
	return nil
}

// peers are the ways to reach the phone.
func (s sighting) peers() []overlay.Peer {
	out := make([]overlay.Peer, len(s.Addrs))
	for i, a := range s.Addrs {
		out[i] = overlay.Peer{ID: s.ID, Addr: netip.AddrPortFrom(a, s.Port)}
	}
	return out
}

func peers(found []sighting) (out []overlay.Peer) {
	for _, f := range found {
		out = append(out, f.peers()...)
	}
	return out
}
