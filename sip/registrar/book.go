package registrar

import (
	"slices"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/stack"
)

const (
	grace      = 5 * time.Second  // for a client whose connection is gone
	tryAgain   = 30 * time.Second // to remove what could not be removed
	maxClients = 1000
)

// client is one binding that is served here.
type client struct {
	aor     string // sip:201@office
	key     string
	place   string           // what Request-URIs for it are compared with
	binding location.Binding // Expires as stored
	flow    *stack.Flow      // the connection that it came over, if it did and is there
	expires time.Time        // what it was granted
	until   time.Time        // what the location service keeps it for
	due     time.Time        // when it is to be removed there
	gone    bool             // not served any more
	working bool             // it is being removed
}

// book is who is served here. The slices keep the order in which they came.
type book struct {
	list    []*client
	byAOR   map[string][]*client
	byPlace map[string][]*client
}

func newBook() *book {
	return &book{byAOR: map[string][]*client{}, byPlace: map[string][]*client{}}
}

func (b *book) find(aor, key string) *client {
	for _, c := range b.byAOR[aor] {
		if c.key == key {
			return c
		}
	}
	return nil
}

// put adds a client in the place of the one with its address and key.
func (b *book) put(c *client) {
	if old := b.find(c.aor, c.key); old != nil {
		b.drop(old)
	}
	b.list = append(b.list, c)
	b.byAOR[c.aor] = append(b.byAOR[c.aor], c)
	b.byPlace[c.place] = append(b.byPlace[c.place], c)
}

func (b *book) drop(c *client) {
	b.list = without(b.list, c)
	for _, index := range []struct {
		of  map[string][]*client
		key string
	}{{b.byAOR, c.aor}, {b.byPlace, c.place}} {
		if rest := without(index.of[index.key], c); len(rest) > 0 {
			index.of[index.key] = rest
		} else {
			delete(index.of, index.key)
		}
	}
}

func without(list []*client, c *client) []*client {
	if i := slices.Index(list, c); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// has reports whether a client that was found before is still what stands there.
func (b *book) has(c *client) bool { return b.find(c.aor, c.key) == c }

// served is who is reached at a place: the one that came last.
func (b *book) served(place string) *client {
	for _, c := range slices.Backward(b.byPlace[place]) {
		if !c.gone {
			return c
		}
	}
	return nil
}

// lost says that a connection has ended. Who was reached only over it has a little
// time to come back.
func (b *book) lost(now time.Time, f *stack.Flow) {
	for _, c := range b.list {
		if c.flow != f || c.gone {
			continue
		}
		c.flow = nil
		if c.binding.Flow != "" {
			c.gone, c.due = true, now.Add(grace)
		}
	}
}

// due returns whom to remove, at most so many.
func (b *book) due(now time.Time, limit int) []*client {
	var due []*client
	for _, c := range b.list {
		if len(due) == limit {
			break
		}
		if !c.working && !now.Before(c.due) {
			due = append(due, c)
		}
	}
	return due
}
