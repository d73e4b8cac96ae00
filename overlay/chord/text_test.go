package chord

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
)

// One value of each type behind the sealed interfaces.
var (
	allEvents  = []Event{Start{}, Stop{}, Receive{}, Lost{}, Heard{}, Find{}, Get{}, Put{}, Ask{}, Forget{}, Tick{}}
	allActions = []Action{Send{}, Save{}, Drop{}, Found{}, Replied{}, Got{}, Kept{}, Ring{}, Left{}}
	allBodies  = []Body{Ping{}, Pong{}, Join{}, Joined{}, Update{}, Leave{}, Ack{}, Store{}, Stored{},
		Fetch{}, Fetched{}, Stat{}, Versions{}, Error{}}
)

// The lists above lack no type: a new one must get its text.
func TestTextKnowsEveryType(t *testing.T) {
	inSource := map[string][]string{} // by the method that seals
	for _, file := range []string{"event.go", "message.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
				name := fn.Recv.List[0].Type.(*ast.Ident).Name
				inSource[fn.Name.Name] = append(inSource[fn.Name.Name], name)
			}
		}
	}
	check := func(method string, list []string) {
		slices.Sort(inSource[method])
		slices.Sort(list)
		if !slices.Equal(inSource[method], list) {
			t.Errorf("types with method %s():\nin the source %v\nwith a text  %v", method, inSource[method], list)
		}
	}
	check("event", names(allEvents))
	check("action", names(allActions))
	check("body", names(allBodies))
}

func names[T any](list []T) (out []string) {
	for _, v := range list {
		out = append(out, reflect.TypeOf(v).Name())
	}
	return out
}

// filler puts something different from zero everywhere, or nothing at random.
type filler struct {
	rng    *rand.Rand
	sparse bool
	bodies int
}

