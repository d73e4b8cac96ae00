package media

import (
	"bytes"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"chordophone/sip/sdp"
)

// receiver turns packets into frames of sound.
type receiver struct {
	mu     sync.Mutex
	ready  bool       // something was agreed
	active bool       // and sound may come
	remote netip.Addr // whence it may come
	port   uint16     // as signalled
	latch  uint16     // whence it does come; 0 until the first packet
	codecs [128]codec // by payload type; nil: not agreed
	name   [128]string
	rate   [128]int // of its RTP clock, Hz
	event  [128]bool
	red    int  // payload type of redundancy, -1 if none
	cn     int  // of comfort noise
	listen bool // for the tones of keys: the other side does not do events
	key    []byte
	ctx    *srtp.Context // nil: in the clear
	budget uint64        // packets that the key may still protect

	source   reception
	heardAt  time.Time // last packet of the source
	aliveAt  time.Time // last packet or report, or when sound was last agreed to come
	newSSRC  uint32    // a source that wants to take over,
	newSeq   uint16    // the sequence number it must show next,
	claiming bool      // and whether there is one
	lastSR   uint32    // middle of the NTP time of its last sender report
	srAt     time.Time

	clock   timeline
	buffer  Buffer
	conceal concealer
	room    room
	fifo    [fifoLen]int16 // decoded sound
	waiting int            // samples in it
	forcing int            // steps since another speed was first needed
	digits  digitReceiver
	tones   toneDetector
	keys    chan<- rune

	late, dropped, rejected uint64
	restored                uint64 // packets that came only as a copy
	quality                 quality

	header rtp.Header
	plain  [maxPacket]byte
}

// takeover is how long a source in the clear must be silent before another may
// follow it. Nobody who does not see the stream can cut in (RTP injection).
const takeover = 200 * time.Millisecond

func (r *receiver) init(keys chan<- rune) {
	r.keys = keys
	r.red, r.cn = -1, -1
}

// apply puts an agreement in force.
func (r *receiver) apply(a agreement) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case a.remoteKey == nil:
		r.key, r.ctx = nil, nil
	case r.ctx == nil || !bytes.Equal(r.key, a.remoteKey.Key):
		ctx, err := newContext(a.remoteKey)
		if err != nil {
			return err
		}
		r.key, r.ctx = a.remoteKey.Key, ctx
		if r.budget = a.remoteKey.Lifetime; r.budget == 0 {
			r.budget = 1 << 48
		}
		r.source = reception{} // its counters start again
	}
	if r.remote != a.remote.Addr() || r.port != a.remote.Port() {
		r.remote, r.port, r.latch = a.remote.Addr(), a.remote.Port(), 0
		r.source = reception{}
	}
	var name [128]string
	r.event, r.rate, r.red, r.cn = [128]bool{}, [128]int{}, -1, -1
	r.listen = a.event.Name == ""
	for _, c := range a.receive {
		r.rate[c.PT] = c.Rate
		switch c.Name {
		case sdp.TelephoneEvent:
			r.event[c.PT] = true
			continue
		case sdp.Redundancy:
			r.red = int(c.PT)
			continue
		case sdp.ComfortNoise:
			r.cn = int(c.PT)
			continue
		}
		name[c.PT] = c.Name
		if k, ok := codecKind(c.Name); ok && r.name[c.PT] != c.Name {
			r.codecs[c.PT] = k.new()
		}
	}
	for pt := range name {
		if name[pt] == "" {
			r.codecs[pt] = nil
		}
	}
	r.name = name
	if receives := a.direction.Receives(); receives && !r.active {
		r.aliveAt = time.Now()
	}
	r.active = a.direction.Receives()
	r.ready = true
	return nil
}

// rtpPacket takes a datagram from the RTP socket.
func (r *receiver) rtpPacket(now time.Time, b []byte, from netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.rtp(now, b, from) {
		r.rejected++
	}
}

// rtp reports whether the packet was the peer's.
func (r *receiver) rtp(now time.Time, b []byte, from netip.AddrPort) bool {
	if !r.ready || !r.fromPeer(from) {
		return false
	}
	b, ok := r.open(b)
	if !ok {
		return false
	}
	h := &r.header
	n, err := h.Unmarshal(b)
	if err != nil || h.Version != 2 {
		return false
	}
	payload := b[n:]
	if h.Padding {
		if len(payload) == 0 {
			return false
		}
		pad := int(payload[len(payload)-1])
		if pad == 0 || pad > len(payload) {
			return false
		}
		payload = payload[:len(payload)-pad]
	}
	if r.rate[h.PayloadType] == 0 {
		return false
	}
	if !r.fromSource(now, h.SSRC, h.SequenceNumber) {
		return false
	}
	r.latch = from.Port()
	r.heardAt, r.aliveAt = now, now
	r.source.packet(h.SequenceNumber)
	if int(h.PayloadType) != r.red {
		r.take(now, block{pt: h.PayloadType, payload: payload})
		return true
	}
	for b := range blocks(payload) {
		r.take(now, b)
	}
	return true
}

