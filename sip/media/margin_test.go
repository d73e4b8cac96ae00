package media

import (
	"testing"
	"time"
)

// TestMarginInLongCalls: timestamps, of which there are 2^32, come round once in six
// days, and half of them are behind after three. Nothing of that is heard.
func TestMarginInLongCalls(t *testing.T) {
	const half = 1 << 31 * (time.Second / clock)
	for _, before := range []time.Duration{0, half - time.Second, 2*half - time.Second} {
		var b Buffer
		for i := range 150 {
			now, ts := epoch.Add(time.Duration(i)*Frame), uint32(i*frameTicks)
			b.Put(now, whole(uint16(i), ts, packet(ts)))
			if i == 0 { // as if it had begun long ago
				b.base, b.baseTS = now.Add(-before), ts-uint32(before/(time.Second/clock))
			}
			b.Get(now.Add(Frame / 2))
			b.Mark(now.Add(Frame/2), Frame, 0)
		}
		if wait, rest, known, sure := b.Margin(); wait != Frame+Frame/2 || rest != 0 || !known || !sure {
			t.Errorf("after %v: wait %v, rest %v, known %v, sure %v", before, wait, rest, known, sure)
		}
	}
}

// TestPlayoutOfNothing: no time passes, and nothing breaks.
func TestPlayoutOfNothing(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, _ *network, a, b *Session) {
		said := speech(time.Second, 1)
		talk(a, b, said)
		before := b.Stats()
		b.Playout(nil)
		if st := b.Stats(); st != before {
			t.Errorf("%+v, before %+v", st, before)
		}
	})
}
