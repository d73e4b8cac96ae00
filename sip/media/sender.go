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

// maxPtime is the longest packet sent, samples: 60 ms.
const maxPtime = 60 * Rate / 1000

// quietReports is how many reports without loss end redundancy.
const quietReports = 3

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
	times  int   // the codec's RTP clock is so many times as fast as clock
	ptime  int   // samples in a packet
	event  uint8 // payload type of events
	events int   // they were agreed: their clock, as times
	red    uint8 // payload type of redundancy
	twice  bool  // it was agreed
	asked  bool  // and is wanted always
	lossy  int   // reports to come without loss until it ends
	cn     uint8 // payload type of comfort noise
	vad    bool  // it is sent for silence
	key    []byte
	ctx    *srtp.Context // nil: in the clear
	fuse   breaker

	ssrc    uint32
	seq     uint16
	base    uint32
	elapsed uint32    // of the clock since the beginning, silence too
	at      time.Time // of the last frame; zero before the first
	marker  bool      // the next packet begins a talkspurt
	digits  digitSender
	quiet   detector

	pending int // samples in sound
	sound   [maxPtime + FrameSamples]int16

	earlier    [redMaxLen]byte // the packet before
	earlierLen int             // 0: there is none to repeat
	earlierAt  uint32          // its beginning

	packets, octets, repeated uint64

	header      rtp.Header
	plain, wire [maxPacket]byte

	remoteLost   float64
	remoteJitter time.Duration
	roundTrip    time.Duration
	remoteMOS    float64
}

func (s *sender) init() {
	var b [10]byte
	rand.Read(b[:])
	s.ssrc = binary.BigEndian.Uint32(b[0:])
	s.base = binary.BigEndian.Uint32(b[4:])
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
	s.pt, s.times, s.ptime = a.codec.PT, a.codec.Rate/clock, a.ptime
	s.event, s.events = a.event.PT, a.event.Rate/clock
	s.red, s.twice, s.asked = a.red.PT, a.red.Name != "", a.redFirst
	s.cn, s.vad = a.noise.PT, a.vad
	s.remote, s.rtcp = a.remote, a.remoteRTCP
	active := a.direction.Sends() && a.remote.Port() != 0 && !a.remote.Addr().IsUnspecified()
	s.marker = s.marker || active && !s.active
	s.active = active
	s.earlierLen = 0
	s.fuse = breaker{}
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
	return s.active && !s.held && s.events > 0 && s.digits.push(key)
}

// lull is how long no sound may be captured before that counts as time that has passed:
// a call that is held has nothing to do with the microphone.
const lull = time.Second

// pass lets the time of a lull pass.
func (s *sender) pass(now time.Time) {
	if gap := now.Sub(s.at); !s.at.IsZero() && gap > lull {
		s.elapsed += uint32(s.pending/2) + uint32(gap*clock/time.Second)
		s.pending, s.earlierLen = 0, 0
		s.at = now
	}
}

// frame takes sound, at most a Frame, and sends the packets that it fills.
func (s *sender) frame(now time.Time, pcm []int16, conn PacketConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass(now)
	s.at = now
	pcm = pcm[:min(len(pcm), FrameSamples)]
	if !s.active || s.held || s.fuse.blown != "" {
		s.elapsed += uint32(s.pending+len(pcm)) / 2 // time passes also in silence
		s.pending, s.earlierLen = 0, 0
		return
	}
	s.pending += copy(s.sound[s.pending:], pcm)
	for {
		n := s.ptime
		if s.digits.busy() {
			n = FrameSamples
		}
		if s.pending < n {
			return
		}
		s.packet(s.sound[:n], conn)
		s.elapsed += uint32(n / 2)
		s.pending = copy(s.sound[:], s.sound[n:s.pending])
	}
}

