package sip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// packet is a captured datagram.
type packet struct {
	at       time.Time
	from, to netip.AddrPort
	payload  []byte
}

// Constants of the file format and of what is in it. // draft-ietf-opsawg-pcap
const (
	pcapMicroseconds = 0xa1b2c3d4
	pcapNanoseconds  = 0xa1b23c4d
	linkEthernet     = 1
	etherHeader      = 14
	maxCaptured      = 1 << 18
)

var errNotPcap = errors.New("not a capture of an Ethernet interface")

// readPcap calls visit with each UDP datagram over IPv4 of a capture; fragments
// after the first are left out. The payload is visit's to keep.
func readPcap(r io.Reader, visit func(packet)) error {
	var head [24]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	var unit time.Duration
	switch binary.NativeEndian.Uint32(head[:]) {
	case pcapMicroseconds:
		unit = time.Microsecond
	case pcapNanoseconds:
		unit = time.Nanosecond
	default:
		return errNotPcap
	}
	if binary.NativeEndian.Uint32(head[20:])&0xffff != linkEthernet {
		return errNotPcap
	}
	for {
		var rec [16]byte
		if _, err := io.ReadFull(r, rec[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("capture: %w", err)
		}
		n := binary.NativeEndian.Uint32(rec[8:])
		if n > maxCaptured {
			return errNotPcap
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(r, frame); err != nil {
			return fmt.Errorf("capture: %w", err)
		}
		p, ok := datagram(frame)
		if !ok {
			continue
		}
		p.at = time.Unix(int64(binary.NativeEndian.Uint32(rec[:])), 0).Add(time.Duration(binary.NativeEndian.Uint32(rec[4:])) * unit)
		visit(p)
	}
}

// datagram takes Ethernet, IPv4 and UDP off. // RFC 791, RFC 768
func datagram(frame []byte) (p packet, ok bool) {
	if len(frame) < etherHeader+20 || binary.BigEndian.Uint16(frame[12:]) != 0x0800 {
		return p, false
	}
	ip := frame[etherHeader:]
	size := int(ip[0]&0x0f) * 4
	fragment := binary.BigEndian.Uint16(ip[6:]) & 0x1fff
	if ip[0]>>4 != 4 || size < 20 || ip[9] != 17 || fragment != 0 || len(ip) < size+8 {
		return p, false
	}
	udp := ip[size:]
	src, _ := netip.AddrFromSlice(ip[12:16])
	dst, _ := netip.AddrFromSlice(ip[16:20])
	return packet{
		from:    netip.AddrPortFrom(src, binary.BigEndian.Uint16(udp)),
		to:      netip.AddrPortFrom(dst, binary.BigEndian.Uint16(udp[2:])),
		payload: udp[8:],
	}, true
}
