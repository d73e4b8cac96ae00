package identity

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"chordophone/overlay"
)

// Bounds on enrolment.
const (
	maxWrong    = 3 // wrong tries that close it
	maxSessions = 4 // at once
	burst       = 8 // connections at once after a quiet time, then one a second

	proofTime = 10 * time.Second // for a newcomer to prove the code
	claimTime = 20 * time.Second // for the Claim

	refuseTime = 2 * time.Second // for a newcomer to read that it was refused
)

// The parties' names in the transcript.
const (
	newcomerName = EnrolALPN + " newcomer"
	enrollerName = EnrolALPN + " enroller"
)

// Newcomer is a phone that knew the code.
type Newcomer struct {
	Node overlay.ID
	Wish int // the extension it would like, or 0

	// Replaces is the phone that it takes the place of: that one is to be shut out
	// of the office, if it is dead. Zero: it is one more.
	Replaces overlay.ID

	// Issue makes the newcomer's certificate chain for an extension. It may be
	// called again with another one if that turns out to be taken.
	Issue func(ext int) (chain [][]byte, err error)
}

// Claim picks a free extension for the newcomer and makes sure that it stays
// the newcomer's: it returns once the OFFICE-MEMBER record with the issued chain
// (MemberRecord) is stored. Issue must have been called for the extension
// returned. It returns ErrTaken when the wish cannot be met, and ErrAlive when a
// phone that is to be replaced is not dead.
type Claim func(ctx context.Context, n Newcomer) (ext int, err error)

// Enroller lets newcomers into the office while it is open. It is safe for
// concurrent use; it is closed at first.
//
//	         Open                    third wrong code, time over, Close
//	closed --------> open, 0 wrong ------------------------------------> closed
//	        OpenFor                  the same, or the one newcomer is in
type Enroller struct {
	// Configuration makes the configuration document that newcomers are handed;
	// nil: none. A nil func always has none. It is set before Serve is called.
	Configuration func() []byte

	id    *Identity
	claim Claim
	log   *slog.Logger

	mu       sync.Mutex // guards what follows
	code     string     // "" when closed
	until    time.Time  // zero: no end
	opening  int        // counts Open: a session belongs to one
	place    Place      // what it is for
	wrong    int        // tries since Open
	sessions int
	tokens   float64 // of the rate limit, as of filled
	filled   time.Time
}

// NewEnroller returns an Enroller that issues certificates as id. The claim is
// called by Serve, from as many goroutines as call that.
func NewEnroller(id *Identity, claim Claim, log *slog.Logger) *Enroller {
	return &Enroller{id: id, claim: claim, log: log, tokens: burst, filled: time.Now()}
}

// Open opens enrolment with a code of 6 to 32 digits, for a while or, if that is
// 0, until it is closed. The count of wrong tries starts again. The error is
// ErrCode or ErrTooDeep.
func (e *Enroller) Open(code string, period time.Duration) error {
	return e.open(code, Place{}, period)
}

// Place is the extension that a newcomer is to have, and whose it was.
type Place struct {
	Extension int        // 0: any
	Replaces  overlay.ID // zero: nobody's
}

// OpenFor is OpenRandom for one newcomer, which is to have this place.
func (e *Enroller) OpenFor(place Place, period time.Duration) (code string, err error) {
	if err := CheckExtension(place.Extension); err != nil {
		return "", err
	}
	if code, err = randomCode(); err != nil {
		return "", err
	}
	return code, e.open(code, place, period)
}

func (e *Enroller) open(code string, place Place, period time.Duration) error {
	code, err := normalCode(code)
	if err != nil {
		return err
	}
	if _, err := e.id.issuer(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.code, e.place, e.wrong, e.until = code, place, 0, time.Time{}
	e.opening++
	if period > 0 {
		e.until = time.Now().Add(period)
	}
	return nil
}

// OpenRandom opens enrolment with a code of six random digits.
func (e *Enroller) OpenRandom(period time.Duration) (code string, err error) {
	if code, err = randomCode(); err != nil {
		return "", err
	}
	return code, e.Open(code, period)
}

func randomCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	return fmt.Sprintf("%06d", n), err
}

// Close closes enrolment, for newcomers halfway through, too.
func (e *Enroller) Close() {
	e.mu.Lock()
	e.code = ""
	e.mu.Unlock()
}

// IsOpen reports whether enrolment is open, how many wrong tries there were
// since it was opened, and when it ends (zero: no end).
func (e *Enroller) IsOpen() (open bool, wrong int, until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current() != "", e.wrong, e.until
}

// current is the code, "" when closed. The caller holds mu.
func (e *Enroller) current() string {
	if !e.until.IsZero() && !time.Now().Before(e.until) {
		e.code = ""
	}
	return e.code
}

// enter counts a session in, if the limits allow.
func (e *Enroller) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	e.tokens = min(burst, e.tokens+now.Sub(e.filled).Seconds())
	e.filled = now
	if e.tokens < 1 || e.sessions == maxSessions {
		return ErrBusy
	}
	e.tokens--
	e.sessions++
	return nil
}

func (e *Enroller) leave() {
	e.mu.Lock()
	e.sessions--
	e.mu.Unlock()
}

// begin returns the code to try.
func (e *Enroller) begin() (code string, opening int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if code = e.current(); code == "" {
		return "", 0, ErrEnrolmentClosed
	}
	return code, e.opening, nil
}

// placeOf is what an opening is for.
func (e *Enroller) placeOf(opening int) (Place, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if opening != e.opening {
		return Place{}, ErrEnrolmentClosed
	}
	return e.place, nil
}

// occupied ends an opening whose place has been taken.
func (e *Enroller) occupied(opening int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if opening == e.opening {
		e.code = ""
	}
}

// judge counts a try. Of several that come at once, those after the third wrong
// one are not told whether they were right.
func (e *Enroller) judge(opening int, right bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current() == "" || opening != e.opening {
		return ErrEnrolmentClosed
	}
	if right {
		return nil
	}
	e.wrong++
	if e.wrong == maxWrong {
		e.code = ""
		e.log.Warn("enrolment closed after wrong codes", "tries", e.wrong)
	}
	return ErrWrongCode
}