// take takes a payload of the packet whose header was read last.
func (r *receiver) take(now time.Time, b block) {
	ts := r.header.Timestamp - b.offset
	if r.event[b.pt] {
		if key, ok := r.digits.packet(ts, b.payload); ok && r.active {
			r.press(key)
		}
		return
	}
	ticks := 0
	switch {
	case int(b.pt) == r.cn && len(b.payload) > 0:
		ticks = frameTicks
	case r.codecs[b.pt] != nil:
		ticks = r.codecs[b.pt].ticks(b.payload)
	}
	if rate := r.rate[b.pt]; ticks > 0 && rate != r.clock.rate {
		r.buffer.Reset() // another clock, another timeline
	}
	if ticks == 0 {
		r.dropped++
		return
	}
	ts = r.clock.convert(ts, r.rate[b.pt])
	if b.back == 0 {
		r.source.timed(now, ts)
	}
	if !r.active {
		return
	}
	p := Packet{Seq: r.header.SequenceNumber - uint16(b.back), PT: b.pt, TS: ts, Ticks: ticks, Payload: b.payload, Copy: b.back > 0}
	verdict := r.buffer.Put(now, p)
	switch {
	case p.Copy && verdict == Accepted:
		r.restored++
	case p.Copy:
	case verdict == Late:
		r.late++
	case verdict != Accepted:
		r.dropped++
	}
}

// press hands a key on.
func (r *receiver) press(key rune) {
	select {
	case r.keys <- key:
	default:
	}
}

// fromPeer reports whether a datagram may be the peer's. Its port may differ from
// the signalled one if a packet came from there first; then it stays.
func (r *receiver) fromPeer(from netip.AddrPort) bool {
	if from.Addr().Unmap() != r.remote {
		return false
	}
	return r.ctx != nil || r.latch == 0 || from.Port() == r.latch || from.Port() == r.port
}

// open decrypts a packet; the result is valid until the next call.
func (r *receiver) open(b []byte) ([]byte, bool) {
	if r.ctx == nil {
		return b, true
	}
	if r.budget == 0 { // RFC 4568, section 6.1: not beyond the key's lifetime
		return nil, false
	}
	b, err := r.ctx.DecryptRTP(r.plain[:], b, &r.header)
	if err != nil {
		return nil, false
	}
	r.budget--
	return b, true
}

// fromSource reports whether a packet belongs to the stream that is heard. Another
// SSRC takes over with two packets in sequence, as RFC 3550, appendix A.1 wants of
// any new source; in the clear only after the old one has fallen silent.
func (r *receiver) fromSource(now time.Time, ssrc uint32, seq uint16) bool {
	if r.source.some && ssrc == r.source.ssrc {
		return true
	}
	if r.source.some {
		if r.ctx == nil && now.Sub(r.heardAt) < takeover {
			return false
		}
		if !r.claiming || r.newSSRC != ssrc || r.newSeq != seq {
			r.claiming, r.newSSRC, r.newSeq = true, ssrc, seq+1
			return false
		}
	}
	r.claiming = false
	r.source.start(ssrc, seq)
	r.digits = digitReceiver{}
	r.lastSR = 0
	r.buffer.Reset()
	return true
}

// control opens a packet of the RTCP socket; nil if it is not the peer's.
func (r *receiver) control(now time.Time, b []byte, from netip.AddrPort) []rtcp.Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	packets := r.openControl(b, from)
	if packets == nil {
		r.rejected++
	} else {
		r.aliveAt = now
	}
	return packets
}

func (r *receiver) openControl(b []byte, from netip.AddrPort) []rtcp.Packet {
	if !r.ready || from.Addr().Unmap() != r.remote {
		return nil
	}
	if r.ctx != nil {
		var err error
		if b, err = r.ctx.DecryptRTCP(r.plain[:0], b, nil); err != nil {
			return nil
		}
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return nil
	}
	return packets
}

// senderReport remembers when the source reported, for its round trip.
func (r *receiver) senderReport(now time.Time, sr *rtcp.SenderReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.source.some && sr.SSRC == r.source.ssrc {
		r.lastSR, r.srAt = uint32(sr.NTPTime>>16), now
	}
}

// report is our view of the source: RFC 3550, section 6.4.1.
func (r *receiver) report(now time.Time) []rtcp.ReceptionReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.source.some {
		return nil
	}
	rr := rtcp.ReceptionReport{
		SSRC:               r.source.ssrc,
		FractionLost:       r.source.fraction(),
		TotalLost:          uint32(min(max(r.source.lost(), 0), 1<<23-1)),
		LastSequenceNumber: r.source.highest,
		Jitter:             uint32(r.source.jitter>>4) * uint32(max(r.clock.rate/clock, 1)),
		LastSenderReport:   r.lastSR,
	}
	if r.lastSR != 0 {
		rr.Delay = uint32(now.Sub(r.srAt) << 16 / time.Second)
	}
	return []rtcp.ReceptionReport{rr}
}

func (r *receiver) stats(now time.Time, st *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st.Received, st.Lost = r.source.received, r.source.lost()
	st.Late, st.Dropped, st.Rejected = r.late, r.dropped, r.rejected
	st.Restored = r.restored
	st.Frames, st.Concealed = r.quality.frames, r.quality.concealed
	st.Jitter = time.Duration(r.source.jitter>>4) * time.Second / clock
	st.Delay = r.delay()
	if r.source.some && r.active {
		st.Silent = now.Sub(r.aliveAt)
	}
}
