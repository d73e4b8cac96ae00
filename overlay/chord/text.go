package chord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"chordophone/overlay"
)

// The text of an event or action is one line: its name, a few words for people,
// and JSON that holds all of it, octet for octet. Only name and JSON are read
// back; an event or action without fields is its name alone.
//
//	receive Pong from 5e0aa1d2@192.0.2.7:6084, 9d41c0ee <- -> 9d41c0ee {"From":{"ID":...
//	tick

// ErrText means that a text is no event, action or recording.
var ErrText = errors.New("chord: not a recording")

// EventText is the text of an event.
func EventText(ev Event) string { return text(ev, aboutEvent(ev)) }

// ActionText is the text of an action.
func ActionText(a Action) string { return text(a, aboutAction(a)) }

// ParseEvent reads what EventText wrote.
func ParseEvent(line string) (Event, error) {
	word, data := split(line)
	switch word {
	case "start":
		return read[Event, Start](data)
	case "stop":
		return read[Event, Stop](data)
	case "receive":
		return read[Event, Receive](data)
	case "lost":
		return read[Event, Lost](data)
	case "heard":
		return read[Event, Heard](data)
	case "find":
		return read[Event, Find](data)
	case "get":
		return read[Event, Get](data)
	case "put":
		return read[Event, Put](data)
	case "forget":
		return read[Event, Forget](data)
	case "ask":
		return read[Event, Ask](data)
	case "tick":
		return read[Event, Tick](data)
	}
	return nil, fmt.Errorf("%w: unknown event %.40q", ErrText, word)
}

// ParseAction reads what ActionText wrote.
func ParseAction(line string) (Action, error) {
	word, data := split(line)
	switch word {
	case "send":
		return read[Action, Send](data)
	case "save":
		return read[Action, Save](data)
	case "drop":
		return read[Action, Drop](data)
	case "found":
		return read[Action, Found](data)
	case "replied":
		return read[Action, Replied](data)
	case "got":
		return read[Action, Got](data)
	case "kept":
		return read[Action, Kept](data)
	case "ring":
		return read[Action, Ring](data)
	case "left":
		return read[Action, Left](data)
	}
	return nil, fmt.Errorf("%w: unknown action %.40q", ErrText, word)
}

// text puts a line together. The words for people may hold what came from the
// network: they stay on one line, and nothing in them looks like JSON.
func text(v any, about string) string {
	t := reflect.TypeOf(v)
	line := strings.ToLower(t.Name())
	if about != "" {
		line += " " + strings.Map(func(r rune) rune {
			if r == '{' || !unicode.IsPrint(r) {
				return '?'
			}
			return r
		}, about)
	}
	if t.NumField() == 0 {
		return line
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: chord: " + err.Error())
	}
	return line + " " + string(data)
}

// split takes a line apart into its name and its JSON.
func split(line string) (word string, data []byte) {
	i := strings.IndexByte(line, '{')
	if i < 0 {
		return line, []byte("{}")
	}
	word, _, _ = strings.Cut(line[:i], " ")
	return word, []byte(line[i:])
}

// read reads a T, which is an I.
func read[I, T any](data []byte) (v I, err error) {
	var t T
	if err := strict(data, &t); err != nil {
		return v, fmt.Errorf("%w: %s: %v", ErrText, strings.ToLower(reflect.TypeFor[T]().Name()), err)
	}
	return any(t).(I), nil
}

// strict is json.Unmarshal that refuses what it does not know.
func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the end")
	}
	return nil
}

// aboutEvent is what a person wants to know of an event at a glance.
func aboutEvent(ev Event) string {
	switch ev := ev.(type) {
	case Start:
		return fmt.Sprintf("knows %d, has%s", len(ev.Known), aboutRecords(ev.Records))
	case Receive:
		s := aboutBody(ev.Msg.Body) + " from " + ev.Msg.From.String()
		if ev.Msg.From.ID != ev.From.ID {
			s += " by " + ev.From.String()
		}
		return s + aboutWay(ev.Msg)
	case Lost:
		return ev.Peer.Short()
	case Heard:
		return strings.TrimSpace(aboutPeers(ev.Peers))
	case Find:
		return aboutRef(ev.Ref) + ev.Key.Short()
	case Get:
		return aboutRef(ev.Ref) + ev.Resource.Short()
	case Put:
		return aboutRef(ev.Ref) + aboutRecord(ev.Record)
	case Forget:
		return fmt.Sprintf("%d records", len(ev.Slots))
	case Ask:
		return aboutRef(ev.Ref) + aboutBody(ev.Body) + " to " + ev.To.String()
	}
	return ""
}

