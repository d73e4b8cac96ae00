package media

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// maxPacket is the longest datagram read or written, bytes.
const maxPacket = 1500

// sender turns frames of sound into packets.
type sender struct {
	mu     sync.Mutex
	remote netip.AddrPort
	rtcp   netip.AddrPort
	active bool // something may be sent
	held   bool // ... but our side does not want to
	name   string
	codec  codec
	pt     uint8
	event  uint8 // payload type of events
	events bool  // they were agreed
	key    []byte
	ctx    *srtp.Context // nil: in the clear

	ssrc   uint32
	seq    uint16
	ts     uint32
	marker bool // the next packet begins a talkspurt
	digits digitSender

	packets, octets uint64
	header          rtp.Header
	plain, wire     [maxPacket]byte

	remoteLost float64
	roundTrip  time.Duration
}

func (s *sender) init() {
	var b [10]byte
	rand.Read(b[:])
	s.ssrc = binary.BigEndian.Uint32(b[0:])
	s.ts = binary.BigEndian.Uint32(b[4:])
	// In the lower half, so that no early loss hides the first wrap: RFC 4568,
	// section 6.4.
	s.seq = binary.BigEndian.Uint16(b[8:]) & 0x7FFF
	s.marker = true
}

// apply puts an agreement in force. A key that stays keeps its context: started
// again it would repeat its key stream.
func (s *sender) apply(a agreement) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.localKey == nil {
		s.key, s.ctx = nil, nil
	} else if s.ctx == nil || !bytes.Equal(s.key, a.localKey.Key) {
		ctx, err := newContext(a.localKey)
		if err != nil {
			return err
		}
		s.key, s.ctx = a.localKey.Key, ctx
	}
	if s.name != a.codec.Name {
		k, _ := codecKind(a.codec.Name)
		s.name, s.codec = a.codec.Name, k.new()
	}
	s.pt = a.codec.PT
	s.event, s.events = a.event.PT, a.event.Name != ""
	s.remote, s.rtcp = a.remote, a.remoteRTCP
	active := a.direction.Sends() && a.remote.Port() != 0 && !a.remote.Addr().IsUnspecified()
	s.marker = s.marker || active && !s.active
	s.active = active
	return nil
}

func (s *sender) hold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marker = s.marker || s.held && !on
	s.held = on
}

func (s *sender) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = false
}

func (s *sender) digit(key rune) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active && !s.held && s.events && s.digits.push(key)
}

// frame sends one frame of sound, or the key that is being sent instead.
func (s *sender) frame(pcm []int16, conn PacketConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.active || s.held {
		s.ts += frameTicks // time passes also in silence
		return
	}
	s.header = rtp.Header{Version: 2, PayloadType: s.pt, SequenceNumber: s.seq, Timestamp: s.ts, SSRC: s.ssrc, Marker: s.marker}
	payload := s.plain[rtpHeaderLen:rtpHeaderLen]
	if event, start, marker, ok := s.digits.frame(s.ts); ok {
		s.header.PayloadType, s.header.Timestamp, s.header.Marker = s.event, start, marker
		payload = append(payload, event[:]...)
		s.marker = true // sound resumes with a new talkspurt
	} else {
		payload = s.codec.encode(payload, pcm[:min(len(pcm), FrameSamples)])
		s.marker = false
	}
	s.ts += frameTicks
	s.seq++
	packet := s.plain[:rtpHeaderLen+len(payload)]
	if _, err := s.header.MarshalTo(packet); err != nil {
		panic("BUG: RTP header of fixed size does not fit: " + err.Error())
	}
	if s.ctx != nil {
		var err error
		if packet, err = s.ctx.EncryptRTP(s.wire[:], packet, &s.header); err != nil {
			return // the key has protected all that it may: RFC 3711, section 9.2
		}
	}
	// An error is a packet lost: the network may be back with the next.
	if _, err := conn.WriteToUDPAddrPort(packet, s.remote); err == nil {
		s.packets++
		s.octets += uint64(len(payload))
	}
}

const rtpHeaderLen = 12

// report sends RTCP packets as one compound packet.
func (s *sender) report(conn PacketConn, packets ...rtcp.Packet) {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		panic("BUG: RTCP packet does not marshal: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.rtcp.IsValid() || s.rtcp.Port() == 0 || s.rtcp.Addr().IsUnspecified() {
		return
	}
	if s.ctx != nil {
		if b, err = s.ctx.EncryptRTCP(nil, b, nil); err != nil {
			return
		}
	}
	conn.WriteToUDPAddrPort(b, s.rtcp)
}

// senderInfo is the sender's part of a report: RFC 3550, section 6.4.1. The
// timestamp is that of the next frame, which is being captured now.
func (s *sender) senderInfo(now time.Time) rtcp.SenderReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rtcp.SenderReport{
		SSRC: s.ssrc, NTPTime: ntpTime(now), RTPTime: s.ts,
		PacketCount: uint32(s.packets), OctetCount: uint32(s.octets),
	}
}

// heard takes the other side's report on what we send.
func (s *sender) heard(now time.Time, r rtcp.ReceptionReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.SSRC != s.ssrc {
		return
	}
	s.remoteLost = float64(r.FractionLost) / 256
	if r.LastSenderReport == 0 {
		return
	}
	// RFC 3550, section 6.4.1: A - LSR - DLSR, in 1/65536 s.
	rtt := uint32(ntpTime(now)>>16) - r.LastSenderReport - r.Delay
	if d := time.Duration(rtt) * time.Second >> 16; int32(rtt) >= 0 && d < time.Minute {
		s.roundTrip = d
	}
}

func (s *sender) stats(st *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Codec, st.Secure = s.name, s.ctx != nil
	st.Sent = s.packets
	st.RoundTrip, st.RemoteLost = s.roundTrip, s.remoteLost
}

// ready reports whether something was agreed.
func (s *sender) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codec != nil
}
