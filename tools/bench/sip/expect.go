package sip

import (
	"slices"
	"strings"
)

// expectation is what a message may be answered with: what its RFC says, whoever
// receives it.
type expectation struct {
	final  []int  // statuses; nil with neither of the following: never right
	sound  bool   // it is well-formed: anything but "malformed", "wrong version" and "server error"
	either bool   // "reasonable to reject", "may be liberal": any final response
	silent bool   // to be discarded
	holds  string // ... with this in a Contact of the response
	lacks  string // ... or without this
}

// noFault are the statuses that call a well-formed request malformed, or ourselves
// broken.
var noFault = []int{400, 500, 505, 513}

// right judges a final response, or its absence (nil).
func (e expectation) right(m *message) bool {
	if m == nil {
		return e.silent
	}
	switch {
	case e.either:
		return true
	case e.sound:
		return !slices.Contains(noFault, m.status)
	case !slices.Contains(e.final, m.status):
		return false
	}
	if m.status != 200 || e.holds == "" && e.lacks == "" {
		return true
	}
	var contacts []string
	for _, f := range m.fields {
		if f.name == "contact" {
			contacts = append(contacts, f.value)
		}
	}
	all := strings.Join(contacts, ", ")
	return strings.Contains(all, e.holds) && (e.lacks == "" || !strings.Contains(all, e.lacks))
}

func code(final ...int) expectation { return expectation{final: final} }

var (
	wellFormed = expectation{sound: true}
	anyFinal   = expectation{either: true}
	discarded  = expectation{silent: true}
)

// expectations are RFC 4475's and RFC 5118's, in their order. Where an RFC leaves a
// choice, all that it leaves is right. A measured server is a proxy and registrar: it
// may refuse a well-formed request to somebody it does not know.
func expectations() map[string]expectation {
	return map[string]expectation{
		// RFC 4475, section 3.1.1
		"wsinv":      wellFormed,
		"intmeth":    wellFormed, // a proxy: 404; an endpoint: 501
		"esc01":      wellFormed,
		"escnull":    wellFormed,
		"esc02":      {final: []int{403, 404, 405, 481, 501}}, // not a REGISTER, so never 200
		"lwsdisp":    wellFormed,
		"longreq":    wellFormed,
		"dblreq":     wellFormed,
		"semiuri":    wellFormed,
		"transports": wellFormed,
		"mpart01":    wellFormed,
		"unreason":   discarded, // responses to nothing that was asked
		"noreason":   discarded,
		// section 3.1.2
		"badinv01":   code(400),
		"clerr":      code(400),
		"ncl":        code(400),
		"scalar02":   code(400),
		"scalarlg":   discarded,
		"quotbal":    code(400),
		"ltgtruri":   anyFinal,
		"lwsruri":    code(400),
		"lwsstart":   anyFinal,
		"trws":       anyFinal,
		"escruri":    anyFinal,
		"baddate":    anyFinal,
		"regbadct":   anyFinal,
		"badaspec":   anyFinal,
		"baddn":      anyFinal,
		"badvers":    code(505),
		"mismatch01": code(400),
		"mismatch02": code(400, 501),
		"bigcode":    discarded,
		// section 3.2
		"badbranch": anyFinal,
		// section 3.3
		"insuf":    code(400),
		"unkscm":   code(416),
		"novelsc":  code(404, 416),
		"unksm2":   code(400),
		"bext01":   code(420),
		"invut":    wellFormed,               // an endpoint: 415
		"regaut01": code(200, 401, 404, 405), // the challenge may be ignored by who needs none
		"multi01":  code(400),
		"mcl01":    code(400),
		"bcast":    discarded,
		"zeromf":   code(200, 483),
		"cparam01": {final: []int{200}, lacks: ";unknownparam>"},
		"cparam02": {final: []int{200}, holds: ";unknownparam>"},
		"regescrt": {final: []int{200}, holds: "?Route=%3Csip:sip.example.com%3E>"},
		"sdp01":    {either: true}, // an endpoint: 400 or 406; a proxy does not look
		// section 3.4
		"inv2543": wellFormed,
		// appendix A
		"test": {silent: true, final: []int{400}},
		// RFC 5118, section 4
		"ipv6-good":                     wellFormed,
		"ipv6-bad":                      code(400),
		"port-ambiguous":                wellFormed,
		"port-unambiguous":              wellFormed,
		"via-received-param-with-delim": wellFormed,
		"via-received-param-no-delim":   wellFormed,
		"ipv6-in-sdp":                   wellFormed,
		"mult-ip-in-header":             wellFormed,
		"mult-ip-in-sdp":                wellFormed,
		"ipv4-mapped-ipv6":              wellFormed,
		"ipv6-bug-abnf-3-colons":        anyFinal,
		"ipv6-correct-abnf-2-colons":    wellFormed,
	}
}
