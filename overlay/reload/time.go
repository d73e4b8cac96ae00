package reload

import (
	"encoding/binary"
	"errors"
)

// ErrTime is the error for what is no OfficeTime.
var ErrTime = errors.New("reload: not an OFFICE-TIME")

// OfficeTime is OFFICE-TIME, what a node's clock says: a ProbeInformation of this profile.
type OfficeTime struct {
	Milliseconds uint64 // since 1970, UTC
	Source       uint8  // what sets the clock: more is better
}

const officeTimeSize = 9

// Info is the answer to a Probe for ProbeOfficeTime.
func (t OfficeTime) Info() ProbeInfo {
	return ProbeInfo{ProbeOfficeTime, append(binary.BigEndian.AppendUint64(nil, t.Milliseconds), t.Source)}
}

// OfficeTime finds the time in an answer. The error is ErrTime if there is none.
func (r ProbeAns) OfficeTime() (OfficeTime, error) {
	for _, i := range r.Info {
		if i.Type == ProbeOfficeTime && len(i.Value) == officeTimeSize {
			return OfficeTime{binary.BigEndian.Uint64(i.Value), i.Value[8]}, nil
		}
	}
	return OfficeTime{}, ErrTime
}