func (f *filler) value(v reflect.Value) {
	if f.sparse && f.rng.IntN(3) == 0 {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *netip.AddrPort:
		*x = []netip.AddrPort{
			netip.MustParseAddrPort("192.0.2.7:6084"),
			netip.MustParseAddrPort("[2001:db8::1]:1"),
			netip.MustParseAddrPort("[fe80::1%eth0]:65535"),
			netip.MustParseAddrPort("[::ffff:192.0.2.1]:6084"),
		}[f.rng.IntN(4)]
		return
	case *Body:
		b := reflect.New(reflect.TypeOf(allBodies[f.bodies%len(allBodies)])).Elem()
		f.bodies++
		f.value(b)
		*x = b.Interface().(Body)
		return
	case *error:
		*x = []error{ErrTooOld, ErrTimeout, ErrNotJoined, ErrRefused, ErrBusy,
			fmt.Errorf("%w: full {\n (3)", ErrRefused), errors.New("something else")}[f.rng.IntN(7)]
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.value(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.rng.IntN(4), 4)) // empty is not nil
		for i := range v.Len() {
			f.value(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.value(v.Index(i))
		}
	case reflect.String:
		v.SetString([]string{"\xff\x00 {\"a\"}", "line\nnext\ttab", "grüße", "\u2028\u202e"}[f.rng.IntN(4)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(f.rng.Int64())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.rng.Uint64())
	default:
		panic(v.Type().String())
	}
}

// Every event and action comes back from its line as it was, whatever is in it.
func TestTextRoundTrip(t *testing.T) {
	f := &filler{rng: rand.New(rand.NewPCG(1, 2))}
	for turn := range 60 {
		f.sparse = turn%2 == 1
		for _, proto := range allEvents {
			v := reflect.New(reflect.TypeOf(proto)).Elem()
			f.value(v)
			ev := v.Interface().(Event)
			line := EventText(ev)
			back, err := ParseEvent(line)
			if err != nil || !reflect.DeepEqual(back, ev) {
				t.Fatalf("%s\nwas          %#v\ncame back as %#v, %v", line, ev, back, err)
			}
			checkLine(t, line)
		}
		for _, proto := range allActions {
			v := reflect.New(reflect.TypeOf(proto)).Elem()
			f.value(v)
			a := v.Interface().(Action)
			line := ActionText(a)
			back, err := ParseAction(line)
			if err != nil || !reflect.DeepEqual(plain(back), plain(a)) || ActionText(back) != line {
				t.Fatalf("%s\nwas          %#v\ncame back as %#v, %v", line, a, back, err)
			}
			checkLine(t, line)
		}
	}
}

// plain replaces errors by their text and by which they are: errors.New never
// equals another.
func plain(a Action) any {
	text := func(err error) any {
		if err == nil {
			return nil
		}
		for _, known := range []error{ErrTooOld, ErrTimeout, ErrNotJoined, ErrRefused, ErrBusy} {
			if errors.Is(err, known) {
				return [2]string{known.Error(), err.Error()}
			}
		}
		return err.Error()
	}
	switch a := a.(type) {
	case Found:
		err := a.Err
		a.Err = nil
		return []any{a, text(err)}
	case Got:
		err := a.Err
		a.Err = nil
		return []any{a, text(err)}
	case Kept:
		err := a.Err
		a.Err = nil
		return []any{a, text(err)}
	}
	return a
}

func checkLine(t *testing.T, line string) {
	t.Helper()
	if strings.ContainsAny(line, "\n\r\t") {
		t.Fatalf("more than a line: %q", line)
	}
}

// A person can read what happened without the JSON.
func TestTextForPeople(t *testing.T) {
	a := overlay.Peer{ID: overlay.ID{0xaa}, Addr: netip.MustParseAddrPort("192.0.2.1:6084")}
	b := overlay.Peer{ID: overlay.ID{0xbb}}
	r := overlay.Record{Resource: overlay.ID{0xcc}, Kind: overlay.SIPRegistration, Version: overlay.MakeVersion(3, 7)}
	for _, c := range []struct{ line, want string }{
		{EventText(Tick{}), "tick"},
		{EventText(Lost{a.ID}), "lost aa000000"},
		{EventText(Receive{a, Message{From: b, To: []Dest{{overlay.ID{0xdd}, true}}, Body: Ping{}}}),
			"receive Ping from bb000000 by aa000000@192.0.2.1:6084, to whoever has dd000000"},
		{ActionText(Send{a, Message{To: []Dest{{ID: a.ID}}, Body: Pong{Table: Table{Pred: []overlay.Peer{b}, Succ: []overlay.Peer{b}}}}}),
			"send Pong, bb000000 <- -> bb000000 to aa000000@192.0.2.1:6084"},
		{ActionText(Save{r}), "save cc000000/SIP-REGISTRATION@3.7"},
		{ActionText(Kept{Ref: 4, Copies: 3}), "kept #4 on 3 disks"},
		{ActionText(Left{}), "left"},
	} {
		if got, _, _ := strings.Cut(c.line, " {"); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	fill := &filler{rng: rand.New(rand.NewPCG(3, 4))}
	for _, proto := range allEvents {
		v := reflect.New(reflect.TypeOf(proto)).Elem()
		fill.value(v)
		f.Add(EventText(v.Interface().(Event)))
	}
	for _, line := range []string{"", "tick {", "receive {}", `receive {"Msg":{"Body":{"Ping":{},"Pong":{}}}}`, `lost x {"Peer":null}`, "tick {} {}", `tick {"x":1}`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		ev, err := ParseEvent(line)
		if err != nil {
			if !errors.Is(err, ErrText) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := ParseEvent(EventText(ev))
		if err != nil || EventText(again) != EventText(ev) {
			t.Fatalf("%s\nbecame %s, %v", EventText(ev), EventText(again), err)
		}
	})
}

func FuzzParseAction(f *testing.F) {
	fill := &filler{rng: rand.New(rand.NewPCG(5, 6))}
	for _, proto := range allActions {
		v := reflect.New(reflect.TypeOf(proto)).Elem()
		fill.value(v)
		f.Add(ActionText(v.Interface().(Action)))
	}
	f.Fuzz(func(t *testing.T, line string) {
		a, err := ParseAction(line)
		if err != nil {
			return
		}
		again, err := ParseAction(ActionText(a))
		if err != nil || ActionText(again) != ActionText(a) {
			t.Fatalf("%s\nbecame %s, %v", ActionText(a), ActionText(again), err)
		}
	})
}

func TestSeconds(t *testing.T) {
	for _, d := range []time.Duration{0, 1, time.Second, 12345 * time.Millisecond, 100 * time.Second, 1e9 + 1, 1 << 62} {
		back, err := time.ParseDuration(seconds(d))
		if err != nil || back != d {
			t.Errorf("%v is %s and came back as %v, %v", d, seconds(d), back, err)
		}
	}
}
