package auth

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/wire"
)

// RFC 8760, section 2.3, wants the strongest challenge first, and clients to pass
// over those they do not know. Many that people own do not: some read the first only, some
// give up at the sight of another algorithm than MD5. So SHA-256 comes first for
// those that are known to understand, and not at all for those that
// are known to fail.
var (
	understand = []string{"linphone", "belle-sip", "chordophone", "microsip/3.2", "pjsua v2.1", "zoiper v5"}
	fail       = []string{"baresip v0.", "baresip v1.", "baresip 0.", "baresip 1.", "sipsak"}
)

// suited puts the challenges, strongest first, into the order for who sent a request.
func suited(req *sip.Request, challenges []string) []string {
	if len(challenges) < 2 {
		return challenges
	}
	agent := strings.ToLower(strings.Join(wire.Values(req, "User-Agent"), " "))
	is := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(agent, p) })
	}
	switch {
	case is(understand):
		return challenges
	case is(fail):
		return challenges[len(challenges)-1:]
	}
	slices.Reverse(challenges)
	return challenges
}
