package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chordophone/hal"
	"chordophone/tools/bench/report"
	"chordophone/tools/bench/telephone"
)

// overload offers every target far more than it can do, and sees what it costs, what
// becomes of the calls, and whether a telephone call of its own suffers.
func (c *campaign) overload(ctx context.Context) error {
	stop, err := c.sipp.callee("callee_rings.xml")
	if err != nil {
		return err
	}
	defer stop()
	return c.each(ctx, StageOverload, func(ctx context.Context, t *target) error {
		talking := len(t.phones) == 2
		f, detail := c.of(t), map[string]any{}
		if talking {
			calm := streams{}
			wire, err := startCapture(ctx, c.host, c.file("calm", t), rtpFilter)
			if err != nil {
				return err
			}
			if err := talk(ctx, t.phones); err != nil {
				return err
			}
			time.Sleep(time.Duration(c.scale.Overload) * time.Second)
			heard, err := hangUp(ctx, t.phones)
			if err := errors.Join(err, wire.read(ctx, calm.packet)); err != nil {
				return err
			}
			q := calm.quality()
			f.add("calm.rtp.gap", q.GapP99)
			f.add("calm.concealed", concealed(heard))
			detail["calm call"], detail["calm call, heard"] = q, heard
			if err := talk(ctx, t.phones); err != nil {
				return err
			}
		}
		wire, err := startCapture(ctx, c.host, c.file("overload", t), "udp port 5060 or "+rtpFilter)
		if err != nil {
			return err
		}
		peak := t.peak()
		r, err := c.sipp.calls(ctx, t.entry, overloadRate, overloadRate*c.scale.Overload, hold)
		most := peak()
		caller, voice := newExchanges(callerAddr), streams{}
		rerr := wire.read(ctx, func(p packet) {
			if p.from.Port() == sipPort || p.to.Port() == sipPort {
				caller.packet(p)
			} else {
				voice.packet(p)
			}
		})
		if rerr != nil {
			c.notes = append(c.notes, fmt.Sprintf("%s, overload: %v", t.name, rerr))
		}
		if err != nil {
			return err
		}
		caller.end()
		f.add("overload.rss", megabytes(most.RSS))
		f.add("overload.pss", megabytes(most.PSS))
		f.add("overload.done", float64(caller.finals[200]))
		f.add("overload.refused", float64(caller.finals[503]))
		f.add("overload.silent", float64(caller.finals[0]))
		f.add("overload.curt", float64(caller.curt))
		detail["calls"], detail["finals"], detail["memory"] = r, caller.finals, most
		if talking {
			heard, err := hangUp(ctx, t.phones)
			if err != nil {
				return err
			}
			q := voice.quality()
			f.add("overload.rtp.streams", float64(q.Streams))
			f.add("overload.rtp.missing", float64(q.Missing))
			f.add("overload.rtp.gap", q.GapP99)
			f.add("overload.rtp.gapmax", q.GapMax)
			f.add("overload.concealed", concealed(heard))
			detail["call"], detail["call, heard"] = q, heard
		}
		c.remember(t, StageOverload, detail)
		c.say("%s: %s: finals %v, peak RSS %.0f MB", t.name, StageOverload, caller.finals, megabytes(most.RSS))
		return nil
	})
}

// concealed is the share of frames that a phone had to make up, in percent, at the one
// that heard worse.
func concealed(heard []hal.Sound) (worst float64) {
	for _, s := range heard {
		worst = max(worst, report.Percent(int(s.Concealed), int(s.Received+s.Concealed)))
	}
	return worst
}

// rtpFilter lets the phones' RTP and RTCP through.
const rtpFilter = "udp portrange 16384-16883"

// talk lets the first phone call the second.
func talk(ctx context.Context, phones []*telephone.Phone) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := phones[0].Dial("102"); err != nil {
		return err
	}
	if err := phones[1].Answer(ctx); err != nil {
		return err
	}
	return phones[0].Connected(ctx)
}

// hangUp ends the call at both at once and returns what they heard.
func hangUp(ctx context.Context, phones []*telephone.Phone) (heard []hal.Sound, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for _, p := range phones {
		err = errors.Join(err, p.HangUp())
	}
	for _, p := range phones {
		s, herr := p.Heard(ctx)
		heard, err = append(heard, s), errors.Join(err, herr)
	}
	return heard, err
}