func aboutAction(a Action) string {
	switch a := a.(type) {
	case Send:
		return aboutBody(a.Msg.Body) + " to " + a.To.String() + aboutWay(a.Msg)
	case Save:
		return aboutRecord(a.Record)
	case Drop:
		return a.Slot.Resource.Short() + " " + a.Slot.Kind.String()
	case Found:
		return aboutRef(a.Ref) + a.Peer.String() + ", " + strconv.Itoa(len(a.Path)) + " hops" + aboutError(a.Err)
	case Replied:
		return aboutRef(a.Ref) + aboutBody(a.Body)
	case Got:
		return aboutRef(a.Ref) + strconv.Itoa(a.Hops) + " hops," + aboutRecords(a.Records) + aboutError(a.Err)
	case Kept:
		return aboutRef(a.Ref) + "on " + strconv.Itoa(a.Copies) + " disks" + aboutError(a.Err)
	case Ring:
		s := a.View.Pred.ID.Short() + " <- " + a.View.Self.ID.Short() + " ->" + aboutPeers(a.View.Succ) + ", size " + strconv.Itoa(a.View.Size)
		if !a.View.Joined {
			s += ", not joined"
		}
		return s
	}
	return ""
}

func aboutRef(ref uint64) string { return "#" + strconv.FormatUint(ref, 10) + " " }

func aboutError(err error) string {
	if err == nil {
		return ""
	}
	return ", " + err.Error()
}

func aboutPeers(list []overlay.Peer) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(" " + p.ID.Short())
	}
	return b.String()
}

func aboutRecord(r overlay.Record) string {
	s := fmt.Sprintf("%s/%v@%d.%d", r.Resource.Short(), r.Kind, r.Version.Epoch(), r.Version.Counter())
	if r.Removed {
		s += " removed"
	}
	return s
}

func aboutRecords(list []overlay.Record) string {
	if len(list) == 0 {
		return " nothing"
	}
	const most = 8
	var b strings.Builder
	for _, r := range list[:min(len(list), most)] {
		b.WriteString(" " + aboutRecord(r))
	}
	if len(list) > most {
		fmt.Fprintf(&b, " and %d more", len(list)-most)
	}
	return b.String()
}

func aboutBody(b Body) string {
	if b == nil {
		return "nothing"
	}
	s := bodyName(b)
	table := func(t Table) string { return s + "," + aboutPeers(t.Pred) + " <- ->" + aboutPeers(t.Succ) }
	switch b := b.(type) {
	case Pong:
		if b.Same {
			return s + ", the same"
		}
		return table(b.Table)
	case Joined:
		return table(b.Table)
	case Update:
		return table(b.Table)
	case Leave:
		return table(b.Table)
	case Store:
		return s + " #" + strconv.Itoa(int(b.Replica)) + aboutRecords(b.Records)
	case Stored:
		return s + " " + strconv.Itoa(int(b.Copies))
	case Fetch:
		return s + " " + b.Resource.Short()
	case Fetched:
		if b.Same {
			return s + ", the same"
		}
		return s + aboutRecords(b.Records)
	case Stat:
		return s + " " + b.After.Short() + " to " + b.Upto.Short()
	case Versions:
		if b.Same {
			return s + ", the same"
		}
		return s + " of " + strconv.Itoa(len(b.Held))
	case Error:
		return s + " " + strconv.Itoa(int(b.Code)) + " " + strconv.Quote(b.Info)
	}
	return s
}

// aboutWay is where a message is to go, where that is not plain.
func aboutWay(m Message) string {
	switch {
	case len(m.To) == 0:
		return ", to nobody"
	case m.To[0].Resource:
		return ", to whoever has " + m.To[0].ID.Short()
	case len(m.To) > 1:
		return ", for " + m.To[len(m.To)-1].ID.Short()
	}
	return ""
}
