package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

const mostBytes = 1 << 16 // of a configuration file

// load sets what the file says and src does not yet name, and adds it to src.
func (r *Run) load(src source) error {
	path := r.File()
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if r.Config == "" {
			return nil // it is optional where it belongs
		}
		return wrong(reflect.TypeFor[Run](), "config", "--config", "no file "+path)
	}
	if err != nil {
		return err
	}
	return r.apply(path, text, src)
}

// CheckFile reads a configuration file and says what is wrong with it.
func CheckFile(path string) error {
	text, err := read(path)
	if err != nil {
		return err
	}
	return checkText(path, text)
}

// checkText says what is wrong with a configuration file that says text.
func checkText(path string, text []byte) error {
	r := defaults()
	r.Config = path
	src := source{}
	if err := r.apply(path, text, src); err != nil {
		return err
	}
	return r.check(src)
}

// defaults is Run without flags and without a file.
func defaults() *Run {
	cmd, _, err := parseArgs([]string{"run"}, io.Discard)
	if err != nil {
		panic("BUG: config: " + err.Error())
	}
	return cmd.(*Run)
}

// read returns the whole file. The error may be fs.ErrNotExist.
func read(path string) ([]byte, error) {
	unreadable := func(err error) error {
		return fmt.Errorf("configuration file: %w; name a file that can be read", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(text) > mostBytes {
		return nil, &Error{Where: path, Problem: "longer than 64 KiB", Hint: "this is not a configuration file"}
	}
	return text, nil
}

// apply sets what text says and src does not yet name, and adds it to src.
func (r *Run) apply(path string, text []byte, src source) error {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		e := &Error{Where: path, Problem: strings.TrimPrefix(err.Error(), "toml: "), Hint: `a line is key = "text", key = true, key = 1 or key = ["one", "two"]`}
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, column := at.Position()
			e.Where = fmt.Sprintf("%s:%d:%d", path, line, column)
		}
		return e
	}
	// The decoder knows values, the parser below it knows lines.
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		key, line := keyOf(&p, p.Expression())
		where := fmt.Sprintf("%s:%d: %s", path, line, key)
		field, ok := fieldOf(reflect.TypeFor[Run](), key)
		switch {
		case p.Expression().Kind != unstable.KeyValue:
			return &Error{Where: where, Problem: "sections are not used", Hint: "leave the line in brackets out"}
		case !ok:
			return &Error{Where: where, Problem: "unknown key", Hint: suggest(key)}
		case field.Tag.Get("file") == "-":
			return &Error{Where: where, Problem: "not for the file", Hint: "give --" + key + " on the command line"}
		case key == "data" && r.Config == "":
			return &Error{Where: where, Problem: "this file lies in the data folder", Hint: "give --data on the command line"}
		case src[key] != "":
			continue // the command line was first
		}
		src[key] = where
		if err := setAny(reflect.ValueOf(r).Elem().FieldByIndex(field.Index), values[key]); err != nil {
			return wrong(reflect.TypeFor[Run](), key, where, err.Error())
		}
	}
	return nil
}

// keyOf is an expression's key, dots and all, and its line.
func keyOf(p *unstable.Parser, e *unstable.Node) (key string, line int) {
	for k := e.Key(); k.Next(); {
		if key == "" {
			line = p.Shape(k.Node().Raw).Start.Line
		} else {
			key += "."
		}
		key += string(k.Node().Data)
	}
	return key, line
}

// setAny sets a field from what TOML knows: text, true or false, a whole number,
// or a list of these.
func setAny(field reflect.Value, v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	} else if field.Kind() != reflect.Slice {
		return errors.New("one value, not a list")
	}
	for _, v := range list {
		var text string
		switch v := v.(type) {
		case string:
			text = v
		case bool:
			text = strconv.FormatBool(v)
		case int64:
			text = strconv.FormatInt(v, 10)
		default:
			return errors.New("a value of the wrong kind")
		}
		if field.Kind() != reflect.Slice {
			return set(field, text)
		}
		item := reflect.New(field.Type().Elem()).Elem()
		if err := set(item, text); err != nil {
			return err
		}
		field.Set(reflect.Append(field, item))
	}
	return nil
}

// set sets a value from its text, as kong does for flags.
func set(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	if d, ok := v.Addr().Interface().(*time.Duration); ok {
		var err error
		*d, err = time.ParseDuration(text)
		return err
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither", text)
		}
		v.SetBool(b)
	case reflect.Uint16:
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no number from 0 to 65535", text)
		}
		v.SetUint(n)
	default:
		panic("BUG: config: no way to set a " + v.Type().String())
	}
	return nil
}

// keys lists what a file may say, in order.
func keys() []reflect.StructField {
	var fields []reflect.StructField
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Run]()) {
		if f.IsExported() && f.Tag.Get("file") != "-" {
			fields = append(fields, f)
		}
	}
	return fields
}

// suggest is the key that was meant, or all there are.
func suggest(key string) string {
	best, least := "", 4
	var all []string
	for _, f := range keys() {
		name := f.Tag.Get("name")
		all = append(all, name)
		if d := distance(key, name); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known are " + strings.Join(all, ", ")
}

// distance is how many characters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
