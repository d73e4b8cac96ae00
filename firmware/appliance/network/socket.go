package network

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/network/arp"
	"chordophone/firmware/appliance/network/lease"
)

var everybody = [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// sockets are what one interface is spoken to through.
type sockets struct {
	index int
	own   arp.Hardware
	arp   *os.File
	out   *os.File // datagrams to everybody
	dhcp  *net.UDPConn
}

// openSockets opens the sockets of an interface.
func openSockets(i net.Interface) (s *sockets, err error) {
	s = &sockets{index: i.Index, own: arp.Hardware(i.HardwareAddr)}
	defer func() {
		if err != nil {
			s.close()
			err = fmt.Errorf("%s: %w", i.Name, err)
		}
	}()
	if s.arp, err = packets(i.Index, unix.ETH_P_ARP); err != nil {
		return nil, err
	}
	if s.out, err = packets(i.Index, 0); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		control := raw.Control(func(fd uintptr) {
			if err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
				err = unix.BindToDevice(int(fd), i.Name)
			}
		})
		if control != nil {
			return control
		}
		return err
	}}
	c, err := config.ListenPacket(context.Background(), "udp4", fmt.Sprintf("0.0.0.0:%d", clientPort))
	if err != nil {
		return nil, err
	}
	s.dhcp = c.(*net.UDPConn)
	return s, nil
}

// packets is a socket for the packets of one protocol on an interface; protocol 0 hears
// none.
func packets(index, protocol int) (*os.File, error) {
	network := int(uint16(protocol)<<8 | uint16(protocol)>>8)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, network)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(network), Ifindex: index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	return os.NewFile(uintptr(fd), "packets"), nil
}

func (s *sockets) close() {
	if s.arp != nil {
		s.arp.Close()
	}
	if s.out != nil {
		s.out.Close()
	}
	if s.dhcp != nil {
		s.dhcp.Close()
	}
}

// broadcast sends a packet of a protocol to everybody on the link.
func (s *sockets) broadcast(f *os.File, protocol int, packet []byte) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	to := &unix.SockaddrLinklayer{
		Protocol: uint16(protocol)<<8 | uint16(protocol)>>8, Ifindex: s.index, Halen: 6, Addr: everybody,
	}
	control := raw.Control(func(fd uintptr) { err = unix.Sendto(int(fd), packet, unix.MSG_DONTWAIT, to) })
	if control != nil {
		return control
	}
	return err
}

// say sends an ARP packet.
func (s *sockets) say(p arp.Packet) error {
	return s.broadcast(s.arp, unix.ETH_P_ARP, p.Append(nil))
}

// send sends a message to a DHCP server, or to all of them.
func (s *sockets) send(m lease.Message, host string) error {
	b, err := encode(m, s.own, host)
	if err != nil {
		return err
	}
	if m.To.IsValid() {
		_, err = s.dhcp.WriteTo(b, &net.UDPAddr{IP: m.To.AsSlice(), Port: serverPort})
		return err
	}
	return s.broadcast(s.out, unix.ETH_P_IP, datagram(b))
}

// hearARP passes on what is heard, until the sockets are closed.
func (s *sockets) hearARP(heard func(arp.Packet)) {
	b := make([]byte, maxDatagram)
	for {
		n, err := s.arp.Read(b)
		if err != nil {
			if again(err) {
				continue
			}
			return
		}
		if p, err := arp.Parse(b[:n]); err == nil {
			heard(p)
		}
	}
}

// hearDHCP passes on what servers say, until the sockets are closed.
func (s *sockets) hearDHCP(heard func(lease.Message)) {
	b := make([]byte, maxDatagram)
	for {
		n, err := s.dhcp.Read(b)
		if err != nil {
			if again(err) {
				continue
			}
			return
		}
		if m, err := decode(b[:n], s.own); err == nil {
			heard(m)
		}
	}
}
