package audio

import (
	"container/heap"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"
)

// Link is what a network does to sound.
type Link struct {
	Name   string
	Title  string
	Loss   float64       // share of the packets
	Burst  float64       // mean length of a loss, packets (Gilbert); 0: each by itself
	Jitter time.Duration // each packet is late by as much at most, evenly spread, order not kept

	Latest float64 // by when sound must have arrived between our phones, ms; 0: no bar
}

// Links are all of them; the first is clean.
func Links() []Link {
	return []Link{
		{Name: "clean", Title: "clean", Latest: 60},
		{Name: "loss5", Title: "5 % lost", Loss: 0.05, Latest: 100},
		{Name: "jit50", Title: "50 ms jitter", Jitter: 50 * time.Millisecond, Latest: 120},
		{Name: "burst10", Title: "10 % in bursts of 3", Loss: 0.10, Burst: 3},
	}
}

// impairment decides what becomes of the packets of one direction: a value, driven by its
// random numbers.
type impairment struct {
	link    Link
	rng     *rand.Rand
	losing  bool
	Packets int
	Lost    int
}

func impair(l Link, seed uint64) *impairment {
	return &impairment{link: l, rng: rand.New(rand.NewPCG(seed, 5))}
}

// next is the fate of the next packet.
func (i *impairment) next() (late time.Duration, lost bool) {
	i.Packets++
	chance := i.link.Loss
	if i.link.Burst > 1 {
		// Two states: leave the bad one after Burst packets in the mean, and enter it so
		// often that Loss of all packets fall into it.
		leave := 1 / i.link.Burst
		chance = i.link.Loss * leave / (1 - i.link.Loss)
		if i.losing {
			chance = 1 - leave
		}
	}
	if i.losing = chance > 0 && i.rng.Float64() < chance; i.losing {
		i.Lost++
		return 0, true
	}
	if i.link.Jitter > 0 {
		late = time.Duration(i.rng.Int64N(int64(i.link.Jitter)))
	}
	return late, false
}

// isRTP reports whether an Ethernet frame holds RTP: UDP over IPv4 between even ports, none of them
// of signalling.
func isRTP(frame []byte) bool {
	const lowest = 7000
	if len(frame) < 14+20+8 || binary.BigEndian.Uint16(frame[12:]) != 0x0800 || frame[14+9] != 17 {
		return false
	}
	udp := 14 + int(frame[14]&15)*4
	if len(frame) < udp+8 {
		return false
	}
	from, to := binary.BigEndian.Uint16(frame[udp:]), binary.BigEndian.Uint16(frame[udp+2:])
	return from >= lowest && to >= lowest && from%2 == 0 && to%2 == 0
}

// pump takes frames one way. Frames that are not RTP pass at once.
type pump struct {
	write func([]byte)

	mu     sync.Mutex // guards what follows
	now    *impairment
	queue  delayed
	number uint64
	wake   chan struct{} // capacity 1
}

func newPump(write func([]byte)) *pump {
	return &pump{write: write, now: impair(Link{}, 0), wake: make(chan struct{}, 1)}
}

// set changes the link, and returns what it was until now.
func (p *pump) set(i *impairment) (before impairment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.now = *p.now, i
	return before
}

// frame takes a frame, which is the caller's again afterwards.
func (p *pump) frame(b []byte) {
	if !isRTP(b) {
		p.write(b)
		return
	}
	p.mu.Lock()
	late, lost := p.now.next()
	if lost || late > 0 {
		if !lost {
			p.number++
			heap.Push(&p.queue, parcel{time.Now().Add(late), p.number, append([]byte(nil), b...)})
		}
		p.mu.Unlock()
		select {
		case p.wake <- struct{}{}:
		default:
		}
		return
	}
	p.mu.Unlock()
	p.write(b)
}

// run delivers late frames until done is closed.
func (p *pump) run(done <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		p.mu.Lock()
		var due []parcel
		wait := time.Hour
		for len(p.queue) > 0 {
			if wait = time.Until(p.queue[0].at); wait > 0 {
				break
			}
			due = append(due, heap.Pop(&p.queue).(parcel))
			wait = time.Hour
		}
		p.mu.Unlock()
		for _, d := range due {
			p.write(d.frame)
		}
		timer.Reset(wait)
		select {
		case <-done:
			return
		case <-p.wake:
		case <-timer.C:
		}
	}
}

// parcel is a frame on its way.
type parcel struct {
	at     time.Time
	number uint64
	frame  []byte
}

// delayed is a heap, the earliest first.
type delayed []parcel

func (d delayed) Len() int { return len(d) }
func (d delayed) Less(i, j int) bool {
	if d[i].at.Equal(d[j].at) {
		return d[i].number < d[j].number
	}
	return d[i].at.Before(d[j].at)
}
func (d delayed) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *delayed) Push(x any)   { *d = append(*d, x.(parcel)) }
func (d *delayed) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}
