package network

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
)

// Multicast DNS. // RFC 6762, section 3
const mdnsPort = 5353

var mdnsGroup = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}

const (
	nameTTL   = 120 // seconds, of a host's address; RFC 6762, section 10
	legacyTTL = 10  // "SHOULD NOT be greater than ten seconds"; section 6.7
	flush     = 1 << 15
	nameEvery = time.Second // "MUST NOT [...] multicast a record on a given interface until at least one second has elapsed"; section 6
	nameLook  = 5 * time.Second
)

// namer answers to the machine's name: NAME.local, by multicast DNS. The name is that
// of the kernel, which process 1 has from the telephone: its extension is in it, of
// which an office has only one, and so nobody is asked whether the name is free.
type namer struct {
	conn *ipv4.PacketConn

	mu     sync.Mutex           // guards what follows
	addrs  map[int][]netip.Addr // by interface
	joined map[int]bool
	said   map[int]time.Time
	again  map[int]string // what was announced last, to see that it has changed
}

// openNamer opens the socket, which it shares with others of this machine.
func openNamer() (*namer, error) {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(context.Background(), "udp4", mdnsGroup.String())
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(c)
	for _, err := range []error{p.SetControlMessage(ipv4.FlagInterface, true), p.SetMulticastTTL(255), p.SetMulticastLoopback(true)} {
		if err != nil {
			c.Close()
			return nil, err
		}
	}
	return &namer{conn: p, addrs: map[int][]netip.Addr{}, joined: map[int]bool{}, said: map[int]time.Time{}, again: map[int]string{}}, nil
}

// set says what addresses an interface has, in order.
func (n *namer) set(index int, addrs []netip.Addr) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs[index] = addrs
	if len(addrs) > 0 && !n.joined[index] {
		n.joined[index] = n.conn.JoinGroup(&net.Interface{Index: index}, &net.UDPAddr{IP: mdnsGroup.IP}) == nil
	}
}

// run answers until ctx is done.
func (n *namer) run(ctx context.Context) error {
	if n == nil {
		return nil
	}
	var ear sync.WaitGroup
	ear.Go(n.hear)
	tick := time.NewTicker(nameLook)
	defer tick.Stop()
	for {
		n.announce()
		select {
		case <-ctx.Done():
			n.conn.Close()
			ear.Wait()
			return nil
		case <-tick.C:
		}
	}
}

// hear answers questions until the socket is closed.
func (n *namer) hear() {
	b := make([]byte, maxDatagram)
	for {
		size, control, from, err := n.conn.ReadFrom(b)
		if err != nil {
			if again(err) {
				continue
			}
			return
		}
		at, ok := from.(*net.UDPAddr)
		name := hostName()
		if !ok || control == nil || name == "" {
			continue
		}
		legacy := at.Port != mdnsPort
		n.mu.Lock()
		index := control.IfIndex
		answer := answerTo(b[:size], name, n.addrs[index], legacy)
		if answer != nil && time.Since(n.said[index]) >= nameEvery {
			n.said[index] = time.Now()
			to := net.Addr(mdnsGroup)
			if legacy {
				to = from
			}
			n.send(index, answer, to)
		}
		n.mu.Unlock()
	}
}

// send is called with mu held. What is lost is asked for again.
func (n *namer) send(index int, packet []byte, to net.Addr) {
	n.conn.WriteTo(packet, &ipv4.ControlMessage{IfIndex: index}, to)
}

// announce says what has changed since the last time, unasked. // RFC 6762, section 8.3
func (n *namer) announce() {
	name := hostName()
	if name == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for index, addrs := range n.addrs {
		packet := announcement(name, addrs)
		if packet == nil || n.again[index] == string(packet) {
			continue
		}
		n.again[index] = string(packet)
		n.send(index, packet, mdnsGroup)
	}
}

// hostName is the machine's name, "" as long as it has none.
func hostName() string {
	name, err := os.Hostname()
	if err != nil || !strings.HasPrefix(name, "chordophone-") || len(name) > 63 {
		return ""
	}
	return name
}

func localName(host string) (dnsmessage.Name, error) {
	return dnsmessage.NewName(host + ".local.")
}

// announcement is an answer that nobody has asked for; nil: there is nothing to say.
func announcement(host string, addrs []netip.Addr) []byte {
	name, err := localName(host)
	if err != nil || len(addrs) == 0 {
		return nil
	}
	return pack(dnsmessage.Message{
		Header:  dnsmessage.Header{Response: true, Authoritative: true},
		Answers: records(name, addrs, nameTTL, dnsmessage.ClassINET|flush),
	})
}

// answerTo is the answer to a packet; nil: it does not ask for the machine. legacy is a
// question of one who knows nothing of multicast DNS. // RFC 6762, section 6.7
func answerTo(packet []byte, host string, addrs []netip.Addr, legacy bool) []byte {
	name, err := localName(host)
	if err != nil || len(addrs) == 0 {
		return nil
	}
	var p dnsmessage.Parser
	head, err := p.Start(packet)
	if err != nil || head.Response || head.OpCode != 0 {
		return nil
	}
	for {
		q, err := p.Question()
		if err != nil {
			return nil
		}
		if q.Class&^flush != dnsmessage.ClassINET || q.Type != dnsmessage.TypeA && q.Type != dnsmessage.TypeALL ||
			!strings.EqualFold(q.Name.String(), name.String()) {
			continue
		}
		if !legacy {
			return announcement(host, addrs)
		}
		return pack(dnsmessage.Message{
			Header:    dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true},
			Questions: []dnsmessage.Question{q},
			Answers:   records(q.Name, addrs, legacyTTL, dnsmessage.ClassINET),
		})
	}
}

func records(name dnsmessage.Name, addrs []netip.Addr, ttl uint32, class dnsmessage.Class) (all []dnsmessage.Resource) {
	for _, a := range addrs {
		all = append(all, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Type: dnsmessage.TypeA, Class: class, TTL: ttl},
			Body:   &dnsmessage.AResource{A: a.As4()},
		})
	}
	return all
}

func pack(m dnsmessage.Message) []byte {
	b, err := m.Pack()
	if err != nil {
		panic("BUG: network: " + err.Error())
	}
	return b
}
