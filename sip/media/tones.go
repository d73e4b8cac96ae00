package media

// toneDetector finds the keys of ITU-T Q.23 in sound, for gateways that send a key only
// as its two tones. It is Goertzel's filter for each of the eight frequencies over blocks of
// 12.8 ms; a key is told when two blocks in a row have it, and once more only
// after two without. ITU-T Q.24 wants 40 ms to be recognised: they hold two blocks.
type toneDetector struct {
	s1, s2 [8]float32
	energy float32
	n      int
	last   int8 // of the block before: index of the key + 1, 0 none
	told   int8
	away   int // blocks since one that had the key told
}

const (
	toneBlock  = 205
	toneLeast  = 2 * toneBlock * 200 * 200 // energy: -44 dBov
	toneShare  = 0.7                       // of a block's energy that the two tones have
	toneTwist  = 8.                        // power of one tone over the other's: 9 dB
	toneOthers = 6.                        // power over that of the other tones of its group: 8 dB
)

// toneCoefficients are 2 cos(2 pi f / Rate) of 697, 770, 852, 941, 1209, 1336, 1477
// and 1633 Hz.
var toneCoefficients = [8]float32{1.9255487, 1.9092619, 1.8890969, 1.8649945, 1.7787929, 1.7310027, 1.6729072, 1.6026643}

// toneKeys are the keys by row and column.
const toneKeys = "123A456B789C*0#D"

// sample takes one sample; it returns the key that is recognised with it.
func (d *toneDetector) sample(s int16) (rune, bool) {
	x := float32(s)
	d.energy += x * x
	for i, c := range toneCoefficients {
		d.s1[i], d.s2[i] = x+c*d.s1[i]-d.s2[i], d.s1[i]
	}
	if d.n++; d.n < toneBlock {
		return 0, false
	}
	key := d.block()
	d.s1, d.s2, d.energy, d.n = [8]float32{}, [8]float32{}, 0, 0
	before := d.last
	d.last = key
	if key == d.told {
		d.away = 0
	} else if d.away++; d.away >= 2 {
		d.told = 0
	}
	if key == 0 || key != before || key == d.told {
		return 0, false
	}
	d.told, d.away = key, 0
	return rune(toneKeys[key-1]), true
}

// block is the key that the block's sound is, as its index + 1.
func (d *toneDetector) block() int8 {
	if d.energy < toneLeast {
		return 0
	}
	var p [8]float32
	for i, c := range toneCoefficients {
		p[i] = d.s1[i]*d.s1[i] + d.s2[i]*d.s2[i] - c*d.s1[i]*d.s2[i]
	}
	row, r, ok1 := strongest(p[:4])
	col, c, ok2 := strongest(p[4:])
	if !ok1 || !ok2 || r > toneTwist*c || c > toneTwist*r {
		return 0
	}
	// A tone of amplitude a has the power (a N / 2)^2 in its filter and a^2 N / 2 in the block.
	if (r+c)*2/toneBlock < toneShare*d.energy {
		return 0
	}
	return int8(row*4+col) + 1
}

// strongest finds the tone that stands out of its group.
func strongest(p []float32) (at int, power float32, ok bool) {
	for i := range p {
		if p[i] > p[at] {
			at = i
		}
	}
	for i := range p {
		if i != at && p[at] < toneOthers*p[i] {
			return at, p[at], false
		}
	}
	return at, p[at], true
}
