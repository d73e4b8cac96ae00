package registrar

import (
	"context"
	"errors"
	"slices"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

const askTime = 10 * time.Second // of one question to the location service

var errNoAddress = errors.New("registrar: this phone has no address")

// visit is one REGISTER on its way.
type visit struct {
	*Registrar
	req   *request
	flow  *stack.Flow
	reply func(int, ...string)

	own     []client         // of the address, when its turn came
	self    location.Binding // Server and Node
	now     time.Time
	holds   []location.Binding // as the location service has them, afterwards
	written []location.Binding
	bad     *refusal
}

func (v *visit) begin() (work func(context.Context), done func()) {
	v.self = location.Binding{Server: v.cfg.Server(), Node: v.cfg.Node}
	v.own = nil
	for _, c := range v.book.byAOR[v.req.aor] {
		v.own = append(v.own, *c)
	}
	v.now = time.Now()
	holds, ok, err := location.Known(v.cfg.Ring, v.req.aor)
	if !ok {
		return v.work, v.done
	}
	if v.decide(holds, err); len(v.written) == 0 {
		return nil, v.done
	}
	return v.write, v.done
}

// work asks the location service. It runs outside the loop.
func (v *visit) work(ctx context.Context) {
	looking, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	v.now = time.Now()
	if v.decide(v.cfg.Ring.Lookup(looking, v.req.aor)); len(v.written) > 0 {
		v.write(ctx)
	}
}

// decide says what is to be written, if anything.
func (v *visit) decide(holds []location.Binding, err error) {
	v.holds, v.written, v.bad = holds, nil, nil
	if err == nil && !v.self.Client() {
		err = errNoAddress
	}
	if err != nil {
		v.fail(err)
		return
	}
	v.written, v.bad = v.req.decide(v.before(), v.self)
	if v.bad == nil && (len(v.written) > 0 || v.req.all) {
		v.written = v.sweep(v.written)
	}
}

// write has the location service keep what was decided. It runs outside the loop.
func (v *visit) write(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var err error
	v.holds, err = v.cfg.Ring.Register(ctx, v.req.aor, v.written)
	v.fail(err)
}

// fail answers an error of the location service, if it is one.
func (v *visit) fail(err error) {
	switch {
	case errors.Is(err, location.ErrNotFound):
		v.bad = refuse(404)
	case err != nil:
		v.cfg.Log.Warn("sip: a registration could not be stored", "aor", v.req.aor, "error", err)
		v.bad = refuse(503, "Retry-After", retryAfter)
	}
}

// before is what the address has, of clients: what is served here as this phone knows
// it, which is newer than what the location service does.
func (v *visit) before() []held {
	var all []held
	for _, b := range v.holds {
		if !b.Client() || v.orphan(b) {
			continue
		}
		h := held{Binding: b, left: b.Expires}
		if c := v.mine(b); c != nil {
			h.Expires, h.CallID, h.CSeq = c.expires.Sub(v.now), c.binding.CallID, c.binding.CSeq
			if c.gone || h.Expires <= 0 {
				h.left = 0
			}
		}
		all = append(all, h)
	}
	return all
}

// mine finds a binding among what is served here, unless another phone has taken it.
func (v *visit) mine(b location.Binding) *client {
	key := key(b)
	i := slices.IndexFunc(v.own, func(c client) bool { return c.key == key })
	if i < 0 || b.Node != v.cfg.Node {
		return nil
	}
	return &v.own[i]
}

// orphan reports whether a binding is for a connection that this phone had before it was
// started anew.
func (v *visit) orphan(b location.Binding) bool {
	return b.Node == v.cfg.Node && b.Flow != "" && v.mine(b) == nil
}

// sweep has orphans go with what is written anyway. Their clients come back from
// other ports, and would in the end fill the address up.
func (v *visit) sweep(changes []location.Binding) []location.Binding {
	for _, b := range v.holds {
		written := slices.ContainsFunc(changes, func(c location.Binding) bool { return key(c) == key(b) })
		if v.orphan(b) && !written && len(changes) < maxBindings {
			b.Expires = 0
			changes = append(changes, b)
		}
	}
	return changes
}

func (v *visit) done() {
	if v.bad != nil {
		if v.bad.status == 503 {
			v.count.Failed++
		} else {
			v.count.Refused++
		}
		v.reply(v.bad.status, v.bad.fields...)
		return
	}
	granted := map[string]location.Binding{}
	for _, b := range v.req.contacts {
		granted[key(b)] = b
	}
	elsewhere := map[string]bool{} // another phone serves it now
	var listed []location.Binding
	for _, b := range v.holds {
		if !b.Client() {
			continue
		}
		key := key(b)
		if _, ok := granted[key]; !ok && v.orphan(b) {
			continue
		}
		if b.Node != v.cfg.Node {
			elsewhere[key] = true
		} else if g, ok := granted[key]; ok && g.Expires > 0 {
			v.note(key, b, g.Expires)
			b.Expires = g.Expires
		} else if c := v.mine(b); c != nil {
			if b.Expires = c.expires.Sub(v.now); c.gone || b.Expires <= 0 {
				continue
			}
		}
		listed = append(listed, b)
	}
	ended := false
	for _, c := range v.own {
		g, asked := granted[c.key]
		if elsewhere[c.key] || v.req.all || asked && g.Expires == 0 {
			if old := v.book.find(c.aor, c.key); old != nil {
				v.book.drop(old)
				ended = true
			}
		}
	}
	if len(v.req.contacts) > 0 && !v.req.all {
		v.count.Granted++
		if len(v.written) == 0 {
			v.count.Unwritten++
		}
	}
	v.reply(200, answer(v.req, listed)...)
	if v.flow != nil && !v.flow.Alive() { // gone before it was noted
		v.book.lost(time.Now(), v.flow)
	}
	if ended {
		v.tell(v.unregistered, v.req.aor)
	}
	if slices.ContainsFunc(v.req.contacts, func(b location.Binding) bool { return b.Expires > 0 }) {
		v.tell(v.registered, v.req.aor)
	}
	v.tick()
}

// note writes into the book that a binding is served here.
func (v *visit) note(key string, b location.Binding, granted time.Duration) {
	c := &client{
		aor: v.req.aor, key: key, binding: b,
		expires: v.now.Add(granted), due: v.now.Add(granted), until: v.now.Add(b.Expires),
	}
	c.binding.CallID, c.binding.CSeq = v.req.callID, v.req.cseq
	if uri, err := wire.ParseURI(b.Contact); err == nil {
		c.place = place(uri)
	}
	if f := v.flow; b.Flow != "" || len(b.Path) == 0 && f != nil && f.Transport() != stack.UDP {
		c.flow = f
	}
	v.book.put(c)
}
