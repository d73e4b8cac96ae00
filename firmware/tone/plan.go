package tone

import "chordophone/hal"

// step is a piece of a cadence: one or two frequencies, or silence, for a time.
type step struct {
	ms   int     // 0: for ever
	a, b float64 // Hz; 0: none
	am   bool    // a is modulated by b instead of added to it
}

// cadence is a sequence of steps. After the last it goes on with the step loop;
// without one there, it ends in silence.
type cadence struct {
	steps []step
	loop  int
}

func on(ms int, f ...float64) step {
	s := step{ms: ms, a: f[0]}
	if len(f) > 1 {
		s.b = f[1]
	}
	return s
}

func off(ms int) step { return step{ms: ms} }

func modulated(ms int, a, by float64) step { return step{ms: ms, a: a, b: by, am: true} }

// repeat is a cadence for ever, once one that ends.
func repeat(steps ...step) cadence { return cadence{steps: steps} }
func once(steps ...step) cadence   { return cadence{steps: steps, loop: len(steps)} }

// beeps is three short tones, the usual sign of consent. A dial tone after them
// makes the usual sign of waiting messages.
func beeps(f ...float64) []step {
	return []step{on(100, f...), off(100), on(100, f...), off(100), on(100, f...), off(100)}
}

func stutter(f ...float64) cadence {
	s := append(beeps(f...), on(0, f...))
	return cadence{steps: s, loop: len(s) - 1}
}

// plan is the tones of one country.
type plan struct {
	country string
	tones   [hal.Confirm + 1]cadence // by hal.Tone; Silence has none
}

// plans are the countries. Unless a line says otherwise, the values are those of
// ITU-T E.180/Q.35 Supplement 2 as amended by "Various tones used in national
// networks", annex to ITU Operational Bulletin 781 (2003). They name no confirm
// tone for most networks and no stutter for some: these have beeps.
var plans = []plan{
	{"eu", [...]cadence{ // ETSI ES 201 970; all 425 Hz since CEPT T/CS 20-15
		hal.DialTone:   repeat(on(0, 425)),
		hal.Stutter:    repeat(on(400, 425), off(40)),
		hal.Ringback:   repeat(on(1000, 425), off(4000)),
		hal.Busy:       repeat(on(500, 425), off(500)),
		hal.Congestion: repeat(on(200, 425), off(200)),
		hal.Waiting:    repeat(on(200, 425), off(200), on(200, 425), off(4400)),
		hal.Confirm:    once(beeps(425)...),
	}},
	{"de", [...]cadence{ // also Deutsche Telekom 1 TR 110-1
		hal.DialTone:   repeat(on(0, 425)),
		hal.Stutter:    repeat(on(0, 425, 400)),
		hal.Ringback:   repeat(on(1000, 425), off(4000)),
		hal.Busy:       repeat(on(480, 425), off(480)),
		hal.Congestion: repeat(on(240, 425), off(240)),
		hal.Waiting:    repeat(on(200, 425), off(200), on(200, 425), off(5000)),
		hal.Confirm:    once(beeps(425)...),
	}},
	{"at", [...]cadence{
		hal.DialTone:   repeat(on(0, 420)),
		hal.Stutter:    repeat(on(0, 380, 420)),
		hal.Ringback:   repeat(on(1000, 420), off(5000)),
		hal.Busy:       repeat(on(400, 420), off(400)),
		hal.Congestion: repeat(on(200, 420), off(200)),
		hal.Waiting:    repeat(on(40, 420), off(1960)),
		hal.Confirm:    once(beeps(420)...),
	}},
	{"ch", [...]cadence{
		hal.DialTone:   repeat(on(0, 425)),
		hal.Stutter:    repeat(on(1100, 425, 340), on(1100, 425)),
		hal.Ringback:   repeat(on(1000, 425), off(4000)),
		hal.Busy:       repeat(on(500, 425), off(500)),
		hal.Congestion: repeat(on(200, 425), off(200)),
		hal.Waiting:    repeat(on(200, 425), off(200), on(200, 425), off(4000)),
		hal.Confirm:    once(beeps(425)...),
	}},
	{"fr", [...]cadence{ // congestion is not specified there
		hal.DialTone:   repeat(on(0, 440)),
		hal.Stutter:    stutter(440),
		hal.Ringback:   repeat(on(1500, 440), off(3500)),
		hal.Busy:       repeat(on(500, 440), off(500)),
		hal.Congestion: repeat(on(250, 440), off(250)),
		hal.Waiting:    repeat(on(300, 440), off(10000)),
		hal.Confirm:    once(beeps(440)...),
	}},
	{"uk", [...]cadence{ // BT SIN 350
		hal.DialTone:   repeat(on(0, 350, 440)),
		hal.Stutter:    repeat(on(750, 350, 440), on(750, 440)),
		hal.Ringback:   repeat(on(400, 400, 450), off(200), on(400, 400, 450), off(2000)),
		hal.Busy:       repeat(on(375, 400), off(375)),
		hal.Congestion: repeat(on(400, 400), off(350), on(225, 400), off(525)),
		hal.Waiting:    repeat(on(100, 400), off(4000)),
		hal.Confirm:    repeat(on(0, 1400)),
	}},
	{"us", [...]cadence{ // Telcordia GR-506-CORE
		hal.DialTone:   repeat(on(0, 350, 440)),
		hal.Stutter:    stutter(350, 440),
		hal.Ringback:   repeat(on(2000, 440, 480), off(4000)),
		hal.Busy:       repeat(on(500, 480, 620), off(500)),
		hal.Congestion: repeat(on(250, 480, 620), off(250)),
		hal.Waiting:    repeat(on(300, 440), off(10000)),
		hal.Confirm:    once(beeps(350, 440)...),
	}},
	{"jp", [...]cadence{
		hal.DialTone:   repeat(on(0, 400)),
		hal.Stutter:    repeat(on(250, 400), off(250)),
		hal.Ringback:   repeat(modulated(1000, 400, 16), off(2000)),
		hal.Busy:       repeat(on(500, 400), off(500)),
		hal.Congestion: repeat(on(500, 400), off(500)), // the same as busy
		hal.Waiting:    repeat(modulated(500, 400, 16), off(8000)),
		hal.Confirm:    once(beeps(400)...),
	}},
	{"au", [...]cadence{ // also Communications Alliance AS/CA S002
		hal.DialTone:   repeat(on(0, 413, 438)),
		hal.Stutter:    repeat(on(100, 413, 438), off(40)),
		hal.Ringback:   repeat(on(400, 413, 438), off(200), on(400, 413, 438), off(2000)),
		hal.Busy:       repeat(on(375, 425), off(375)),
		hal.Congestion: repeat(on(375, 425), off(375), on(375, 420), off(375)),
		hal.Waiting:    repeat(on(200, 425), off(200), on(200, 425), off(4400)),
		hal.Confirm:    once(beeps(425)...),
	}},
}

// Countries lists what New knows.
func Countries() []string {
	names := make([]string, len(plans))
	for i, p := range plans {
		names[i] = p.country
	}
	return names
}

// dtmf returns the pair of a key: the row's frequency and the column's.
// ITU-T Q.23
func dtmf(key hal.Key) (low, high float64, ok bool) {
	for i, k := range hal.Digits {
		if k == rune(key) {
			return [...]float64{697, 770, 852, 941}[i/4], [...]float64{1209, 1336, 1477, 1633}[i%4], true
		}
	}
	return 0, 0, false
}
