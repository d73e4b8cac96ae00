// Package arp is the Address Resolution Protocol (RFC 826) for IPv4 on Ethernet, as far
// as finding out needs it whether an address is free (RFC 5227).
//
//	 0      hardware type 1          2      protocol type 0x0800
//	 4, 5   lengths 6 and 4          6      operation
//	 8      sender hardware address  14     sender protocol address
//	18      target hardware address  24     target protocol address
package arp

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Operations.
const (
	Request = 1
	Reply   = 2
)

// Hardware is an Ethernet address.
type Hardware [6]byte

// Packet is what one machine says.
type Packet struct {
	Operation          uint16
	Sender, Target     Hardware
	SenderIP, TargetIP netip.Addr // IPv4
}

// size is that of a packet, in octets.
const size = 28

// ErrBad says that a packet is not about IPv4 on Ethernet.
var ErrBad = errors.New("not an ARP packet for IPv4 on Ethernet")

var fixed = [6]byte{0, 1, 8, 0, 6, 4}

// Probe asks who has an address without saying that one has it: "the sender IP address
// field MUST be set to all zeroes". // RFC 5227, section 2.1.1
func Probe(own Hardware, address netip.Addr) Packet {
	return Packet{Operation: Request, Sender: own, SenderIP: netip.IPv4Unspecified(), TargetIP: address}
}

// Announcement says that one has an address. // RFC 5227, section 2.3
func Announcement(own Hardware, address netip.Addr) Packet {
	return Packet{Operation: Request, Sender: own, SenderIP: address, TargetIP: address}
}

// IsProbe reports whether somebody else wants to have the address that it asks about.
func (p Packet) IsProbe() bool { return p.Operation == Request && p.SenderIP.IsUnspecified() }

// Append writes a packet.
func (p Packet) Append(b []byte) []byte {
	b = append(b, fixed[:]...)
	b = binary.BigEndian.AppendUint16(b, p.Operation)
	b = append(b, p.Sender[:]...)
	b = append(b, p.SenderIP.AsSlice()...)
	b = append(b, p.Target[:]...)
	return append(b, p.TargetIP.AsSlice()...)
}

// Parse reads a packet; what comes after it is padding of the frame.
func Parse(b []byte) (p Packet, err error) {
	if len(b) < size || [6]byte(b[:6]) != fixed {
		return p, ErrBad
	}
	return Packet{
		Operation: binary.BigEndian.Uint16(b[6:]),
		Sender:    Hardware(b[8:14]),
		SenderIP:  netip.AddrFrom4([4]byte(b[14:18])),
		Target:    Hardware(b[18:24]),
		TargetIP:  netip.AddrFrom4([4]byte(b[24:28])),
	}, nil
}
