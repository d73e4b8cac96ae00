package wire

// kind says how a header field is read.
type kind uint8

const (
	other  kind = iota // any number of them, kept as they came
	single             // as other, but two of them would make a message mean two things
	via
	from
	to
	callID
	cseq
	maxForwards
	contact
	route
	recordRoute
	contentLength
	contentType
)

// names are the header fields with a meaning to somebody in this program, as sipgo's
// RemoveHeader and ReplaceHeader expect them to be spelled.
var names = [...]struct {
	name string
	kind kind
}{
	{"Via", via}, {"From", from}, {"To", to}, {"Call-ID", callID}, {"CSeq", cseq}, {"Max-Forwards", maxForwards},
	{"Contact", contact}, {"Route", route}, {"Record-Route", recordRoute},
	{"Content-Length", contentLength}, {"Content-Type", contentType},

	{"Content-Disposition", single}, {"Date", single}, {"Event", single}, {"Expires", single}, {"Join", single},
	{"Min-Expires", single}, {"Min-SE", single}, {"RAck", single}, {"RSeq", single}, {"Refer-To", single},
	{"Referred-By", single}, {"Replaces", single}, {"SIP-ETag", single}, {"SIP-If-Match", single},
	{"Session-Expires", single}, {"Subscription-State", single}, {"Target-Dialog", single},

	{"Accept", other}, {"Accept-Contact", other}, {"Accept-Encoding", other}, {"Accept-Language", other},
	{"Alert-Info", other}, {"Allow", other}, {"Allow-Events", other}, {"Authentication-Info", other},
	{"Authorization", other}, {"Call-Info", other}, {"Content-Encoding", other}, {"Content-Language", other},
	{"Diversion", other}, {"Error-Info", other}, {"Flow-Timer", other}, {"History-Info", other}, {"Identity", other},
	{"In-Reply-To", other}, {"MIME-Version", other}, {"Organization", other}, {"P-Asserted-Identity", other},
	{"P-Preferred-Identity", other}, {"Path", other}, {"Priority", other}, {"Privacy", other},
	{"Proxy-Authenticate", other}, {"Proxy-Authorization", other}, {"Proxy-Require", other}, {"Reason", other},
	{"Reject-Contact", other}, {"Reply-To", other}, {"Request-Disposition", other}, {"Require", other},
	{"Retry-After", other}, {"Server", other}, {"Service-Route", other}, {"Subject", other}, {"Supported", other},
	{"Timestamp", other}, {"Unsupported", other}, {"User-Agent", other}, {"WWW-Authenticate", other}, {"Warning", other},
}

const longest = len("P-Preferred-Identity")

// byName finds an entry of names by its name in lower case.
var byName = func() map[string]int8 {
	m := make(map[string]int8, len(names))
	for i, n := range names {
		m[lower(n.name)] = int8(i)
	}
	return m
}()

// compact is the long form of a name of one letter: RFC 3261, section 7.3.3, and
// the registry of IANA.
func compact(letter byte) string {
	switch letter | 0x20 {
	case 'a':
		return "Accept-Contact"
	case 'b':
		return "Referred-By"
	case 'c':
		return "Content-Type"
	case 'd':
		return "Request-Disposition"
	case 'e':
		return "Content-Encoding"
	case 'f':
		return "From"
	case 'i':
		return "Call-ID"
	case 'j':
		return "Reject-Contact"
	case 'k':
		return "Supported"
	case 'l':
		return "Content-Length"
	case 'm':
		return "Contact"
	case 'o':
		return "Event"
	case 'r':
		return "Refer-To"
	case 's':
		return "Subject"
	case 't':
		return "To"
	case 'u':
		return "Allow-Events"
	case 'v':
		return "Via"
	case 'x':
		return "Session-Expires"
	case 'y':
		return "Identity"
	}
	return ""
}

// known is the proper name of a field and how it is read. An unknown one keeps its
// name.
func known(name string) (string, int8, kind) {
	if len(name) == 1 {
		if long := compact(name[0]); long != "" {
			name = long
		}
	}
	if len(name) > longest {
		return name, -1, other
	}
	var buf [longest]byte
	for i := 0; i < len(name); i++ {
		buf[i] = name[i]
		if 'A' <= name[i] && name[i] <= 'Z' {
			buf[i] += 'a' - 'A'
		}
	}
	i, ok := byName[string(buf[:len(name)])]
	if !ok {
		return name, -1, other
	}
	return names[i].name, i, names[i].kind
}
