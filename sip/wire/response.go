package wire

import (
	"github.com/emiago/sipgo/sip"
)

// reasons are those of RFC 3261, section 21, and of the RFCs that added to it.
var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 199: "Early Dialog Terminated",
	200: "OK", 202: "Accepted", 204: "No Notification",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy", 380: "Alternative Service",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
	410: "Gone", 412: "Conditional Request Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
	415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
	422: "Session Interval Too Small", 423: "Interval Too Brief", 428: "Use Identity Header", 429: "Provide Referrer Identity",
	430: "Flow Failed", 433: "Anonymity Disallowed", 436: "Bad Identity Info", 437: "Unsupported Credential",
	438: "Invalid Identity Header", 439: "First Hop Lacks Outbound Support", 440: "Max-Breadth Exceeded",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
	484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
	489: "Bad Event", 491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
	500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large", 580: "Precondition Failure",
	600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable", 607: "Unwanted",
}

// classes of status, for a status that is not among reasons.
var families = [...]string{"", "Progress", "Success", "Redirection", "Refused", "Server Failure", "Refused Everywhere"}

// Reason is the reason phrase of a status (RFC 3261, section 21).
func Reason(status int) string {
	if r := reasons[status]; r != "" {
		return r
	}
	if status < 100 || status > 699 {
		return ""
	}
	return families[status/100]
}

// Response is RFC 3261, section 8.2.6: the fields that a response takes from its
// request, with tag in To unless the request has one there or status is 100.
// Record-Route is taken over where the response may make a dialog (section 12.1.1).
// Fields come in pairs of name and value. From and To are written as they came: to
// change a field of a message, use Set.
func Response(req *sip.Request, status int, tag string, fields ...string) *sip.Response {
	res := sip.NewResponse(status, Reason(status))
	dialog := status > 100 && status < 300 && req.Method != sip.REGISTER && req.Method != sip.ACK && req.Method != sip.CANCEL
	var buf [12]field
	h := head{fields: buf[:0]}
	add := func(name, value string) {
		f := field{value: value}
		f.name, f.index, f.kind = known(name)
		h.fields = append(h.fields, f)
	}
	for _, f := range req.Headers() {
		switch name := f.Name(); name {
		case "Via", "CSeq":
			res.AppendHeader(sip.HeaderClone(f))
		case "Call-ID", "From":
			add(name, f.Value())
		case "To":
			value := f.Value()
			if to := req.To(); status > 100 && tag != "" && to != nil && Tag(to.Params) == "" {
				value += ";tag=" + tag
			}
			add(name, value)
		case "Record-Route":
			if dialog {
				res.AppendHeader(sip.HeaderClone(f))
			}
		case "Timestamp":
			if status == 100 { // section 8.2.6.1
				add(name, f.Value())
			}
		}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		add(fields[i], fields[i+1])
	}
	h.fill(res, &parts{})
	res.SetBody(nil)
	return res
}
