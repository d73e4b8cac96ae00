package wire

import "strings"

// Classes of characters of RFC 3261, section 25.1.
const (
	isToken    = 1 << iota // token
	isUser                 // user of a SIP URI, and "#", which telephones send unescaped
	isPassword             // password
	isParam                // paramchar, and "=", as in the base64 that some put there
	isHeader               // hname and hvalue
	isHost                 // of a host name, and "_", which some networks have
	isOpaque               // of an absoluteURI: printable, not a delimiter of header fields
	isLoose                // of a generic parameter's value that is not quoted
)

// classes of each octet; the percent sign of an escape is not among them.
var classes = func() (t [256]uint8) {
	set := func(class uint8, chars string) {
		for c := 'a'; c <= 'z'; c++ {
			t[c] |= class
			t[c-'a'+'A'] |= class
		}
		for c := '0'; c <= '9'; c++ {
			t[c] |= class
		}
		for _, c := range []byte(chars) {
			t[c] |= class
		}
	}
	const mark = "-_.!~*'()"
	set(isToken, "-.!%*_+`'~")
	set(isUser, mark+"&=+$,;?/#")
	set(isPassword, mark+"&=+$,")
	set(isParam, mark+"[]/:&+$=")
	set(isHeader, mark+"[]/?:+$")
	set(isHost, "-._")
	set(isOpaque, mark+";/?:@&=+$,%#[]")
	for c := 0x21; c < 0x100; c++ {
		if c != 0x7f && strings.IndexByte(`;,"<>`, byte(c)) < 0 {
			t[c] |= isLoose
		}
	}
	return t
}()

// all reports whether s is one or more characters of a class.
func all(s string, class uint8) bool {
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return s != ""
}

// escaped reports whether s is zero or more characters of a class or escapes
// ("%" HEXDIG HEXDIG).
func escaped(s string, class uint8) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+2 >= len(s) || hex(s[i+1]) < 0 || hex(s[i+2]) < 0 {
				return false
			}
			i += 2
		} else if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func trimLeft(s string) string {
	for s != "" && blank(s[0]) {
		s = s[1:]
	}
	return s
}

func trim(s string) string {
	s = trimLeft(s)
	for s != "" && blank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// span splits s behind its first characters of a class.
func span(s string, class uint8) (head, rest string) {
	i := 0
	for i < len(s) && classes[s[i]]&class != 0 {
		i++
	}
	return s[:i], s[i:]
}

// number reads 1*DIGIT up to a limit.
func number(s string, limit uint64) (uint64, bool) {
	var n uint64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + uint64(s[i]-'0'); n > limit {
			return 0, false
		}
	}
	return n, s != ""
}

// lower is s with its ASCII letters in lower case.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