// packet sends the sound of one packet, or what takes its place.
func (s *sender) packet(pcm []int16, conn PacketConn) {
	var pt uint8
	at, times, marker := s.elapsed, s.times, s.marker
	payload := s.plain[rtpHeaderLen:rtpHeaderLen]
	if event, start, first, ok := s.digits.frame(s.elapsed, s.events); ok {
		pt, at, times, marker = s.event, start, s.events, first
		payload = append(payload, event[:]...)
		s.pause()
	} else if speech, tell := s.speaks(pcm); speech {
		payload, pt = s.encode(payload, pcm)
		s.marker = false
	} else if tell {
		pt, marker = s.cn, false
		payload = append(payload, byte(s.quiet.told))
		s.pause()
	} else {
		return
	}
	s.header = rtp.Header{Version: 2, PayloadType: pt, SequenceNumber: s.seq, SSRC: s.ssrc, Marker: marker,
		Timestamp: s.base + at*uint32(times)}
	s.seq++
	s.write(payload, conn)
}

// pause makes the next sound the beginning of a talkspurt.
func (s *sender) pause() { s.marker, s.earlierLen = true, 0 }

// speaks reports whether sound is to be sent, or else the noise level be told.
func (s *sender) speaks(pcm []int16) (speech, tell bool) {
	if !s.vad {
		return true, false
	}
	return s.quiet.step(pcm, max(len(pcm)/FrameSamples, 1))
}

// encode appends the payload of sound, with the one before when that is wanted.
func (s *sender) encode(dst []byte, pcm []int16) ([]byte, uint8) {
	pt, offset := s.pt, s.elapsed-s.earlierAt
	if s.twice && s.times == 1 && (s.asked || s.lossy > 0) {
		if s.earlierLen > 0 && offset <= redMaxOffset {
			dst = appendRedundant(dst, s.pt, offset, s.earlier[:s.earlierLen])
			pt = s.red
			s.repeated++
		}
	}
	n := len(dst)
	dst = s.codec.encode(dst, pcm)
	s.earlierLen, s.earlierAt = 0, s.elapsed
	if len(dst)-n <= redMaxLen {
		s.earlierLen = copy(s.earlier[:], dst[n:])
	}
	return dst, pt
}

// write sends the packet whose payload stands behind the room for its header.
func (s *sender) write(payload []byte, conn PacketConn) {
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
	s.pass(now)
	return rtcp.SenderReport{
		SSRC: s.ssrc, NTPTime: ntpTime(now), RTPTime: s.base + (s.elapsed+uint32(s.pending/2))*uint32(max(s.times, 1)),
		PacketCount: uint32(s.packets), OctetCount: uint32(s.octets),
	}
}

// loss tells that packets are lost lately, on the way to the other side or from it:
// networks seldom lose them one way only.
func (s *sender) loss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lossy = quietReports
}

// heard takes the other side's report on what we send.
func (s *sender) heard(now time.Time, r rtcp.ReceptionReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.SSRC != s.ssrc {
		return
	}
	s.remoteLost = float64(r.FractionLost) / 256
	s.remoteJitter = time.Duration(r.Jitter) * time.Second / time.Duration(clock*max(s.times, 1))
	s.lossy = max(s.lossy-1, 0)
	if r.FractionLost > 0 {
		s.lossy = quietReports
	}
	if r.LastSenderReport != 0 {
		// RFC 3550, section 6.4.1: A - LSR - DLSR, in 1/65536 s.
		rtt := uint32(ntpTime(now)>>16) - r.LastSenderReport - r.Delay
		if d := time.Duration(rtt) * time.Second >> 16; int32(rtt) >= 0 && d < time.Minute {
			s.roundTrip = d
		}
	}
	if !s.active || s.held {
		s.fuse = breaker{}
		return
	}
	s.fuse.report(now, r, s.roundTrip, s.packets, s.octets)
}

// is reports whether a report is about what we send.
func (s *sender) is(ssrc uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ssrc == ssrc
}

// remoteQuality takes the other side's opinion of what it hears.
func (s *sender) remoteQuality(mos float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remoteMOS = mos
}

func (s *sender) stats(st *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Codec, st.Secure = s.name, s.ctx != nil
	st.Sent, st.Repeated = s.packets, s.repeated
	st.PacketTime = time.Duration(s.ptime) * time.Second / Rate
	st.RoundTrip, st.RemoteLost, st.RemoteJitter, st.RemoteMOS = s.roundTrip, s.remoteLost, s.remoteJitter, s.remoteMOS
	st.Broken = s.fuse.blown
}

// ready reports whether something was agreed.
func (s *sender) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codec != nil
}
