package media

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/sip/sdp"
)

// The form of all sound handed in and out: 16-bit linear mono.
const (
	Rate         = 16000                 // samples a second
	Frame        = 20 * time.Millisecond // the usual packet, and the longest step in which sound moves
	FrameSamples = 320                   // samples in a Frame
)

// Errors of this package.
var (
	// ErrNoPorts means that no port pair of the range could be bound.
	ErrNoPorts = errors.New("media: no free RTP port")

	// ErrNoOffer means that Accept was called with no offer outstanding.
	ErrNoOffer = errors.New("media: no offer outstanding")
)

// Policy says whether sound may travel in the clear.
type Policy uint8

const (
	// Required: SRTP or no call. Nothing in the clear is sent or accepted.
	Required Policy = iota

	// Optional: SRTP is offered, and used if the other side does it. Once a call
	// is encrypted it stays so.
	Optional
)

// Redundancy says when each packet repeats the one before (RFC 2198), if the other
// side understands that. It costs the bits of the codec once more, and delay only
// where packets are lost. Asked for by the other side it is given in any case but Never.
type Redundancy uint8

const (
	// OnLoss: while one side reports that packets are lost.
	OnLoss Redundancy = iota

	// Always: from the first packet, and the other side is asked to do so too.
	Always

	// Never: not offered.
	Never
)

// Config is what a Session is made of.
type Config struct {
	Local  netip.Addr   // where sound is received: a specific address of this machine
	Ports  PortRange    // zero: DefaultPorts
	Secure Policy       // the zero value is the strict one
	Codecs []string     // encoding names by preference; nil: DefaultCodecs
	Log    *slog.Logger // nil: nowhere

	// Ptime is how much sound a packet to us shall hold: 10, 20, 30, 40 or 60 ms; 0
	// means 20. The other side's wish rules what we send.
	Ptime time.Duration

	Redundancy Redundancy // the zero value is OnLoss
	VAD        bool       // send comfort noise while nobody speaks (RFC 3389); it is received in any case

	// Listen binds a UDP socket; nil: the operating system's.
	Listen func(netip.AddrPort) (PacketConn, error)
}

// Session is the sound of one call. Offer, Answer and Accept negotiate, Capture and
// Playout move sound (each called by one goroutine at a time, the sound loop); all
// methods may be called at once from different goroutines.
type Session struct {
	cfg       Config
	log       *slog.Logger
	rtp, rtcp PacketConn
	port      uint16
	name      string // CNAME
	digits    chan rune
	readers   sync.WaitGroup
	closing   sync.Once

	neg     negotiation
	send    sender
	recv    receiver
	metrics atomic.Bool // reports on quality are wanted
	reports
}

