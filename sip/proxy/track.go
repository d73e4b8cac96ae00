package proxy

import (
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"
)

// track keeps the table of dialogs, and those who watch them, up to date.
func (c *forwarding) track(l *clientLeg, res *sip.Response) {
	p, method, status := c.p, c.tx.Request.Method, res.StatusCode
	if c.in.dialog != nil || tagOf(c.tx.Request.To()) != "" {
		c.within(method, res)
		return
	}
	if !records(method) || !isStranger(l.flow) && !isStranger(c.tx.Flow) {
		return
	}
	tag := tagOf(res.To())
	switch {
	case status == 100:
		p.advance(c.caller, Proceeding, "")
	case status < 200 && tag == "":
		p.advance(c.caller, Proceeding, "")
	case status < 200:
		if d := p.remember(c, l, tag, res); d != nil && !d.settled && !slices.Contains(l.early, d) {
			l.early = append(l.early, d)
		}
		p.advance(c.caller, Early, tag)
		p.advance(l.party, Early, tag)
	case status < 300:
		expires := c.agreed(method, res)
		d := p.remember(c, l, tag, res)
		if d != nil {
			d.settled, d.expires = true, expires
		}
		c.endEarly(l)
		p.advance(c.caller, Confirmed, tag)
		p.advance(l.party, Confirmed, tag)
		p.release(l.party)
		l.party = nil
		p.keepSweeping()
	default:
		c.endEarly(l)
	}
}

// agreed is when the dialog that a 2xx makes is over by itself, if ever.
func (c *forwarding) agreed(method sip.RequestMethod, res *sip.Response) time.Time {
	if method == sip.INVITE {
		return c.session.answer(time.Now(), res)
	}
	n, ok := seconds(res, "Expires")
	if !ok {
		n = 3600
	}
	return time.Now().Add(time.Duration(n)*time.Second + time.Minute) // the last NOTIFY
}

// within sees to the end, or the renewal, of the dialog that the request is in.
func (c *forwarding) within(method sip.RequestMethod, res *sip.Response) {
	d := c.in.dialog
	if res.StatusCode < 200 || d == nil {
		if d == nil && method == sip.INVITE && res.StatusCode >= 200 && res.StatusCode < 300 {
			c.session.answer(time.Now(), res)
		}
		return
	}
	switch success := res.StatusCode < 300; {
	case method == sip.BYE && res.StatusCode != sip.StatusUnauthorized && res.StatusCode != sip.StatusProxyAuthRequired,
		res.StatusCode == sip.StatusCallTransactionDoesNotExists && d.method == sip.INVITE: // RFC 3261, section 12.2.1.2
		c.p.end(d)
	case success && (method == sip.INVITE || method == sip.UPDATE && hasField(res, "Session-Expires")):
		d.expires = c.session.answer(time.Now(), res)
	case success && method == sip.SUBSCRIBE:
		d.expires = c.agreed(method, res)
	}
}

// endEarly ends the early dialogs of a leg and its client's part.
func (c *forwarding) endEarly(l *clientLeg) {
	for _, d := range l.early {
		if !d.settled {
			c.p.end(d)
		}
	}
	l.early = nil
}
