package sdp

import (
	"fmt"
	"net/netip"
	"strings"
)

// Bytes writes the description, RFC 8866, section 5. The session's connection line
// is the origin's address; a stream elsewhere has its own.
func (d Description) Bytes() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- %d %d %s\r\ns=-\r\nc=%s\r\nt=0 0\r\n",
		d.Origin.ID, d.Origin.Version, connection(d.Origin.Addr), connection(d.Origin.Addr))
	for i := range d.Media {
		d.Media[i].write(&b, d.Origin.Addr)
	}
	return []byte(b.String())
}

func connection(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "IN IP4 0.0.0.0"
	case a.Is4():
		return "IN IP4 " + a.String()
	}
	return "IN IP6 " + a.String()
}

func (m *Media) write(b *strings.Builder, session netip.Addr) {
	fmt.Fprintf(b, "m=%s %d %s", m.Kind, m.Port, m.Protocol)
	for _, c := range m.Codecs {
		fmt.Fprintf(b, " %d", c.PT)
	}
	for _, f := range m.Formats {
		b.WriteString(" " + f)
	}
	if len(m.Codecs)+len(m.Formats) == 0 {
		b.WriteString(" 0") // a refused stream still needs one format
	}
	b.WriteString("\r\n")
	if m.Port == 0 {
		return // the rest means nothing
	}
	if m.Addr.IsValid() && m.Addr != session {
		fmt.Fprintf(b, "c=%s\r\n", connection(m.Addr))
	}
	for _, c := range m.Codecs {
		fmt.Fprintf(b, "a=rtpmap:%d %s/%d", c.PT, c.Name, c.Rate)
		if c.Channels > 1 {
			fmt.Fprintf(b, "/%d", c.Channels)
		}
		b.WriteString("\r\n")
		if c.Fmtp != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", c.PT, c.Fmtp)
		}
	}
	if m.Ptime != 0 {
		fmt.Fprintf(b, "a=ptime:%d\r\n", m.Ptime.Milliseconds())
	}
	if m.MaxPtime != 0 {
		fmt.Fprintf(b, "a=maxptime:%d\r\n", m.MaxPtime.Milliseconds())
	}
	if m.RTCPPort != 0 && m.RTCPPort != m.Port+1 {
		fmt.Fprintf(b, "a=rtcp:%d\r\n", m.RTCPPort)
	}
	if m.VoIPMetrics {
		b.WriteString("a=rtcp-xr:voip-metrics\r\n")
	}
	fmt.Fprintf(b, "a=%s\r\n", m.Direction)
	for _, c := range m.Cryptos {
		fmt.Fprintf(b, "a=crypto:%s\r\n", c.attribute())
	}
}
