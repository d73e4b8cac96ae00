package media

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"chordophone/sip/sdp"
)

// agreement is the outcome of an offer and its answer, seen from here.
type agreement struct {
	remote, remoteRTCP netip.AddrPort
	direction          sdp.Direction
	codec              sdp.Codec   // to send, under the payload type that the other side wants
	ptime              int         // samples in a packet to send
	event              sdp.Codec   // telephone-event to send; Name empty if not agreed
	red                sdp.Codec   // redundancy to send, likewise
	redFirst           bool        // it was named before the codec: wanted always
	noise              sdp.Codec   // comfort noise to send, likewise
	vad                bool        // and it is sent
	metrics            bool        // reports on quality are wanted
	receive            []sdp.Codec // what may come, under our payload types
	localKey           *sdp.Crypto // nil: in the clear
	remoteKey          *sdp.Crypto
}

// negotiation is the offer/answer state of a session (RFC 3264).
type negotiation struct {
	mu        sync.Mutex
	cfg       *Config
	port      uint16
	id        uint64
	direction sdp.Direction   // wished
	cryptos   []sdp.Crypto    // our keys; one remains once a suite is agreed
	last      sdp.Description // what we said last; no media before the first time
	offered   bool            // last is an offer that may be answered
	secure    bool            // was agreed once, so must remain
	agreed    sdp.Direction
}

func (n *negotiation) init(cfg *Config, port uint16) {
	var id [8]byte
	rand.Read(id[:])
	n.cfg, n.port = cfg, port
	n.id = binary.BigEndian.Uint64(id[:]) >> 2 // some peers read it as a signed number
	n.cryptos = []sdp.Crypto{
		sdp.NewCrypto(1, sdp.AESCM128HMACSHA180),
		sdp.NewCrypto(2, sdp.AEADAES128GCM),
	}
	n.agreed = sdp.Inactive
}

// hold wishes sound to flow our way no more, or again, and offers that.
func (n *negotiation) hold(on bool) ([]byte, error) {
	n.mu.Lock()
	n.direction = sdp.SendRecv
	if on {
		n.direction = sdp.SendOnly
	}
	n.mu.Unlock()
	return n.offer()
}

func (n *negotiation) agreedDirection() sdp.Direction {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.agreed
}

// local is what we would offer now, as one stream.
func (n *negotiation) local() sdp.Description {
	m := sdp.Media{
		Kind: "audio", Protocol: sdp.AVP,
		Addr: n.cfg.Local, Port: n.port, RTCPPort: n.port + 1,
		Ptime: n.cfg.Ptime, MaxPtime: maxReceived, Direction: n.direction,
		Cryptos: n.cryptos, VoIPMetrics: true,
	}
	if n.cfg.Secure == Required || n.secure {
		m.Protocol = sdp.SAVP
	}
	m.Codecs = n.codecs()
	return sdp.Description{
		Origin: sdp.Origin{ID: n.id, Version: n.last.Origin.Version, Addr: n.cfg.Local},
		Media:  []sdp.Media{m},
	}
}

// codecs are those that we offer, the best first, and what goes with them.
func (n *negotiation) codecs() []sdp.Codec {
	var list []sdp.Codec
	wide := false
	for _, name := range n.cfg.Codecs {
		if k, ok := codecKind(name); ok {
			list = append(list, k.sdp)
			wide = wide || k.sdp.Rate != clock
		}
	}
	red := sdp.Codec{PT: 121, Name: sdp.Redundancy, Rate: clock}
	switch n.cfg.Redundancy {
	case Always:
		list = slices.Insert(list, 0, red)
	case OnLoss:
		list = append(list, red)
	}
	list = append(list,
		sdp.Codec{PT: 13, Name: sdp.ComfortNoise, Rate: clock},
		sdp.Codec{PT: 101, Name: sdp.TelephoneEvent, Rate: clock, Fmtp: "0-15"})
	if wide { // RFC 4733, section 2.1: events have the clock of the sound that they interrupt
		list = append(list, sdp.Codec{PT: 102, Name: sdp.TelephoneEvent, Rate: 48000, Fmtp: "0-15"})
	}
	n.keepTypes(list)
	return sdp.Redundant(list)
}

// keepTypes gives the codecs the payload types that they have had in this session: "the
// mapping from a particular dynamic payload type number to a particular codec within
// that media stream MUST NOT change" (RFC 3264, section 8.3.2).
func (n *negotiation) keepTypes(list []sdp.Codec) {
	at := n.last.Audio()
	if at < 0 {
		return
	}
	var taken [128]bool
	said := n.last.Media[at].Codecs
	for _, c := range said {
		taken[c.PT] = true
	}
	for i := range list {
		c := &list[i]
		if j := slices.IndexFunc(said, c.Is); j >= 0 {
			c.PT = said[j].PT
			continue
		}
		for taken[c.PT] && c.PT < 127 {
			c.PT = max(c.PT+1, 96) // the dynamic ones: RFC 3551, section 3
		}
		taken[c.PT] = true
	}
}

// say makes d the last thing said. Its version rises if it differs from the one
// before: RFC 3264, section 8.
func (n *negotiation) say(d sdp.Description) []byte {
	if b := d.Bytes(); n.last.Media != nil && bytes.Equal(b, n.last.Bytes()) {
		return b
	}
	d.Origin.Version++
	n.last = d
	return d.Bytes()
}

