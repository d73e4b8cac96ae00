package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the SD card has no other
	"unicode"
	"unicode/utf8"

	"chordophone/firmware/tone"
)

// longestSoak is a month.
const longestSoak = 30 * 24 * time.Hour

// source says where each key got its value: the flag, or the file and line.
type source map[string]string

// check looks at values that a type alone does not hold to anything.
func (r *Run) check(src source) error {
	bad := func(name, problem string) error {
		where := src[name]
		if where == "" {
			where = "--" + name
		}
		return wrong(reflect.TypeFor[Run](), name, where, problem)
	}
	if r.Data == "" {
		return bad("data", "empty")
	}
	for _, s := range []struct{ name, value string }{{"mic", r.Mic}, {"ear", r.Ear}} {
		if problem := checkSound(s.value); problem != "" {
			return bad(s.name, problem)
		}
	}
	if r.PacketTime != 10 && r.PacketTime != 20 {
		return bad("packet-time", fmt.Sprintf("packets of %d ms are not made", r.PacketTime))
	}
	if r.Found != "" && r.Join != "" {
		return &Error{Where: src["found"] + " and " + src["join"], Problem: "a telephone founds an office or joins one", Hint: "leave one of them out"}
	}
	if src["found"] != "" && !validOffice(r.Found) {
		return bad("found", fmt.Sprintf("%q cannot name an office", r.Found))
	}
	if src["join"] != "" && !validCode(r.Join) {
		return bad("join", "not a pairing code")
	}
	if src["pairing-code"] != "" && !validCode(r.PairingCode) {
		return bad("pairing-code", "not a pairing code")
	}
	if src["extension"] != "" && !validExtension(r.Extension) {
		return bad("extension", fmt.Sprintf("%q cannot be an extension", r.Extension))
	}
	if utf8.RuneCountInString(r.Name) > 40 || strings.ContainsFunc(r.Name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return bad("name", fmt.Sprintf("%q cannot be shown", r.Name))
	}
	users := map[string]bool{}
	for _, a := range r.Accounts {
		if users[a.User] {
			return bad("account", fmt.Sprintf("user %s twice", a.User))
		}
		users[a.User] = true
	}
	if f := r.Floating.Addr(); src["floating"] != "" && (f == r.Listen || f.IsMulticast() || f.IsUnspecified() || f.IsLoopback() || f.Is6() && f.IsLinkLocalUnicast()) {
		return bad("floating", fmt.Sprintf("%v cannot be an address of the office", f))
	}
	if strings.Trim(r.HotLine, "0123456789+") != "" || len(r.HotLine) > 32 {
		return bad("hot-line", fmt.Sprintf("%q is no number", r.HotLine))
	}
	if r.SSH == 0 {
		return bad("ssh-port", "the console needs a port")
	}
	if src["wifi"] != "" && !validWiFi(r.WiFi) {
		return bad("wifi", "not a network and its password")
	}
	if r.UpdateSoak < 0 || r.UpdateSoak > longestSoak {
		return bad("update-soak", fmt.Sprintf("%v cannot be waited", r.UpdateSoak))
	}
	if _, err := time.LoadLocation(r.TimeZone); err != nil || r.TimeZone == "" {
		return bad("time-zone", fmt.Sprintf("no time zone %q is known", r.TimeZone))
	}
	if !slices.Contains(tone.Countries(), r.Country) {
		return bad("country", fmt.Sprintf("no tones of %q are known", r.Country))
	}
	if r.LogFormat != "text" && r.LogFormat != "json" {
		return bad("log-format", fmt.Sprintf("%q is no format", r.LogFormat))
	}
	return nil
}

// checkSound says what is wrong with a place that sound comes from or goes to.
func checkSound(s string) string {
	scheme, rest, colon := strings.Cut(s, ":")
	switch {
	case s == "":
		return "empty"
	case !colon || strings.ContainsAny(scheme, `/\.`): // a file, even one with a colon in its name
		return ""
	case scheme != "alsa" && scheme != "unix":
		return fmt.Sprintf("%q is no kind of sound", scheme)
	case rest == "":
		return "nothing after " + scheme + ":"
	}
	return ""
}

// validOffice says whether s can be the host of a SIP URI and the name in a
// certificate, written in the one way that needs no folding of case.
// RFC 1123, section 2.1
func validOffice(s string) bool {
	if len(s) > 63 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// validCode says whether s is digits, with the spaces and hyphens that people
// put in.
func validCode(s Secret) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(s.Reveal())
	return len(digits) >= 6 && len(digits) <= 32 && strings.Trim(digits, "0123456789") == ""
}

// validWiFi says whether s is a network's name, of at most 32 octets, and its
// password. IEEE 802.11, sections 9.4.2.2 and J.4.1
func validWiFi(s Secret) bool {
	name, password, colon := strings.Cut(s.Reveal(), ":")
	return colon && name != "" && len(name) <= 32 && (password == "" || len(password) >= 8 && len(password) <= 63)
}

func validExtension(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 100 && n <= 9999 && strconv.Itoa(n) == s
}
