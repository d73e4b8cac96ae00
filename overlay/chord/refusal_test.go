package chord

import (
	"slices"
	"testing"
	"time"

	"chordophone/overlay"
)

// refused has a node in an office of five carry out a request, while the owner answers
// that it does not know who is responsible, and answer says what the others do. It
// returns how the request ended, and how many messages of its kind were sent.
func refused(n *Node, request Event, answer func(Send) Body) (end Action, to map[overlay.ID]int) {
	const delay = time.Millisecond
	to = make(map[overlay.ID]int)
	var answers []Receive
	now := t0
	take := func(acts []Action) {
		for _, a := range slices.Clone(acts) {
			switch a := a.(type) {
			case Got, Kept:
				end = a
			case Send:
				var body Body
				switch a.Msg.Body.(type) {
				case Ping:
					body = Pong{Table: n.table()}
				case Stat:
					body = Versions{Same: true}
				case Fetch, Store:
					to[a.To.ID]++
					body = Error{Code: TTLExceeded}
					if !a.Msg.To[0].Resource {
						body = answer(a)
					}
				default:
					continue
				}
				answers = append(answers, from(a.To.ID[0]-1, a, body))
			}
		}
	}
	take(n.Step(now, request))
	for end == nil && now.Before(t0.Add(2*n.cfg.OpTimeout)) {
		now = now.Add(delay)
		due := answers
		answers = nil
		for _, r := range due {
			take(n.Step(now, r))
		}
		take(n.Step(now, Tick{}))
	}
	return end, to
}

// An owner that answers with errors only is no better than one that is silent: the others
// are asked.
func TestGetOfErrors(t *testing.T) {
	record := overlay.Record{Resource: id(45), Kind: overlay.SIPRegistration, Version: 1, Lifetime: time.Minute}
	n := member(10, 20, 30, 40, 50)
	end, to := refused(n, Get{1, id(45), []overlay.Kind{overlay.SIPRegistration}}, func(Send) Body {
		return Fetched{Records: []overlay.Record{record}}
	})
	if got, ok := end.(Got); !ok || got.Err != nil || len(got.Records) != 1 || to[id(50)] > 5 {
		t.Errorf("%+v, %v", end, to)
	}
}

// A Put that is answered with errors is not sent ever more often.
func TestPutOfErrors(t *testing.T) {
	n := member(10, 20, 30, 40, 50)
	put := Put{1, overlay.Record{Resource: id(45), Owner: n.self.ID, Kind: overlay.SIPRegistration, Version: 1, Lifetime: time.Minute}}
	end, to := refused(n, put, func(Send) Body { return Error{Code: Forbidden} })
	if kept, ok := end.(Kept); !ok || kept.Err != ErrTimeout {
		t.Errorf("%+v", end)
	}
	others := to[id(20)] + to[id(30)] + to[id(40)]
	if each := int(n.cfg.OpTimeout / slowOwner); others == 0 || others > 3*(each+1) {
		t.Errorf("%d Stores at the others in %v", others, n.cfg.OpTimeout)
	}
	end, _ = refused(member(10, 20, 30, 40, 50), put, func(Send) Body { return Stored{Copies: 1} })
	if kept, ok := end.(Kept); !ok || kept.Err != nil || kept.Copies != 3 {
		t.Errorf("%+v, where the others take it", end)
	}
}
