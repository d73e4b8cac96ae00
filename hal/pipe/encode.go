package pipe

import (
	"bytes"
	"encoding/json"
	"time"

	"chordophone/hal"
)

// stamp is RFC 3339 with microseconds.
const stamp = "2006-01-02T15:04:05.000000Z07:00"

// encode returns the line of a notice: its time and name, then its fields.
func encode(t time.Time, n hal.Notice) []byte {
	if l, ok := n.(hal.Lines); ok && l.Lines == nil {
		n = hal.Lines{Lines: []string{}} // an empty display is not null
	}
	head := marshal(struct {
		T     string `json:"t"`
		Event string `json:"event"`
	}{t.UTC().Format(stamp), n.Name()})
	fields := marshal(n)
	if len(fields) > len("{}") {
		head[len(head)-1] = ','
		head = append(head, fields[1:]...)
	}
	return append(head, '\n')
}

func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("BUG: pipe: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// picture is a hal.Picture as an event.
type picture hal.Picture

func (picture) Name() string { return "picture" }

// MarshalJSON keeps the lamps in their order.
func (p picture) MarshalJSON() ([]byte, error) {
	b := []byte(`{"lamps":{`)
	for i, s := range p {
		if i > 0 {
			b = append(b, ',')
		}
		if s == hal.Free { // these lamps have one colour
			s = hal.Off
		}
		b = append(b, '"')
		b = append(b, hal.LampName(i)...)
		b = append(b, `":"`...)
		b = append(b, s.String()...)
		b = append(b, '"')
	}
	return append(b, "}}"...), nil
}