func (n *negotiation) offer() ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.local()
	if n.direction == sdp.SendOnly && n.last.Media != nil && !n.agreed.Sends() {
		d.Media[0].Direction = sdp.Inactive // held by both: RFC 3264, section 8.4
	}
	// A stream never leaves its place: RFC 3264, section 8.
	if at := n.last.Audio(); at >= 0 {
		own := d.Media[0]
		d.Media = make([]sdp.Media, len(n.last.Media))
		for i, m := range n.last.Media {
			d.Media[i] = m.Refused()
		}
		d.Media[at] = own
	}
	n.offered = true
	return n.say(d), nil
}

func (n *negotiation) answer(b []byte) ([]byte, agreement, error) {
	offer, err := sdp.Parse(b)
	if err != nil {
		return nil, agreement{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	answer, err := sdp.Answer(offer, n.local())
	if err != nil {
		return nil, agreement{}, err
	}
	at := answer.Audio()
	a, err := agree(answer.Media[at], offer.Media[at])
	if err != nil {
		return nil, agreement{}, err
	}
	n.offered = false
	n.commit(&a)
	return n.say(answer), a, nil
}

func (n *negotiation) accept(b []byte) (agreement, error) {
	answer, err := sdp.Parse(b)
	if err != nil {
		return agreement{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.offered {
		return agreement{}, ErrNoOffer
	}
	if err := sdp.Check(n.last, answer); err != nil {
		return agreement{}, err
	}
	at := answer.Audio()
	a, err := agree(n.last.Media[at], answer.Media[at])
	if err != nil {
		return agreement{}, err
	}
	switch {
	case a.localKey == nil && (n.secure || n.cfg.Secure == Required):
		return agreement{}, fmt.Errorf("%w: unencrypted audio refused", sdp.ErrNotAcceptable)
	case n.secure && !bytes.Equal(a.localKey.Key, n.cryptos[0].Key):
		return agreement{}, fmt.Errorf("%w: another crypto-suite than before", sdp.ErrNotAcceptable)
	}
	n.commit(&a)
	return a, nil
}

// commit remembers what later rounds must keep to. One suite, one key for the
// life of the session: the SRTP context of what we send must never start again
// under a key that it has used (RFC 3711, section 9.1).
func (n *negotiation) commit(a *agreement) {
	a.vad = n.cfg.VAD && a.noise.Name != "" && a.codec.Rate == a.noise.Rate
	n.agreed = a.direction
	if a.localKey != nil {
		n.secure = true
		n.cryptos = []sdp.Crypto{*a.localKey}
	}
}

// agree reads the outcome from what both sides said about the stream.
func agree(local, remote sdp.Media) (agreement, error) {
	a := agreement{
		remote:     netip.AddrPortFrom(remote.Addr, remote.Port),
		remoteRTCP: netip.AddrPortFrom(remote.Addr, remote.RTCPPort),
		direction:  both(local.Direction, remote.Direction),
		receive:    local.Codecs,
	}
	for _, c := range remote.Codecs { // the first that both know is the one to send
		i := slices.IndexFunc(local.Codecs, c.Is)
		if i < 0 {
			continue
		}
		switch c.Name = local.Codecs[i].Name; {
		case c.Sound():
			if a.codec.Name == "" {
				a.codec = c
			}
		case c.Name == sdp.Redundancy:
			a.red, a.redFirst = c, a.codec.Name == ""
		case c.Name == sdp.ComfortNoise:
			a.noise = c
		}
	}
	if a.codec.Name == "" {
		return a, fmt.Errorf("%w: no codec in common", sdp.ErrNotAcceptable)
	}
	a.event = events(remote.Codecs, a.codec.Rate)
	a.ptime = packetTime(a.codec.Name, local, remote)
	a.metrics = local.VoIPMetrics && remote.VoIPMetrics
	if l, r, ok := sdp.Keys(local, remote); ok {
		if bytes.Equal(l.Key, r.Key) { // a reflected key: RFC 4568, section 6.1
			return a, fmt.Errorf("%w: both sides have the same SRTP key", sdp.ErrNotAcceptable)
		}
		a.localKey, a.remoteKey = &l, &r
	}
	return a, nil
}

// events chooses the form of keys pressed whose clock is that of the sound, else of
// any form: some clients write one clock and use another.
func events(codecs []sdp.Codec, rate int) (found sdp.Codec) {
	for _, c := range codecs {
		if c.Is(sdp.Codec{Name: sdp.TelephoneEvent, Rate: c.Rate}) && (c.Rate == clock || c.Rate == 48000) &&
			(found.Name == "" || c.Rate == rate) {
			found = c
		}
	}
	return found
}

// maxReceived is the longest packet that we want, though we take longer ones.
const maxReceived = 60 * time.Millisecond

// packetTime is how many samples a packet to the other side has: the time that it
// wishes (RFC 8866, section 6.4), else ours, as near as the codec can and no longer
// than it takes.
func packetTime(codec string, local, remote sdp.Media) int {
	want := remote.Ptime
	if want == 0 {
		want = local.Ptime
	}
	if remote.MaxPtime > 0 {
		want = min(want, remote.MaxPtime)
	}
	best := 10 * time.Millisecond
	for _, t := range []time.Duration{20 * time.Millisecond, 30 * time.Millisecond, 40 * time.Millisecond, 60 * time.Millisecond} {
		if t <= want && (codec != "opus" || t != 30*time.Millisecond) {
			best = t
		}
	}
	return int(best * Rate / time.Second)
}

// both is what flows when each side has said its direction.
func both(local, remote sdp.Direction) sdp.Direction {
	send := local.Sends() && remote.Receives()
	recv := local.Receives() && remote.Sends()
	switch {
	case send && recv:
		return sdp.SendRecv
	case send:
		return sdp.SendOnly
	case recv:
		return sdp.RecvOnly
	}
	return sdp.Inactive
}
