package sip

import (
	"net/netip"
	"strconv"
	"time"

	"chordophone/tools/bench/report"
)

// exchanges is what a capture says of one client's requests. // RFC 6076 has the terms
type exchanges struct {
	// times are from the first sending of a request to the first arrival of each
	// status, by "METHOD STATUS".
	times map[string]report.Sample
	// early counts calls whose 200 came before, or without, their 180.
	early int
	// finals counts INVITE by their final status, 0: none.
	finals map[int]int
	// curt counts 503 without Retry-After.
	curt int

	own    netip.Addr
	asked  map[transactionID]time.Time
	seen   map[arrival]bool
	orders map[string]*callOrder
}

type transactionID struct{ callID, method string }

type arrival struct {
	transactionID
	status int
}

type callOrder struct {
	ringing bool
	final   int
}

func newExchanges(own netip.Addr) *exchanges {
	return &exchanges{
		own: own, times: map[string]report.Sample{}, finals: map[int]int{},
		asked: map[transactionID]time.Time{}, seen: map[arrival]bool{}, orders: map[string]*callOrder{},
	}
}

// packet takes the next datagram of the capture.
func (x *exchanges) packet(p packet) {
	if p.from.Addr() != x.own && p.to.Addr() != x.own {
		return
	}
	m, ok := parseMessage(p.payload)
	if !ok {
		return
	}
	id := transactionID{m.callID, m.method}
	if m.status == 0 {
		if _, again := x.asked[id]; again || p.from.Addr() != x.own {
			return
		}
		x.asked[id] = p.at
		if m.method == "INVITE" {
			x.orders[m.callID] = new(callOrder)
		}
		return
	}
	start, known := x.asked[id]
	a := arrival{id, m.status}
	if !known || p.to.Addr() != x.own || x.seen[a] {
		return
	}
	x.seen[a] = true
	key := m.method + " " + strconv.Itoa(m.status)
	x.times[key] = append(x.times[key], p.at.Sub(start))
	if m.method != "INVITE" {
		return
	}
	switch c := x.orders[m.callID]; {
	case m.status == 180:
		c.ringing = true
	case m.status >= 200 && c.final == 0:
		c.final = m.status
		if m.status == 200 && !c.ringing {
			x.early++
		}
		if m.status == 503 && m.field("retry-after") == "" {
			x.curt++
		}
	}
}

// end counts what never came.
func (x *exchanges) end() *exchanges {
	for _, c := range x.orders {
		x.finals[c.final]++
	}
	return x
}
