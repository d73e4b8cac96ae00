package manage

import (
	"context"
	"errors"

	"chordophone/firmware/phone/selftest"
)

// tested is what a self-test without anybody at the phone has shown.
type tested struct {
	OK     bool              `json:"ok"`
	Parts  []selftest.Result `json:"parts"`
	ByHand string            `json:"by_hand"` // what to dial for what only a person can test
}

// byHand is the service code of the test that goes through the parts with a person.
const byHand = "*#0*#"

func selfTest(ctx context.Context, s *shell, o *options, _ []string) error {
	parts, err := s.phone.SelfTest(ctx)
	t := tested{OK: true, Parts: some(parts), ByHand: byHand}
	for _, r := range parts {
		t.OK = t.OK && r.OK
	}
	if err := answer(s, o, writeTested)(t, err); err != nil {
		return err
	}
	if !t.OK {
		return hinted{errors.New("not all is well"), "look at the wires and devices that are named, as in the board file; log says more"}
	}
	return nil
}

func writeTested(p *page, t tested) {
	rows := [][]string{{"PART", "NAME", "RESULT", "IN THE BOARD FILE"}}
	faults := 0
	for _, r := range t.Parts {
		if !r.OK {
			faults++
		}
		rows = append(rows, []string{string(r.Kind), r.Name, r.Says, r.Word})
	}
	p.table(rows...)
	p.line("%s, %s", count(len(t.Parts), "part", "parts"), count(faults, "fault", "faults"))
	p.hint("this is what the phone notices by itself; what must be seen, heard or pressed a person tests at the phone: lift the handset and dial %s", t.ByHand)
}
