package sdp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// Limits on what is read: several times what any telephone sends.
const (
	maxBytes   = 16 << 10
	maxMedia   = 16
	maxFormats = 64
	maxCryptos = 16
)

// Parse reads a description. Its errors match ErrSyntax. What is not understood is
// left out, so that an answer can refuse it.
func Parse(b []byte) (Description, error) {
	if len(b) > maxBytes {
		return Description{}, fmt.Errorf("%w: %d bytes", ErrSyntax, len(b))
	}
	plain, foreign := veil(string(b))
	var sd sdp.SessionDescription
	if err := sd.UnmarshalString(plain); err != nil {
		return Description{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if sd.Origin.UnicastAddress == "" {
		return Description{}, fmt.Errorf("%w: no origin", ErrSyntax)
	}
	if len(sd.MediaDescriptions) > maxMedia {
		return Description{}, fmt.Errorf("%w: %d media", ErrSyntax, len(sd.MediaDescriptions))
	}
	d := Description{Origin: Origin{
		ID:      sd.Origin.SessionID,
		Version: sd.Origin.SessionVersion,
		Addr:    parseAddr(sd.Origin.UnicastAddress),
	}}
	var addr netip.Addr
	if c := sd.ConnectionInformation; c != nil && c.Address != nil {
		addr = parseAddr(c.Address.Address)
	}
	dir := SendRecv
	for _, a := range sd.Attributes {
		if v, ok := parseDirection(a.Key); ok {
			dir = v
		}
	}
	for i, md := range sd.MediaDescriptions {
		m, err := parseMedia(md, addr, dir)
		if err != nil {
			return Description{}, fmt.Errorf("%w: %w", ErrSyntax, err)
		}
		if f, ok := foreign[i]; ok {
			m.Kind, m.Protocol, m.Formats, m.Codecs = f[0], f[2], f[3:], nil
		}
		d.Media = append(d.Media, m)
	}
	return d, nil
}

// veil replaces the m= lines that mean nothing to us, by number, with one that any
// reader of SDP understands. pion/sdp refuses a whole description for one stream of a
// kind that it does not know, such as image over udptl; RFC 3264, section 6 wants that
// stream refused and the others taken.
func veil(text string) (plain string, foreign map[int][]string) {
	if !strings.Contains(text, "m=") {
		return text, nil
	}
	foreign = map[int][]string{}
	lines, n := strings.SplitAfter(text, "\n"), 0
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, "m=")
		if !ok {
			continue
		}
		f := strings.Fields(rest)
		if len(f) >= 4 && (f[0] != "audio" || f[2] != AVP && f[2] != SAVP) {
			foreign[n] = f
			lines[i] = "m=application " + f[1] + " RTP/AVP 0\r\n"
		}
		n++
	}
	return strings.Join(lines, ""), foreign
}

// parseAddr reads an address, without the time to live that multicast has. A host
// name gives the zero Addr: we have no DNS to ask.
func parseAddr(s string) netip.Addr {
	s, _, _ = strings.Cut(s, "/")
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}
	}
	return a.Unmap()
}

func parseMedia(md *sdp.MediaDescription, addr netip.Addr, dir Direction) (Media, error) {
	port := md.MediaName.Port.Value
	if port < 0 || port > 65535 {
		return Media{}, fmt.Errorf("port %d", port)
	}
	m := Media{
		Kind:      md.MediaName.Media,
		Protocol:  strings.Join(md.MediaName.Protos, "/"),
		Addr:      addr,
		Port:      uint16(port),
		Direction: dir,
	}
	if c := md.ConnectionInformation; c != nil && c.Address != nil {
		m.Addr = parseAddr(c.Address.Address)
	}
	if port != 0 && port < 65535 {
		m.RTCPPort = uint16(port) + 1 // RFC 3550, section 11
	}
	if len(md.MediaName.Formats) > maxFormats {
		return Media{}, fmt.Errorf("%d formats", len(md.MediaName.Formats))
	}
	if m.Kind != "audio" || m.Protocol != AVP && m.Protocol != SAVP {
		m.Formats = md.MediaName.Formats
		return m, nil
	}
	maps, params := codecAttributes(md)
	var seen [128]bool
	for _, f := range md.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			return Media{}, fmt.Errorf("payload type %q", f)
		}
		c, ok := maps[uint8(pt)]
		if !ok {
			c, ok = static(uint8(pt))
		}
		if !ok || seen[pt] {
			continue // nothing says what it is
		}
		seen[pt] = true
		c.Fmtp = params[uint8(pt)]
		m.Codecs = append(m.Codecs, c)
	}
	for _, a := range md.Attributes {
		m.attribute(a.Key, a.Value)
	}
	// The address 0.0.0.0 is how RFC 2543 held a call: RFC 3264, section 8.4.
	if m.Addr.IsValid() && m.Addr.IsUnspecified() {
		if m.Direction.Sends() {
			m.Direction = SendOnly
		} else {
			m.Direction = Inactive
		}
	}
	return m, nil
}

// codecAttributes collects rtpmap and fmtp of a stream.
func codecAttributes(md *sdp.MediaDescription) (maps map[uint8]Codec, params map[uint8]string) {
	maps, params = map[uint8]Codec{}, map[uint8]string{}
	for _, a := range md.Attributes {
		if a.Key != "rtpmap" && a.Key != "fmtp" {
			continue
		}
		num, rest, ok := strings.Cut(a.Value, " ")
		pt, err := strconv.ParseUint(num, 10, 7)
		if !ok || err != nil {
			continue
		}
		rest = strings.TrimSpace(rest)
		if a.Key == "fmtp" {
			params[uint8(pt)] = rest
			continue
		}
		// <encoding name>/<clock rate>[/<channels>], RFC 8866, section 6.6.
		f := strings.Split(rest, "/")
		if len(f) < 2 || len(f) > 3 || !token(f[0]) {
			continue
		}
		channels := uint64(0)
		if len(f) == 3 && f[2] != "1" {
			if channels, err = strconv.ParseUint(f[2], 10, 8); err != nil {
				continue
			}
		}
		rate, err := strconv.ParseUint(f[1], 10, 31)
		if err != nil || rate == 0 {
			continue
		}
		maps[uint8(pt)] = Codec{PT: uint8(pt), Name: f[0], Rate: int(rate), Channels: int(channels)}
	}
	return maps, params
}

func (m *Media) attribute(key, value string) {
	if d, ok := parseDirection(key); ok {
		m.Direction = d
		return
	}
	switch key {
	case "ptime":
		m.Ptime = parseMillis(value)
	case "maxptime":
		m.MaxPtime = parseMillis(value)
	case "rtcp-xr": // RFC 3611, section 5.1
		m.VoIPMetrics = m.VoIPMetrics || slices.Contains(strings.Fields(value), "voip-metrics")
	case "rtcp": // <port> [<nettype> <addrtype> <address>], RFC 3605
		f := strings.Fields(value)
		if len(f) > 0 {
			if p, err := strconv.ParseUint(f[0], 10, 16); err == nil && p != 0 {
				m.RTCPPort = uint16(p)
			}
		}
	case "crypto":
		if len(m.Cryptos) < maxCryptos {
			if c, err := parseCrypto(value); err == nil {
				m.Cryptos = append(m.Cryptos, c)
			}
		}
	}
}

// parseMillis reads a packet time; 0 for one that makes no sense.
func parseMillis(s string) time.Duration {
	ms, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	if err != nil || ms > 1000 {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// token reports whether s is made of letters, digits and the few marks that
// encoding names have.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '.' || c == '_' || c == '+') {
			return false
		}
	}
	return s != ""
}
