package measure

import "slices"

// eventTypes are the payload types of telephone-event that the telephones offer.
var eventTypes = []byte{101, 102}

const udp = 17 // protocol

// FirstOfKey is whether an IPv4 packet is the first that tells a key by RTP, and who sent
// it. What it says is secret, but its header is not: there the first packet of each key
// has a payload type of its own and the marker. // RFC 4733, section 2.4.1.1; RFC 3711, section 3.1
func FirstOfKey(packet []byte) (from [4]byte, ok bool) {
	if len(packet) < 20 || packet[0]>>4 != 4 || packet[9] != udp {
		return from, false
	}
	copy(from[:], packet[12:])
	at := int(packet[0]&0x0f) * 4
	if len(packet) < at+8+12 {
		return from, false
	}
	rtp := packet[at+8:]
	return from, rtp[0]>>6 == 2 && rtp[1]&0x80 != 0 && slices.Contains(eventTypes, rtp[1]&0x7f)
}
