package registrar

import (
	"context"
	"errors"
	"sync"
	"time"

	"chordophone/sip/location"
)

// ring is a location service for tests: what all phones share.
type ring struct {
	mu      sync.Mutex
	delay   time.Duration // of each answer
	broken  bool
	prompt  bool            // answers at once where it need not write
	known   map[string]bool // addresses; nil: all
	records map[string][]record
	writes  int // calls of Register
	asked   int // Lookups at this moment
	most    int // ... at most
}

type record struct {
	key string
	b   location.Binding
	end time.Time
}

func (r *ring) Lookup(ctx context.Context, aor string) ([]location.Binding, error) {
	r.mu.Lock()
	r.asked++
	r.most = max(r.most, r.asked)
	delay := r.delay
	r.mu.Unlock()
	time.Sleep(delay)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked--
	if r.broken {
		return nil, errors.New("ring: nobody answers")
	}
	if r.known != nil && !r.known[aor] {
		return nil, location.ErrNotFound
	}
	return r.holds(aor), nil
}

// Known implements location.Prompt.
func (r *ring) Known(aor string) (all []location.Binding, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.prompt:
		return nil, false, nil
	case r.broken:
		return nil, true, errors.New("ring: nobody answers")
	case r.known != nil && !r.known[aor]:
		return nil, true, location.ErrNotFound
	}
	return r.holds(aor), true, nil
}

func (r *ring) holds(aor string) []location.Binding {
	var all []location.Binding
	for _, rec := range r.records[aor] {
		if left := time.Until(rec.end); left > 0 {
			rec.b.Expires = left
			all = append(all, rec.b)
		}
	}
	return all
}

func (r *ring) Register(ctx context.Context, aor string, changes []location.Binding) ([]location.Binding, error) {
	time.Sleep(r.delay)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return nil, errors.New("ring: nobody answers")
	}
	r.writes++
	if r.records == nil {
		r.records = map[string][]record{}
	}
	for _, b := range changes {
		name := b.Contact
		if b.RegID != 0 {
			name = b.Instance + string(rune(b.RegID))
		}
		var rest []record
		for _, rec := range r.records[aor] {
			if rec.key != name {
				rest = append(rest, rec)
			}
		}
		if b.Expires > 0 {
			rest = append(rest, record{name, b, time.Now().Add(b.Expires)})
		}
		r.records[aor] = rest
	}
	return r.holds(aor), nil
}

func (r *ring) breakDown(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = on
}

func (r *ring) slow(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = d
}

// count is how many bindings an address has there.
func (r *ring) count(aor string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.holds(aor))
}
