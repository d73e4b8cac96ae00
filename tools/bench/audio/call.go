package audio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chordophone/hal"
	"chordophone/hal/pcm"
	"chordophone/tools/bench/procs"
)

// stream is what one direction of one call was measured to be.
type stream struct {
	Link  string  `json:"link"`
	From  string  `json:"from"`
	To    string  `json:"to"`
	Seed  uint64  `json:"seed"`
	Delay float64 `json:"delay_ms"` // -1: not known
	Clear float64 `json:"estoi"`

	Silent    float64 `json:"silent_percent"`
	Concealed float64 `json:"concealed_percent"` // as its hearer says; -1: it does not
	Lost      float64 `json:"lost_percent"`      // by the link
	MOS       float64 `json:"mos"`
	Back      float64 `json:"delay_after_ms,omitempty"` // 10 s after the link has become clean
	Pieces    int     `json:"pieces"`                   // of sound that were found again
	XRuns     int     `json:"xruns,omitempty"`          // of the peer's sound card
}

// party is one end of a call that is measured.
type party interface {
	program() string
	process() *procs.Process
	// begin lets its mouth say what it was told to and its ear listen, and returns when that
	// began.
	begin(ctx context.Context) (time.Time, error)
	// end stops that and returns what was heard.
	end(ctx context.Context) (heard []int16, xruns int, err error)
	said() []int16
	// hangUp ends the call and returns the share of the frames that it made up, in
	// percent; -1 if it does not tell.
	hangUp(ctx context.Context) (concealed float64, err error)
}

// our is one of our phones in a call.
type our struct {
	*phone
	speech []int16
	stop   context.CancelFunc
	spoken chan error
}

func (o *our) program() string         { return o.name }
func (o *our) process() *procs.Process { return o.Process }
func (o *our) said() []int16           { return o.speech }

func (o *our) begin(ctx context.Context) (time.Time, error) {
	start := time.Now()
	ctx, o.stop = context.WithCancel(ctx)
	o.spoken = make(chan error, 1)
	o.handset.listen(start)
	go func() { o.spoken <- o.handset.speak(ctx, start, o.speech) }()
	return start, nil
}

func (o *our) end(context.Context) ([]int16, int, error) {
	o.stop()
	return o.handset.take(), 0, <-o.spoken
}

func (o *our) hangUp(ctx context.Context) (float64, error) {
	if err := o.HangUp(); err != nil {
		return 0, err
	}
	s, err := o.Heard(ctx)
	return 100 * s.Ratio, err
}

// peer is a baresip in a call.
type peer struct {
	*baresip
	card   *soundCard
	speech []int16
	sound  *end
}

func (p *peer) program() string         { return baresipName }
func (p *peer) process() *procs.Process { return p.Process }
func (p *peer) said() []int16           { return p.speech }

// attach gives it a mouth and an ear.
func (p *peer) attach(ctx context.Context) (err error) {
	narrow := pcm.Resample(p.speech, hal.Rate, jackRate)
	narrow = append(narrow, make([]int16, jackRate*longest/time.Second)...) // then it still listens
	p.sound, err = p.card.attach(ctx, p.name, narrow)
	return err
}

func (p *peer) begin(ctx context.Context) (time.Time, error) { return p.sound.begin(ctx) }

func (p *peer) end(ctx context.Context) ([]int16, int, error) { return p.sound.heard(ctx) }

func (p *peer) hangUp(context.Context) (float64, error) {
	return -1, p.do("hangup", "")
}

// settle is how long a call is on before it is measured.
const settle = 1500 * time.Millisecond

// longest is the longest delay that is looked for.
const longest = 600 * time.Millisecond

// converse measures both directions of a call that is on. The link is as it is to be; after
// part of the speech it is made clean, if there is more.
func (c *campaign) converse(ctx context.Context, l Link, seed uint64, part time.Duration, a, b party) (streams [2]stream, cpu [2]float64, err error) {
	if c.urgent != nil {
		if err := hurry(true); err != nil {
			return streams, cpu, err
		}
		defer hurry(false) // also when it fails
	}
	time.Sleep(settle)
	sides := [2]party{a, b}
	var starts [2]time.Time
	var before [2]procs.Usage
	for i, p := range sides {
		if before[i], err = usage(p); err != nil {
			return streams, cpu, err
		}
	}
	for i, p := range sides {
		if starts[i], err = p.begin(ctx); err != nil {
			return streams, cpu, err
		}
	}
	whole := time.Duration(len(a.said())) * time.Second / hal.Rate
	done := make(chan [2]impairment, 1)
	recovers := whole > part+2*time.Second
	if recovers {
		go func() {
			time.Sleep(time.Until(starts[1].Add(part)))
			done <- c.net.set(Links()[0], seed)
		}()
	}
	time.Sleep(time.Until(starts[1].Add(whole + time.Second/2)))
	for i, p := range sides {
		after, err := usage(p)
		if err != nil {
			return streams, cpu, err
		}
		cpu[i] = 100 * (after.CPU - before[i].CPU).Seconds() / time.Since(starts[i]).Seconds()
	}
	var heard [2][]int16
	var xruns [2]int
	var made [2]float64
	for i, p := range sides {
		var herr error
		heard[i], xruns[i], herr = p.end(ctx)
		err = errors.Join(err, herr)
	}
	fates := [2]impairment{}
	if recovers {
		fates = <-done
	} else {
		fates = c.net.set(Links()[0], seed)
	}
	for i, p := range sides {
		var herr error
		made[i], herr = p.hangUp(ctx)
		err = errors.Join(err, herr)
	}
	if err != nil {
		return streams, cpu, err
	}
	if c.urgent != nil {
		hurry(false) // what follows takes a while
	}
	for i := range sides {
		from, to := i, 1-i
		s := &streams[i]
		*s = stream{Link: l.Name, From: sides[from].program(), To: sides[to].program(), Seed: seed, Concealed: made[to], XRuns: xruns[to]}
		if f := fates[from]; f.Packets > 0 {
			s.Lost = 100 * float64(f.Lost) / float64(f.Packets)
		}
		// What was heard, as if listened to from when the mouth began.
		listened := shift(heard[to], starts[to].Sub(starts[from]))
		said := sides[from].said()
		pieces := locate(said, listened, longest)
		s.Pieces = len(pieces)
		d, some := delay(pieces, 0, part)
		if !some {
			return streams, cpu, fmt.Errorf("audio: %s -> %s, %s: of %d sent packets nothing is heard again, only a peak of %d", s.From, s.To, l.Name, fates[from].Packets, peak(listened))
		}
		s.Delay = float64(d.Microseconds()) / 1000
		if recovers {
			if d, some := delay(pieces, part+10*time.Second, whole); some {
				s.Back = float64(d.Microseconds()) / 1000
			}
		}
		s.Clear, s.Silent = judge(said, listened, pieces, part)
		residual := s.Lost
		if s.Concealed >= 0 && !recovers {
			residual = s.Concealed
		}
		s.MOS = opinion(residual, l, d)
	}
	return streams, cpu, nil
}

// shift lets a recording begin so much earlier than it did, or later.
func shift(heard []int16, later time.Duration) []int16 {
	if n := samples(later.Abs()); later < 0 {
		return heard[min(n, len(heard)):]
	} else {
		return append(make([]int16, n), heard...)
	}
}

func usage(p party) (procs.Usage, error) { return p.process().Usage() }
