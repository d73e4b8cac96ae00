package document

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// SummaryType is the type of a printed Summary.
const SummaryType = "application/simple-message-summary"

// Summary says how many messages wait for an address.
type Summary struct {
	Account  string // its URI
	New, Old uint32
}

// ParseSummary reads a message summary, of which the voice messages count: RFC
// 3842, section 5.2.
func ParseSummary(octets []byte) (Summary, error) {
	if len(octets) > MaxDocument {
		return Summary{}, malformed("%d octets", len(octets))
	}
	var s Summary
	for i, line := range strings.Split(string(octets), "\r\n") {
		if line == "" && i > 0 {
			break // headers of single messages follow
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok, (i == 0) != (name == "messages-waiting"):
			return Summary{}, malformed("line %.40q", line)
		case i == 0:
			if v := strings.ToLower(value); v != "yes" && v != "no" {
				return Summary{}, malformed("Messages-Waiting %.20q", value)
			}
		case name == "message-account":
			if err := identifier("account", value); err != nil {
				return Summary{}, err
			}
			s.Account = value
		case name == "voice-message":
			counts, _, _ := strings.Cut(value, "(") // the urgent ones are among them
			fresh, old, ok := strings.Cut(counts, "/")
			var err1, err2 error
			s.New, err1 = count(fresh)
			s.Old, err2 = count(old)
			if !ok || err1 != nil || err2 != nil {
				return Summary{}, malformed("Voice-Message %.40q", value)
			}
		}
	}
	return s, nil
}

// count is a number; a greater one than is allowed is the greatest that is.
func count(s string) (uint32, error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, malformed("number %.20q", s)
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return math.MaxUint32, nil
	}
	return uint32(n), nil
}

// Bytes prints s.
func (s Summary) Bytes() []byte {
	waiting := "no"
	if s.New > 0 {
		waiting = "yes"
	}
	account := ""
	if s.Account != "" {
		account = "Message-Account: " + s.Account + "\r\n"
	}
	return fmt.Appendf(nil, "Messages-Waiting: %s\r\n%sVoice-Message: %d/%d (0/0)\r\n", waiting, account, s.New, s.Old)
}
