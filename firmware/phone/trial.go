package phone

import (
	"chordophone/firmware/phone/selftest"
	"chordophone/hal"
)

// This file is the self-test seen from the telephone: the code asks for it (SelfTest),
// the program says what there is to test (Part, each) and begins it (Begin).

// LoopCall is the call of a Sound that plays what the microphone hears.
const LoopCall = "self-test"

// part notes something to test.
func (p *Phone) part(ev Part) {
	if p.state == trying || len(p.parts) >= selftest.MaxParts {
		p.dropped++
		return
	}
	p.parts = append(p.parts, selftest.Part{
		Kind: selftest.Kind(clean(ev.Kind)), Name: clean(ev.Name), Word: clean(ev.Word), Problem: clean(ev.Problem),
	})
}

// testable says whether a test may begin: somebody has lifted the handset, and nobody is
// held who would be forgotten while it rests for the cradle's test.
func (p *Phone) testable() bool {
	return (p.state == confirmed || p.state == ready) && p.held.id == ""
}

// begin starts the test, if the one who asked for it is still there.
func (p *Phone) begin() {
	parts := p.parts
	p.parts = nil
	if !p.testable() {
		p.dropped++
		return
	}
	p.test = selftest.New(parts)
	p.enter(trying, p.test.Patience())
	p.report()
}

// tested carries out what happens to the test.
func (p *Phone) tested(f func()) {
	f()
	p.enter(trying, p.test.Patience())
	p.report()
}

// report tells the results once they are there.
func (p *Phone) report() {
	if !p.test.Done() || p.told {
		return
	}
	p.told = true
	n := hal.Tested{Results: []hal.TestResult{}}
	for _, r := range p.test.Results {
		n.Results = append(n.Results, hal.TestResult{Part: string(r.Kind), Name: r.Part.Name, Word: r.Word, OK: r.OK, Says: r.Says})
	}
	p.do(Tell{n})
}

// testLate is nothing having happened for long.
func (p *Phone) testLate() {
	over, back := false, p.test.Back
	p.tested(func() { over = p.test.Timeout() })
	if !over {
		return
	}
	p.endTest()
	if back { // the handset rests
		p.rest()
		return
	}
	p.enter(parked, 0)
}

// endTest ends a test, whatever it has come to.
func (p *Phone) endTest() {
	p.test.Stop()
	p.report()
	p.test, p.told = nil, false
}

// testPicture lights the lamp that is asked about.
func (p *Phone) testPicture() (picture hal.Picture) {
	lit := p.test.View().Lamp
	for i := range picture {
		if hal.LampName(i) == lit {
			picture[i] = hal.On
		}
	}
	return picture
}
