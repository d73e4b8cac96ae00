package registrar

import (
	"slices"
	"time"

	"chordophone/sip/location"
)

// maxSlack is how much longer than granted a binding is stored at most.
const maxSlack = 600 * time.Second

// stored is for how long what is granted is stored.
func stored(granted time.Duration) time.Duration { return granted + min(granted, maxSlack) }

// held is a binding of the address before the request: Expires is what its client
// was granted, left what the location service still keeps it for.
type held struct {
	location.Binding
	left time.Duration
}

// decide is RFC 3261, section 10.3, steps 6 and 7: what is to be stored, at self, of
// what a request asks for. All of it is done or nothing.
func (r *request) decide(before []held, self location.Binding) (changes []location.Binding, bad *refusal) {
	late := func(h held) bool { return h.CallID == r.callID && r.cseq <= h.CSeq }
	remove := func(h held) {
		h.Expires = 0
		changes = append(changes, h.Binding)
	}
	if r.all {
		for _, h := range before {
			if late(h) {
				return nil, refuse(500)
			}
			remove(h)
		}
		return changes, nil
	}
	count := len(before)
	for _, b := range r.contacts {
		key := key(b)
		i := slices.IndexFunc(before, func(h held) bool { return keyOf(h) == key })
		if i >= 0 && late(before[i]) {
			return nil, refuse(500)
		}
		if b.Expires == 0 {
			if i >= 0 {
				remove(before[i])
				count--
			}
			continue
		}
		granted := b.Expires
		b.Server, b.Node, b.Expires = self.Server, self.Node, stored(granted)
		if i < 0 {
			count++
		} else if h := before[i]; same(h.Binding, b) && h.left >= granted {
			continue
		} else if b.RegID == 0 && h.Contact != b.Contact { // the same place, spelt otherwise
			remove(h)
		}
		changes = append(changes, b)
	}
	if count > maxBindings {
		return nil, refuse(403)
	}
	return changes, nil
}

func keyOf(h held) string { return key(h.Binding) }

// same reports whether a refresh changes nothing but the expiry and the order.
func same(a, b location.Binding) bool {
	return a.Contact == b.Contact && a.Server == b.Server && a.Node == b.Node && a.Flow == b.Flow &&
		slices.Equal(a.Path, b.Path) && a.Instance == b.Instance && a.RegID == b.RegID &&
		a.Q == b.Q && a.Agent == b.Agent && a.Methods == b.Methods && a.CallID == b.CallID
}
