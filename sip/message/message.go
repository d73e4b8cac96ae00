package message

import (
	"context"
	"errors"
	"time"
)

// MaxBody is how many octets a message may have that has to wait.
const MaxBody = 3000

// Errors of a Box.
var (
	ErrTooLong = errors.New("message: too long to be kept")
	ErrFull    = errors.New("message: too many wait for this address")
)

// Message is one instant message that waits.
type Message struct {
	ID          string    // in the office, for ever
	From, To    string    // addresses of record: "alice@office"
	Name        string    // what the sender calls itself; may be empty
	ContentType string    // of Body
	Body        []byte    // at most MaxBody
	Sent        time.Time // by the clock of the phone that took it; for people
}

// Box keeps messages in the ring, sealed to their recipients.
type Box interface {
	// Put returns when two disks have the message. Its errors may match
	// ErrTooLong and ErrFull.
	Put(ctx context.Context, m Message) error
	// Waiting lists what waits for an address, oldest first.
	Waiting(ctx context.Context, aor string) ([]Message, error)
	// Remove takes a message out everywhere.
	Remove(ctx context.Context, m Message) error
}
