package chord

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"chordophone/overlay"
)

// JSON of what encoding/json does not write or read by itself: interfaces
// (Body, error), and text that need not be UTF-8. The embedded plain types have
// the fields of the type that they stand for, but not its methods; a field beside
// them hides the one of the same name in them.

// bodyText is a Body as an object with one field, named after its type.
type bodyText struct{ Body }

func bodyName(b Body) string { return reflect.TypeOf(b).Name() }

func (t bodyText) MarshalJSON() ([]byte, error) {
	if t.Body == nil {
		return []byte("null"), nil
	}
	return json.Marshal(map[string]Body{bodyName(t.Body): t.Body})
}

func (t *bodyText) UnmarshalJSON(data []byte) (err error) {
	var byName map[string]json.RawMessage
	if err := strict(data, &byName); err != nil {
		return err
	}
	if byName == nil {
		return nil
	}
	if len(byName) != 1 {
		return errors.New("a body has one name")
	}
	for name, data := range byName {
		t.Body, err = readBody(name, data)
	}
	return err
}

func readBody(name string, data []byte) (Body, error) {
	switch name {
	case "Ping":
		return read[Body, Ping](data)
	case "Pong":
		return read[Body, Pong](data)
	case "Join":
		return read[Body, Join](data)
	case "Joined":
		return read[Body, Joined](data)
	case "Update":
		return read[Body, Update](data)
	case "Leave":
		return read[Body, Leave](data)
	case "Ack":
		return read[Body, Ack](data)
	case "Store":
		return read[Body, Store](data)
	case "Stored":
		return read[Body, Stored](data)
	case "Fetch":
		return read[Body, Fetch](data)
	case "Fetched":
		return read[Body, Fetched](data)
	case "Stat":
		return read[Body, Stat](data)
	case "Versions":
		return read[Body, Versions](data)
	case "Error":
		return read[Body, Error](data)
	}
	return nil, fmt.Errorf("unknown body %.40q", name)
}

type plainMessage Message

type messageText struct {
	plainMessage
	Body bodyText
}

// MarshalJSON implements json.Marshaler.
func (m Message) MarshalJSON() ([]byte, error) {
	return json.Marshal(messageText{plainMessage(m), bodyText{m.Body}})
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Message) UnmarshalJSON(data []byte) error {
	var t messageText
	if err := strict(data, &t); err != nil {
		return err
	}
	*m = Message(t.plainMessage)
	m.Body = t.Body.Body
	return nil
}

type plainError Error

type errorText struct {
	plainError
	Info []byte // it came from the network
}

// MarshalJSON implements json.Marshaler.
func (e Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(errorText{plainError(e), []byte(e.Info)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Error) UnmarshalJSON(data []byte) error {
	var t errorText
	if err := strict(data, &t); err != nil {
		return err
	}
	*e = Error{t.Code, string(t.Info)}
	return nil
}

// heldText has the Slot beside the Version, where Held would be read and written
// as its Slot alone.
type heldText struct {
	Slot    overlay.Slot
	Version overlay.Version
	Sum     uint64
}

// MarshalJSON implements json.Marshaler.
func (h Held) MarshalJSON() ([]byte, error) { return json.Marshal(heldText{h.Slot, h.Version, h.Sum}) }

// UnmarshalJSON implements json.Unmarshaler.
func (h *Held) UnmarshalJSON(data []byte) error {
	var t heldText
	if err := strict(data, &t); err != nil {
		return err
	}
	*h = Held{t.Slot, t.Version, t.Sum}
	return nil
}

type plainAsk Ask

type askText struct {
	plainAsk
	Body bodyText
}

// MarshalJSON implements json.Marshaler.
func (a Ask) MarshalJSON() ([]byte, error) {
	return json.Marshal(askText{plainAsk(a), bodyText{a.Body}})
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *Ask) UnmarshalJSON(data []byte) error {
	var t askText
	if err := strict(data, &t); err != nil {
		return err
	}
	*a = Ask(t.plainAsk)
	a.Body = t.Body.Body
	return nil
}

type plainReplied Replied

type repliedText struct {
	plainReplied
	Body bodyText
}

// MarshalJSON implements json.Marshaler.
func (r Replied) MarshalJSON() ([]byte, error) {
	return json.Marshal(repliedText{plainReplied(r), bodyText{r.Body}})
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Replied) UnmarshalJSON(data []byte) error {
	var t repliedText
	if err := strict(data, &t); err != nil {
		return err
	}
	*r = Replied(t.plainReplied)
	r.Body = t.Body.Body
	return nil
}

// failure is an error as its text, null for none. Those of this package are
// known again.
type failure struct{ error }

func (f failure) MarshalJSON() ([]byte, error) {
	if f.error == nil {
		return []byte("null"), nil
	}
	return json.Marshal(f.Error())
}

func (f *failure) UnmarshalJSON(data []byte) error {
	var text *string
	if err := strict(data, &text); err != nil || text == nil {
		return err
	}
	for _, known := range []error{ErrTooOld, ErrTimeout, ErrNotJoined, ErrRefused, ErrBusy} {
		if rest, ok := strings.CutPrefix(*text, known.Error()); ok && rest == "" {
			f.error = known
			return nil
		} else if rest, colon := strings.CutPrefix(rest, ": "); ok && colon {
			f.error = fmt.Errorf("%w: %s", known, rest)
			return nil
		}
	}
	f.error = errors.New(*text)
	return nil
}

type plainFound Found

type foundText struct {
	plainFound
	Err failure
}

// MarshalJSON implements json.Marshaler.
func (f Found) MarshalJSON() ([]byte, error) {
	return json.Marshal(foundText{plainFound(f), failure{f.Err}})
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *Found) UnmarshalJSON(data []byte) error {
	var t foundText
	if err := strict(data, &t); err != nil {
		return err
	}
	*f = Found(t.plainFound)
	f.Err = t.Err.error
	return nil
}

type plainGot Got

type gotText struct {
	plainGot
	Err failure
}

// MarshalJSON implements json.Marshaler.
func (g Got) MarshalJSON() ([]byte, error) {
	return json.Marshal(gotText{plainGot(g), failure{g.Err}})
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *Got) UnmarshalJSON(data []byte) error {
	var t gotText
	if err := strict(data, &t); err != nil {
		return err
	}
	*g = Got(t.plainGot)
	g.Err = t.Err.error
	return nil
}

type plainKept Kept

type keptText struct {
	plainKept
	Err failure
}

// MarshalJSON implements json.Marshaler.
func (k Kept) MarshalJSON() ([]byte, error) {
	return json.Marshal(keptText{plainKept(k), failure{k.Err}})
}

// UnmarshalJSON implements json.Unmarshaler.
func (k *Kept) UnmarshalJSON(data []byte) error {
	var t keptText
	if err := strict(data, &t); err != nil {
		return err
	}
	*k = Kept(t.plainKept)
	k.Err = t.Err.error
	return nil
}
