package proxy

// best is RFC 3261, section 16.7, step 6: which final response goes upstream.
func (f *fork) best() {
	var at leg
	var won *legState
	for i := range f.branches {
		for try := range f.branches[i].legs {
			l := &f.branches[i].legs[try]
			if l.state == over && (won == nil || before(l, won)) {
				at, won = leg{i, try}, l
			}
		}
	}
	switch {
	case won == nil, won.local && f.quit: // given up before anybody said anything
		f.out = append(f.out, action{kind: reply, status: 487})
	case won.status == 503:
		// "a proxy which receives a 503 (Service Unavailable) response SHOULD NOT
		// forward it upstream unless it can determine that any subsequent requests
		// it might proxy will also generate a 503": another address may do.
		f.out = append(f.out, action{kind: reply, status: 500})
	case won.local:
		f.out = append(f.out, action{kind: reply, status: won.status})
	default:
		f.do(choose, at)
	}
}

// before reports whether a is the better of two final responses; of equals the
// first to come is.
func before(a, b *legState) bool {
	if x, y := rank(a), rank(b); x != y {
		return x < y
	}
	return a.arrival < b.arrival
}

// rank orders final responses: 6xx, then the lowest class, and within 4xx first
// what the caller can do something about, then what speaks of a person, then what
// speaks of a place, last what only says that we ended it.
func rank(l *legState) int {
	switch s := l.status; {
	case s >= 600:
		return 0
	case s == 503:
		return 599
	case s >= 500 || s < 400:
		return s / 100 * 100
	default:
		switch {
		case s == 401 || s == 407 || s == 415 || s == 420 || s == 484:
			return 400
		case s == 482:
			return 405
		case s == 487:
			return 404
		case l.local:
			return 403
		case s == 404 || s == 408 || s == 410 || s == 430 || s == 480:
			return 402
		}
		return 401
	}
}
