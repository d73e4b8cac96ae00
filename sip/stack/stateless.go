package stack

import (
	"hash/maphash"
	"strconv"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// refuse answers a request without a transaction (RFC 3261, section 8.2.7).
func (s *Stack) refuse(f *Flow, req *sip.Request, status int, fields ...string) {
	if len(fields) == 2 && fields[0] == "" {
		fields = nil
	}
	s.answer(f, req, status, "", fields...)
}

func (s *Stack) answer(f *Flow, req *sip.Request, status int, tag string, fields ...string) {
	if req.Method == sip.ACK {
		return
	}
	if tag == "" {
		tag = s.statelessTag(req)
	}
	if err := f.Send(wire.Response(req, status, tag, fields...)); err != nil {
		s.log.Debug("sip: not refused", "status", status, "error", err)
	}
}

// statelessTag is the same for the same request, as section 8.2.7 wants it, and is
// known again in its ACK, which is nobody's business.
func (s *Stack) statelessTag(req *sip.Request) string {
	var h maphash.Hash
	h.SetSeed(s.seed)
	if id := req.CallID(); id != nil {
		h.WriteString(string(*id))
	}
	if from := req.From(); from != nil {
		h.WriteString(wire.Tag(from.Params))
	}
	if via := req.Via(); via != nil {
		branch, _ := wire.Param(via.Params, "branch")
		h.WriteString(branch)
	}
	return "0." + strconv.FormatUint(h.Sum64(), 36)
}

// stateless reports whether an ACK is for a response of statelessTag.
func (s *Stack) stateless(ack *sip.Request) bool {
	return wire.Tag(ack.To().Params) == s.statelessTag(ack)
}
