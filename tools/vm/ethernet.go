package main

import (
	"fmt"
	"net"
	"sync"
)

// ethernet is a switch with sockets for QEMU's dgram network: it learns who is where,
// so that QEMU's user network, which takes every frame for its own, sees only what is
// meant for it. // IEEE 802.1D, section 7.8
type ethernet struct {
	sockets []*net.UDPConn
	peers   []*net.UDPAddr // where QEMU's ends are

	mu    sync.Mutex
	where map[[6]byte]int // socket by address; bounded by maxLearned
}

// maxLearned is how many addresses are learnt; frames for others go everywhere.
const maxLearned = 1024

// newEthernet makes a switch with n sockets. It works until close.
func newEthernet(n int) (*ethernet, error) {
	e := &ethernet{where: map[[6]byte]int{}}
	for range n {
		own, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			e.close()
			return nil, err
		}
		e.sockets = append(e.sockets, own)
		far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			e.close()
			return nil, err
		}
		e.peers = append(e.peers, far.LocalAddr().(*net.UDPAddr))
		far.Close() // QEMU takes the port
	}
	for i := range n {
		go e.serve(i)
	}
	return e, nil
}

func (e *ethernet) close() {
	for _, s := range e.sockets {
		s.Close()
	}
}

// plug is QEMU's word for what is plugged into a socket.
func (e *ethernet) plug(socket int, id string) string {
	return fmt.Sprintf("dgram,id=%s,local.type=inet,local.host=127.0.0.1,local.port=%d,remote.type=inet,remote.host=127.0.0.1,remote.port=%d",
		id, e.peers[socket].Port, e.sockets[socket].LocalAddr().(*net.UDPAddr).Port)
}

// serve forwards what comes from a socket until it is closed.
func (e *ethernet) serve(socket int) {
	b := make([]byte, 1<<16)
	for {
		n, _, err := e.sockets[socket].ReadFromUDP(b)
		if err != nil {
			return
		}
		for _, to := range e.route(socket, b[:n]) {
			e.sockets[to].WriteToUDP(b[:n], e.peers[to]) // a network may lose
		}
	}
}

// route learns where a frame's sender is and returns where the frame goes.
func (e *ethernet) route(from int, frame []byte) (to []int) {
	if len(frame) < 14 {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var destination, source [6]byte
	copy(destination[:], frame)
	copy(source[:], frame[6:])
	if len(e.where) < maxLearned && source[0]&1 == 0 {
		e.where[source] = from
	}
	if s, ok := e.where[destination]; ok && destination[0]&1 == 0 {
		if s == from {
			return nil
		}
		return []int{s}
	}
	for i := range e.sockets {
		if i != from {
			to = append(to, i)
		}
	}
	return to
}
