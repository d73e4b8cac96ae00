package metrics

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
)

// Kind is how a figure behaves.
type Kind string

const (
	Counter Kind = "counter" // only grows until the program restarts
	Gauge   Kind = "gauge"
)

// Family is one figure, or one for each value of its labels.
type Family struct {
	Name    string   `json:"name"` // of a counter: ends in _total
	Help    string   `json:"help"`
	Kind    Kind     `json:"type"`
	Samples []Sample `json:"samples"`
}

// Sample is a value with the labels that tell it from others of its family.
type Sample struct {
	Labels []Label `json:"labels,omitempty"`
	Value  float64 `json:"value"`
}

// Label is one label of a sample.
type Label struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Number is what a value can be made of.
type Number interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64 | ~float64
}

// Count is a counter with one sample.
func Count[N Number](name, help string, value N) Family {
	return Family{name, help, Counter, []Sample{{Value: float64(value)}}}
}

// Measure is a gauge with one sample.
func Measure[N Number](name, help string, value N) Family {
	return Family{name, help, Gauge, []Sample{{Value: float64(value)}}}
}

// With is a sample with one label.
func With[N Number](label, of string, value N) Sample {
	return Sample{[]Label{{label, of}}, float64(value)}
}

// Flag is 1 for true.
func Flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Write writes the families with one call of w.Write. One without samples is left
// out.
func Write(w io.Writer, families []Family) error {
	var b bytes.Buffer
	for _, f := range families {
		if len(f.Samples) == 0 {
			continue
		}
		b.WriteString("# HELP " + f.Name + " " + inHelp.Replace(f.Help) + "\n")
		b.WriteString("# TYPE " + f.Name + " " + string(f.Kind) + "\n")
		for _, s := range f.Samples {
			b.WriteString(f.Name)
			for i, l := range s.Labels {
				b.WriteByte("{,"[min(i, 1)])
				b.WriteString(l.Name + `="` + inValue.Replace(strings.ToValidUTF8(l.Value, "?")) + `"`)
			}
			if len(s.Labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteString(" " + number(s.Value) + "\n")
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// What the format wants escaped, in the words of help and in the value of a label.
var (
	inHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	inValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64) // NaN, too
}
