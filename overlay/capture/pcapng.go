package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"chordophone/overlay"
)

// Types of blocks, and options in them. The numbers are those of
// draft-ietf-opsawg-pcapng.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockStatistics = 5
	blockPacket     = 6

	optEnd        = 0
	optAppName    = 4 // of a section: who wrote it
	optName       = 2 // of an interface
	optResolution = 9 // of an interface: negative power of 10
	optReceived   = 4 // of statistics
	optDropped    = 5 // of statistics
	optDropCount  = 4 // of a packet

	exportedPDU = 252
)

// Tags of an exported PDU. // Wireshark, epan/exported_pdu.h
const (
	tagEnd       = 0
	tagDissector = 12
	tagIPv4From  = 20
	tagIPv4To    = 21
	tagIPv6From  = 22
	tagIPv6To    = 23
	tagPortType  = 24
	tagPortFrom  = 25
	tagPortTo    = 26

	portTCP = 2
)

var le, be = binary.LittleEndian, binary.BigEndian

// appendHead appends what stands at the beginning of a file.
func appendHead(out []byte) []byte {
	out = appendBlock(out, blockSection, func(b []byte) []byte {
		b = le.AppendUint32(b, 0x1a2b3c4d)            // byte order
		b = le.AppendUint16(le.AppendUint16(b, 1), 0) // version 1.0
		b = le.AppendUint64(b, 1<<64-1)               // length not known
		b = appendOption(b, optAppName, []byte("chordophone"))
		return appendOption(b, optEnd, nil)
	})
	return appendBlock(out, blockInterface, func(b []byte) []byte {
		b = le.AppendUint16(le.AppendUint16(b, exportedPDU), 0)
		b = le.AppendUint32(b, 0) // no limit
		b = appendOption(b, optName, []byte("RELOAD"))
		b = appendOption(b, optResolution, []byte{9})
		return appendOption(b, optEnd, nil)
	})
}

// appendPacket appends a frame, before which so many were lost.
func appendPacket(out []byte, p packet, lost uint64) []byte {
	return appendBlock(out, blockPacket, func(b []byte) []byte {
		b = le.AppendUint32(b, 0) // the first interface
		b = appendTime(b, p.at)
		at := len(b)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // lengths, as captured and as they were
		b = appendPDU(b, p)
		n := uint32(len(b) - at - 8)
		le.PutUint32(b[at:], n)
		le.PutUint32(b[at+4:], n)
		b = pad(b)
		if lost > 0 {
			b = appendOption(b, optDropCount, le.AppendUint64(nil, lost))
			b = appendOption(b, optEnd, nil)
		}
		return b
	})
}

// appendStatistics appends the end.
func appendStatistics(out []byte, now time.Time, s Summary) []byte {
	return appendBlock(out, blockStatistics, func(b []byte) []byte {
		b = le.AppendUint32(b, 0)
		b = appendTime(b, now)
		b = appendOption(b, optReceived, le.AppendUint64(nil, s.Frames+s.Lost))
		b = appendOption(b, optDropped, le.AppendUint64(nil, s.Lost))
		return appendOption(b, optEnd, nil)
	})
}

// appendBlock appends a block: type, length, body, length again.
func appendBlock(out []byte, typ uint32, body func([]byte) []byte) []byte {
	start := len(out)
	out = le.AppendUint32(out, typ)
	out = le.AppendUint32(out, 0)
	out = pad(body(out))
	n := uint32(len(out) - start + 4)
	le.PutUint32(out[start+4:], n)
	return le.AppendUint32(out, n)
}

func appendOption(b []byte, code uint16, value []byte) []byte {
	b = le.AppendUint16(b, code)
	b = le.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

// appendTime appends nanoseconds since 1970, the upper half first.
func appendTime(b []byte, t time.Time) []byte {
	ns := uint64(t.UnixNano())
	return le.AppendUint32(le.AppendUint32(b, uint32(ns>>32)), uint32(ns))
}

// pad fills up to a multiple of four octets; what is padded begins at one.
func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

// appendPDU appends an exported PDU. Its values are big-endian.
func appendPDU(b []byte, p packet) []byte {
	tag := func(typ uint16, value ...byte) {
		b = be.AppendUint16(b, typ)
		b = be.AppendUint16(b, uint16(len(value)+(-len(value)&3)))
		b = append(b, value...)
		b = append(b, make([]byte, -len(value)&3)...)
	}
	port := func(typ uint16, n uint32) { tag(typ, be.AppendUint32(nil, n)...) }
	from, to := uint16(tagIPv4From), uint16(tagIPv4To)
	if p.from.Addr().Is6() {
		from, to = tagIPv6From, tagIPv6To
	}
	tag(tagDissector, []byte("reload-framing")...)
	tag(from, p.from.Addr().AsSlice()...)
	tag(to, p.to.Addr().AsSlice()...)
	port(tagPortType, portTCP)
	port(tagPortFrom, uint32(p.from.Port()))
	port(tagPortTo, uint32(p.to.Port()))
	tag(tagEnd)
	return append(b, p.frame...)
}

// packet is a frame on its way to a file.
type packet struct {
	at       time.Time
	from, to netip.AddrPort
	frame    []byte
}

// KindTable is the contents of Wireshark's file reload_kindids for Kinds of the
// private range, all of which are dictionaries.
func KindTable(kinds ...overlay.Kind) string {
	var b strings.Builder
	for _, k := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		fmt.Fprintf(&b, "\"%d\",\"%s\",\"DICTIONARY\"\n", uint32(k), k)
	}
	return b.String()
}
