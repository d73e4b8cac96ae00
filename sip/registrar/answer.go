package registrar

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chordophone/sip/location"
)

// answer is the fields of the 200 to a REGISTER: "The response MUST contain Contact
// header field values enumerating all current bindings" (RFC 3261, section 10.3, step 8).
func answer(r *request, holds []location.Binding) []string {
	var fields []string
	for _, b := range holds {
		fields = append(fields, "Contact", contactValue(b))
	}
	if len(r.path) > 0 {
		fields = append(fields, "Path", strings.Join(r.path, ", "))
	}
	if r.outbound { // RFC 5626, section 6
		fields = append(fields, "Require", "outbound", "Flow-Timer", flowTimer)
	}
	return append(fields, "Supported", supportedHere)
}

func contactValue(b location.Binding) string {
	var s strings.Builder
	fmt.Fprintf(&s, "<%s>;expires=%d", b.Contact, (b.Expires+time.Second-1)/time.Second)
	if b.Q < 1000 {
		fmt.Fprintf(&s, ";q=0.%03d", b.Q)
	}
	if b.RegID != 0 {
		s.WriteString(`;+sip.instance="` + b.Instance + `";reg-id=` + strconv.Itoa(int(b.RegID)))
	}
	return s.String()
}
