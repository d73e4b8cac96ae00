package firmware

import (
	"context"
	"math"
	"strings"
	"time"

	"chordophone/firmware/phone"
	"chordophone/firmware/phone/selftest"
	"chordophone/hal"
)

// Findings implements hal.Inspector: what the body has noticed to be wrong with itself.
func (h *hardware) Findings() []hal.Finding {
	all := h.audio.Findings()
	if i, ok := h.panel.(hal.Inspector); ok {
		all = append(all, i.Findings()...)
	}
	return all
}

// parts are what a self-test looks at.
func (h *hardware) parts() []selftest.Part { return selftest.Of(h.board, h.Findings()) }

// The body is asked how it is every bodyEvery, for a telephone at rest is not to be woken
// often, and every mendEvery as long as something is wrong.
const (
	bodyEvery = 10 * time.Second
	mendEvery = time.Second
)

// watchBody tells the telephone what is wrong with its body whenever that changes, until
// ctx is cancelled.
func (a *appliance) watchBody(ctx context.Context) error {
	for told := ""; ; {
		text, wait := shortly(a.body.Findings()), bodyEvery
		if text != told {
			told = text
			a.events.tell(phone.Trouble{Text: text})
		}
		if text != "" {
			wait = mendEvery
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// shortly is what of the findings fits on the display.
func shortly(findings []hal.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	switch word, _, _ := strings.Cut(findings[0].Word, " "); word {
	case "audio":
		return "no sound"
	case "chip":
		return "no keys, no lamps"
	default:
		return "fault: " + word
	}
}

// partEvents tells the telephone what there is to test.
func partEvents(parts []selftest.Part) []phone.Event {
	var all []phone.Event
	for _, p := range parts {
		all = append(all, phone.Part{Kind: string(p.Kind), Name: p.Name, Word: p.Word, Problem: p.Problem})
	}
	return append(all, phone.Begin{})
}

// heard is how a call with somebody sounded, in the words of the telephone.
func heard(peer string, s hal.Sound) phone.Heard {
	loss := 0.0
	if all := float64(s.Received) + float64(s.Lost); s.Lost > 0 {
		loss = 1000 * float64(s.Lost) / all
	}
	round := func(f float64) int { return int(math.Round(f)) }
	return phone.Heard{
		Peer: peer, Codec: s.Codec, MOS: round(100 * s.MOSCQ), Loss: round(loss), Delay: round(s.DelayMS), Jitter: round(s.JitterMS),
	}
}

// pastCalls are the last calls of the log for the telephone's menu, the oldest first.
func (a *appliance) pastCalls() []phone.Event {
	log, err := a.db.Calls(maxPast)
	if err != nil {
		a.log.Warn("call log not read", "err", err)
	}
	var all []phone.Event
	for i := range log {
		c := log[len(log)-1-i]
		one := phone.Past{Number: c.Number, Name: c.Name, Way: phone.Out}
		switch {
		case c.Incoming && c.Duration == 0:
			one.Way = phone.Missed
		case c.Incoming:
			one.Way = phone.In
		}
		all = append(all, one)
	}
	return all
}

// maxPast is how many the menu shows.
const maxPast = 10
