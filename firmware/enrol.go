package firmware

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/overlay/identity"
)

// enrolTime is how long a telephone takes newcomers in after its owner asked for
// it.
const enrolTime = 10 * time.Minute

// doorkeeper opens enrolment when the telephone's owner asks for it, and shows
// the pairing code.
type doorkeeper struct {
	enroller *identity.Enroller
	panel    hal.Panel
	tell     func(phone.Event)
	log      *slog.Logger
}

// Open opens enrolment with a new code, "" if that cannot be.
func (d doorkeeper) Open() (code string) {
	code, err := d.enroller.OpenRandom(enrolTime)
	if err != nil {
		d.log.Error("enrolment cannot be opened", "err", err)
		d.panel.Tell(hal.Fault{Message: "enrolment cannot be opened", Hint: explain(err)})
	}
	return code
}

// Close closes it.
func (d doorkeeper) Close() { d.enroller.Close() }

// enrolling is what the telephone is told, so that it shows the code.
func enrolling(code string) phone.Event { return phone.Enrolling{Code: code} }

// isOpen reports whether newcomers may try now.
func (d doorkeeper) isOpen() bool {
	open, _, _ := d.enroller.IsOpen()
	return open
}

// serve takes a newcomer in.
func (d doorkeeper) serve(ctx context.Context, c *tls.Conn) {
	if err := d.enroller.Serve(ctx, c); err != nil {
		d.log.Warn("a newcomer was not enrolled", "err", err)
	}
	if !d.isOpen() {
		d.tell(phone.Enrolling{}) // three wrong codes, perhaps
	}
}
