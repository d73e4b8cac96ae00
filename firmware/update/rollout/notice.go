package rollout

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/firmware/update/release"
)

// Notice is what a phone says of itself, the value of its RELEASE record:
//
//	uint8   format = 1
//	uint32  version[4]          that runs
//	uint8   state               0 well, 1 leaving, 2 gave it up
//	opaque  running[32]         the release that runs, SHA-256 of its manifest; zero: not known
//	opaque  subject[32]         the release that it leaves for, or gave up; else zero
//	uint32  subject_version[4]
type Notice struct {
	Version        release.Version
	State          State
	Running        release.ID
	Subject        release.ID
	SubjectVersion release.Version
}

// State is how a phone is.
type State uint8

// The states.
const (
	Well    State = iota
	Leaving       // for the trial of Subject
	GaveUp        // on Subject
)

func (s State) String() string { return [...]string{"well", "leaving", "gave up"}[s] }

const noticeFormat = 1

// ErrNotice means that a record's value is no notice.
var ErrNotice = errors.New("rollout: malformed notice")

// Marshal is the value of the record.
func (n Notice) Marshal() []byte {
	var b cryptobyte.Builder
	b.AddUint8(noticeFormat)
	addVersion(&b, n.Version)
	b.AddUint8(uint8(n.State))
	b.AddBytes(n.Running[:])
	b.AddBytes(n.Subject[:])
	addVersion(&b, n.SubjectVersion)
	return b.BytesOrPanic()
}

// ParseNotice reads what Marshal wrote. Versions to come may write more behind it.
func ParseNotice(value []byte) (Notice, error) {
	var (
		s             = cryptobyte.String(value)
		n             Notice
		format, state uint8
	)
	if !s.ReadUint8(&format) || format != noticeFormat || !readVersion(&s, &n.Version) ||
		!s.ReadUint8(&state) || State(state) > GaveUp ||
		!s.CopyBytes(n.Running[:]) || !s.CopyBytes(n.Subject[:]) || !readVersion(&s, &n.SubjectVersion) {
		return Notice{}, ErrNotice
	}
	n.State = State(state)
	return n, nil
}

func addVersion(b *cryptobyte.Builder, v release.Version) {
	for _, n := range v {
		b.AddUint32(n)
	}
}

func readVersion(s *cryptobyte.String, v *release.Version) bool {
	for i := range v {
		if !s.ReadUint32(&v[i]) {
			return false
		}
	}
	return true
}
