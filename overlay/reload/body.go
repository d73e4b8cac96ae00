package reload

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// Body is the request or the answer of one method: one of the types of this
// package whose name ends in Req or Ans, or ErrorResponse. The message code goes
// with the type.
type Body interface {
	Code() Code
	add(b *cryptobyte.Builder)
}

// AppendBody appends the octets of a body.
func AppendBody(out []byte, body Body) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	body.add(b)
	return b.Bytes()
}

// MakeContents puts contents together.
func MakeContents(body Body, ext ...Extension) (Contents, error) {
	octets, err := AppendBody(nil, body)
	return Contents{Code: body.Code(), Body: octets, Extensions: ext}, err
}

// ParseBody reads the body that goes with a message code. It fails with
// ErrUnknownCode, with ErrUnknownKind or with ErrMalformed.
func ParseBody(code Code, octets []byte) (Body, error) {
	s := cryptobyte.String(octets)
	body, err := readBody(code, &s)
	if err != nil {
		return nil, err
	}
	if !s.Empty() {
		return nil, malformed(fmt.Sprintf("octets after body of message code %#x", uint16(code)))
	}
	return body, nil
}

func readBody(code Code, s *cryptobyte.String) (Body, error) {
	switch code {
	case CodeProbeReq:
		return parse(s, readProbeReq)
	case CodeProbeAns:
		return parse(s, readProbeAns)
	case CodeAttachReq:
		return parse(s, func(s *cryptobyte.String, r *AttachReq) bool { return readAttach(s, (*Attach)(r)) })
	case CodeAttachAns:
		return parse(s, func(s *cryptobyte.String, r *AttachAns) bool { return readAttach(s, (*Attach)(r)) })
	case CodeStoreReq:
		return parseErr(s, readStoreReq)
	case CodeStoreAns:
		return parse(s, readStoreAns)
	case CodeFetchReq:
		return parseErr(s, func(s *cryptobyte.String, r *FetchReq) error { return readQuery(s, (*Query)(r)) })
	case CodeFetchAns:
		return parseErr(s, readFetchAns)
	case CodeFindReq:
		return parse(s, readFindReq)
	case CodeFindAns:
		return parse(s, readFindAns)
	case CodeJoinReq:
		return parse(s, readJoinReq)
	case CodeJoinAns:
		return parse(s, func(s *cryptobyte.String, r *JoinAns) bool { return read16(s, &r.Data) })
	case CodeLeaveReq:
		return parse(s, readLeaveReq)
	case CodeLeaveAns:
		return LeaveAns{}, nil
	case CodeUpdateReq:
		return parse(s, readUpdateReq)
	case CodeUpdateAns:
		return UpdateAns{}, nil
	case CodeRouteQueryReq:
		return parse(s, readRouteQueryReq)
	case CodeRouteQueryAns:
		return parse(s, func(s *cryptobyte.String, r *RouteQueryAns) bool { return readID(s, &r.Next) })
	case CodePingReq:
		return parse(s, func(s *cryptobyte.String, r *PingReq) bool { return read16(s, &r.Padding) })
	case CodePingAns:
		return parse(s, func(s *cryptobyte.String, r *PingAns) bool {
			return s.ReadUint64(&r.ResponseID) && s.ReadUint64(&r.Time)
		})
	case CodeStatReq:
		return parseErr(s, func(s *cryptobyte.String, r *StatReq) error { return readQuery(s, (*Query)(r)) })
	case CodeStatAns:
		return parseErr(s, readStatAns)
	case CodeAppAttachReq:
		return parse(s, func(s *cryptobyte.String, r *AppAttachReq) bool { return readAppAttach(s, (*AppAttach)(r)) })
	case CodeAppAttachAns:
		return parse(s, func(s *cryptobyte.String, r *AppAttachAns) bool { return readAppAttach(s, (*AppAttach)(r)) })
	case CodeConfigUpdateReq:
		return parse(s, readConfigUpdateReq)
	case CodeConfigUpdateAns:
		return ConfigUpdateAns{}, nil
	case CodePathTrackReq:
		return parse(s, readPathTrackReq)
	case CodePathTrackAns:
		return parse(s, readPathTrackAns)
	case CodeError:
		return parse(s, func(s *cryptobyte.String, r *ErrorResponse) bool {
			return s.ReadUint16(&r.ErrorCode) && read16(s, &r.Info)
		})
	}
	return nil, fmt.Errorf("%w: %#x", ErrUnknownCode, uint16(code))
}

func parse[T Body](s *cryptobyte.String, read func(*cryptobyte.String, *T) bool) (Body, error) {
	var t T
	if !read(s, &t) {
		return nil, malformed(fmt.Sprintf("%T", t))
	}
	return t, nil
}

// parseErr is parse for what also fails with ErrUnknownKind.
func parseErr[T Body](s *cryptobyte.String, read func(*cryptobyte.String, *T) error) (Body, error) {
	var t T
	if err := read(s, &t); err != nil {
		return nil, fmt.Errorf("%T: %w", t, err)
	}
	return t, nil
}

// ErrorResponse answers a request that failed. // RFC 6940, section 6.3.3.1
type ErrorResponse struct {
	ErrorCode uint16
	Info      []byte // text, unless the code says otherwise
}

func (ErrorResponse) Code() Code { return CodeError }
func (e ErrorResponse) add(b *cryptobyte.Builder) {
	b.AddUint16(e.ErrorCode)
	opaque16(b, e.Info)
}

// Refusal is an error that is answered with an ErrorResponse.
type Refusal struct {
	ErrorCode uint16 // RFC 6940, section 14.9
	Info      string
}

func (r Refusal) Error() string { return fmt.Sprintf("reload: error %d: %s", r.ErrorCode, r.Info) }
