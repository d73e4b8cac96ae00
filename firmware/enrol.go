package firmware

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/overlay"
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
	holder   func(ext int) (overlay.ID, error) // see OpenFor
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

// Errors of OpenFor, for people.
var (
	errOwnNumber = hinted{errors.New("that is this phone's own extension"), "replace it from another phone of the office"}
	errAccount   = hinted{errors.New("that is the user name of an account"), "choose another extension, or remove the account: accounts list"}
)

// OpenFor opens enrolment with a new code for one newcomer, which gets this extension:
// in the place of the phone that has it, if that is dead. Nothing happens to that one
// until the newcomer is there.
func (d doorkeeper) OpenFor(ext string) (code string, err error) {
	n, err := strconv.Atoi(ext)
	if err != nil {
		return "", fmt.Errorf("%.20q: %w", ext, identity.ErrExtension)
	}
	old, err := d.holder(n)
	if err != nil {
		return "", fmt.Errorf("extension %d: %w", n, err)
	}
	return d.enroller.OpenFor(identity.Place{Extension: n, Replaces: old}, enrolTime)
}

// holder is the phone that has an extension and seems to be dead, zero if nobody has
// it. It takes no time; claim looks closer.
func (a *appliance) holder(ext int) (overlay.ID, error) {
	name := strconv.Itoa(ext)
	_, account := a.accounts.Lookup(name)
	node := a.members.Node(name)
	_, alive := a.directory.phones()[name+"@"+a.member.Office()]
	switch {
	case ext == a.member.Extension():
		return overlay.ID{}, errOwnNumber
	case account:
		return overlay.ID{}, errAccount
	case alive && !node.IsZero():
		return overlay.ID{}, identity.ErrAlive
	}
	return node, nil
}

// claim is identity.Claim: it lets a newcomer in, and shuts the phone out whose place
// it takes, unless that answers.
func (a *appliance) claim(ctx context.Context, n identity.Newcomer) (ext int, err error) {
	if old := n.Replaces; !old.IsZero() && !a.revocations.Has(old) {
		at, _, err := a.node.Find(ctx, old)
		if err != nil {
			return 0, err
		}
		if at.ID == old {
			return 0, fmt.Errorf("extension %d: %w", n.Wish, identity.ErrAlive)
		}
		if err := a.revocations.Revoke(ctx, old); err != nil {
			return 0, err
		}
		a.log.Warn("phone is replaced", "extension", n.Wish, "old", old, "new", n.Node)
	}
	return a.members.Claim(ctx, n)
}

// sayBarred says that this phone was shut out of the office.
func (a *appliance) sayBarred() {
	f := hal.Fault{
		Message: "this phone was shut out of the office: another has its place, or it was revoked",
		Hint:    "remove its data directory and enrol it anew, if it is yours",
	}
	a.log.Error(f.Message, "hint", f.Hint)
	a.body.panel.Tell(f)
}

// messagesLost says so of messages that waited for the phone whose place this one took.
func (a *appliance) messagesLost(n int) {
	f := hal.Fault{
		Message: fmt.Sprintf("messages that nobody can read any more: %d", n),
		Hint:    "they were for the phone that this one replaces, and whoever took them from their senders is gone, too",
	}
	a.log.Warn(f.Message, "hint", f.Hint)
	a.body.panel.Tell(f)
}

// nudge sends where one is enough.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// openFor opens enrolment for one newcomer, and is what the telephone is told.
func openFor(e enrolment, ext string, log *slog.Logger) phone.Event {
	code, err := e.OpenFor(ext)
	if err == nil {
		return enrolling(code)
	}
	log.Warn("no telephone may join in this place", "extension", ext, "err", err)
	text := "see the log"
	switch {
	case errors.Is(err, identity.ErrAlive):
		text = ext + " is alive"
	case errors.Is(err, identity.ErrExtension):
		text = ext + " is no number"
	case errors.Is(err, errOwnNumber):
		text = "your own number"
	case errors.Is(err, errAccount):
		text = ext + " is an account"
	}
	return phone.Unable{Text: text}
}
