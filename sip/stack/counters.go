package stack

import "sync/atomic"

// Counters is what a stack has met since it began, and what it holds now.
type Counters struct {
	Datagrams uint64 // received on UDP
	Messages  uint64 // received whole and worth something, on any transport

	OverRate   uint64 // datagrams dropped: too many of one source
	OverTotal  uint64 // datagrams dropped: too many of all strangers
	Behind     uint64 // datagrams dropped: the loop had too much to do
	Malformed  uint64 // dropped: no message that could be answered
	Refused    uint64 // requests answered with what was wrong with their form
	Busy       uint64 // requests answered with 503
	Stray      uint64 // responses dropped: nobody had asked
	ReadErrors uint64 // of UDP sockets
	SendErrors uint64 // not sent, or a far side that does not read

	Accepted     uint64 // connections
	TurnedAway   uint64 // connections refused for their rate, number or handshake
	Transactions uint64 // begun, of both kinds

	ServerTransactions, ClientTransactions int // kept now
	Connections, UDPFlows                  int // now
}

// counts is written by readers and the loop; the last line by the loop only.
type counts struct {
	datagrams, messages                                   atomic.Uint64
	overRate, overTotal, behind, malformed, refused, busy atomic.Uint64
	stray, readErrors, sendErrors                         atomic.Uint64
	accepted, turnedAway, transactions                    atomic.Uint64
	serversNow, clientsNow, connectionsNow, udpFlowsNow   atomic.Int64
}

// Counters may be called from anywhere.
func (s *Stack) Counters() Counters {
	c := &s.count
	return Counters{
		Datagrams: c.datagrams.Load(), Messages: c.messages.Load(),
		OverRate: c.overRate.Load(), OverTotal: c.overTotal.Load(), Behind: c.behind.Load(),
		Malformed: c.malformed.Load(), Refused: c.refused.Load(), Busy: c.busy.Load(),
		Stray: c.stray.Load(), ReadErrors: c.readErrors.Load(), SendErrors: c.sendErrors.Load(),
		Accepted: c.accepted.Load(), TurnedAway: c.turnedAway.Load(), Transactions: c.transactions.Load(),
		ServerTransactions: int(c.serversNow.Load()), ClientTransactions: int(c.clientsNow.Load()),
		Connections: int(c.connectionsNow.Load()), UDPFlows: int(c.udpFlowsNow.Load()),
	}
}
