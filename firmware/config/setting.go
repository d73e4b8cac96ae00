package config

import (
	"encoding"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Where a value comes from.
const (
	FromDefault = "default"
	FromFile    = "file"
	FromFlag    = "flag"
)

// Setting is a key with what holds for it. Values are as they would be written, with
// stars for secrets; there is none where nothing is set, and several only of a key that
// may be given more than once.
type Setting struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
	Source string   `json:"source"` // FromDefault, FromFile or FromFlag

	// Changed is whether the file says otherwise by now: then Next holds from the
	// next start on.
	Changed bool     `json:"changed"`
	Next    []string `json:"next,omitempty"`
}

// Report is what holds for a telephone that runs.
type Report struct {
	File     string    `json:"file"`              // that Edit changes, whether or not it exists
	Problem  string    `json:"problem,omitempty"` // of the file as it is now: the telephone would not start with it
	Settings []Setting `json:"settings"`          // of every key, in the order in which Print has them
}

// Report tells what holds, and what would hold after a start with the same flags and the
// file as it is now. r is from Parse.
func (r *Run) Report() Report {
	path, next, err := r.next()
	report := Report{File: path}
	if err != nil {
		report.Problem, next = err.Error(), r
	}
	for _, f := range keys() {
		report.Settings = append(report.Settings, r.setting(f, next))
	}
	return report
}

// setting is what holds for a key, and will hold.
func (r *Run) setting(f reflect.StructField, next *Run) Setting {
	now, then := r.value(f), next.value(f)
	s := Setting{Key: f.Tag.Get("name"), Values: texts(now), Source: r.from.kind(f.Tag.Get("name"))}
	if !reflect.DeepEqual(now.Interface(), then.Interface()) {
		s.Changed, s.Next = true, texts(then)
	}
	return s
}

func (r *Run) value(f reflect.StructField) reflect.Value {
	return reflect.ValueOf(r).Elem().FieldByIndex(f.Index)
}

// kind is where the value of a key comes from.
func (s source) kind(key string) string {
	switch where := s[key]; {
	case where == "":
		return FromDefault
	case where == "--"+key:
		return FromFlag
	}
	return FromFile
}

// editable is the file that Edit changes: that of File, but where no file is read at
// all (the appliance's safe start names the null device) the one in the data folder.
func (r *Run) editable() string {
	if r.Config == os.DevNull {
		return filepath.Join(r.Data, fileName)
	}
	return r.File()
}

// next is what a start with the same flags would make of the file.
func (r *Run) next() (path string, next *Run, err error) {
	path = r.editable()
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return path, nil, err
	}
	next, err = r.again(path, text)
	return path, next, err
}

// again is what a start with the same flags would make of a file at path that says text.
func (r *Run) again(path string, text []byte) (*Run, error) {
	next, src := defaults(), source{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Run]()) {
		if name := f.Tag.Get("name"); f.IsExported() && r.from.kind(name) == FromFlag {
			next.value(f).Set(r.value(f))
			src[name] = r.from[name]
		}
	}
	if path != r.File() {
		next.Config = ""
	}
	if err := next.apply(path, text, src); err != nil {
		return nil, err
	}
	if err := next.check(src); err != nil {
		return nil, err
	}
	next.from = src
	return next, nil
}

// texts are a value as it would be written in the file, secrets starred: none for one
// that is not set.
func texts(v reflect.Value) []string {
	all := []string{}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			all = append(all, text(v.Index(i)))
		}
	} else if s := text(v); s != "" {
		all = append(all, s)
	}
	return all
}

func text(v reflect.Value) string {
	switch v := v.Interface().(type) {
	case Account:
		return v.User + ":" + v.Password.String()
	case slog.Level:
		return strings.ToLower(v.String())
	case time.Duration:
		return short(v)
	case encoding.TextMarshaler: // a Secret's is stars
		b, err := v.MarshalText()
		if err != nil {
			panic("BUG: config: " + err.Error())
		}
		return string(b)
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Uint16:
		return strconv.FormatUint(v.Uint(), 10)
	}
	panic("BUG: config: no way to write a " + v.Type().String())
}

// short is a time without the noughts that time.Duration writes behind it.
func short(d time.Duration) string {
	s := d.String()
	for _, noughts := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, noughts) {
			s = s[:len(s)-2]
		}
	}
	return s
}