// New binds a pair of ports and starts to listen. Until something is negotiated
// all that arrives is dropped. The error matches ErrNoPorts when none is free.
func New(cfg Config) (*Session, error) {
	if cfg.Ports == (PortRange{}) {
		cfg.Ports = DefaultPorts
	}
	if cfg.Codecs == nil {
		cfg.Codecs = DefaultCodecs()
	}
	if cfg.Ptime == 0 {
		cfg.Ptime = Frame
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Listen == nil {
		cfg.Listen = listenUDP
	}
	rtp, rtcp, port, err := cfg.Ports.bind(cfg.Local, cfg.Listen)
	if err != nil {
		return nil, err
	}
	s := &Session{
		cfg: cfg, log: cfg.Log,
		rtp: rtp, rtcp: rtcp, port: port,
		name:   rand.Text(),
		digits: make(chan rune, maxDigits),
	}
	s.neg.init(&s.cfg, port)
	s.send.init()
	s.recv.init(s.digits)
	s.readers.Go(func() { s.read(rtp, s.recv.rtpPacket) })
	s.readers.Go(func() { s.read(rtcp, s.rtcpPacket) })
	return s, nil
}

// Port is the UDP port at which RTP is received; RTCP is one above.
func (s *Session) Port() uint16 { return s.port }

// Offer returns an offer: the first, or the next with the state of now. It
// stays outstanding until Accept, or until Answer or another Offer replaces it.
func (s *Session) Offer() ([]byte, error) {
	return s.neg.offer()
}

// Answer takes an offer and returns the answer, which is in force at once. The
// error matches sdp.ErrNotAcceptable (488) or sdp.ErrSyntax (400), and then
// nothing has changed.
func (s *Session) Answer(offer []byte) ([]byte, error) {
	answer, agreed, err := s.neg.answer(offer)
	if err != nil {
		return nil, err
	}
	return answer, s.apply(agreed)
}

// Accept takes the answer to the outstanding offer. It may come again: an early
// one with 183, the final one with 200. The error matches sdp.ErrNotAcceptable,
// sdp.ErrSyntax or ErrNoOffer, and then nothing has changed.
func (s *Session) Accept(answer []byte) error {
	agreed, err := s.neg.accept(answer)
	if err != nil {
		return err
	}
	return s.apply(agreed)
}

// Hold holds the call or retrieves it and returns the offer that tells the other
// side (RFC 3264, section 8.4), outstanding like that of Offer. Whatever becomes of
// it, the microphone is sent no more, or again, from now on.
func (s *Session) Hold(on bool) ([]byte, error) {
	s.send.hold(on)
	return s.neg.hold(on)
}

// Direction is what was agreed, seen from here.
func (s *Session) Direction() sdp.Direction { return s.neg.agreedDirection() }

// apply puts what was agreed in force.
func (s *Session) apply(a agreement) error {
	if err := s.recv.apply(a); err != nil {
		return err
	}
	if err := s.send.apply(a); err != nil {
		return err
	}
	s.metrics.Store(a.metrics)
	s.log.Debug("media agreed", "codec", a.codec.Name, "secure", a.remoteKey != nil,
		"remote", a.remote, "direction", a.direction)
	return nil
}

// Capture takes a step of sound of the microphone, half a Frame or a whole one, whatever
// the length of the packets, and sends those that it fills.
// Until something is negotiated, or while held, it drops it. It also sends the RTCP
// reports that are due; while it is not called, Report does.
func (s *Session) Capture(pcm []int16) {
	now := time.Now()
	s.send.frame(now, pcm, s.rtp)
	s.report(now)
}

// Report sends the RTCP reports that are due. It is for a call that the microphone has
// nothing to do with, because another is spoken to: its far side hears that we are there.
func (s *Session) Report() { s.report(time.Now()) }

// Playout fills a step of sound, half a Frame or a whole one, for the earpiece: what was
// received, concealment where packets are missing, silence when there is nothing.
func (s *Session) Playout(pcm []int16) { s.recv.playout(time.Now(), pcm) }

// SendDigit sends a key of the dial pad (0-9 * # A-D) as RFC 4733 event, after
// those that still wait. It reports whether the key was taken: not if the other
// side does not do events, or too many wait.
func (s *Session) SendDigit(key rune) bool { return s.send.digit(key) }

// ReceiveDigit takes a key that the other side pressed and told by signalling (SIP
// INFO, application/dtmf-relay). Digits delivers it. It reports whether it was a key.
func (s *Session) ReceiveDigit(key rune) bool {
	key, ok := digitOf(key)
	if ok {
		s.recv.press(key)
	}
	return ok
}

// Digits delivers the keys pressed at the other side, each once: those told as events, by
// ReceiveDigit and, where the other side does not do events, by their tones (ITU-T
// Q.23). It is never closed; keys are dropped while nobody takes them.
func (s *Session) Digits() <-chan rune { return s.digits }

// read hands datagrams on until the socket is closed.
func (s *Session) read(conn PacketConn, handle func(time.Time, []byte, netip.AddrPort)) {
	var b [maxPacket + 1]byte
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b[:])
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// What the network told of an earlier packet of ours (port unreachable).
			// It must not spin if it is told again and again.
			s.log.Debug("media socket", "error", err)
			time.Sleep(time.Millisecond)
		case n <= maxPacket:
			handle(time.Now(), b[:n], from)
		}
	}
}

// Close says goodbye by RTCP, closes the sockets and waits for the readers.
func (s *Session) Close() error {
	s.closing.Do(func() {
		s.send.stop()
		s.bye(time.Now())
		s.rtp.Close()
		s.rtcp.Close()
		s.readers.Wait()
	})
	return nil
}
