package config

import (
	"bytes"
	"errors"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Edit returns the configuration file, at path, with other values for a key; without
// values the key is taken out. All else stays as it is: order, remarks, empty lines. It
// writes nothing. r is from Parse, and what it was started with would start with this
// file again: otherwise the error is an *Error.
func (r *Run) Edit(key string, values []string) (path string, edited []byte, err error) {
	field, ok := fieldOf(reflect.TypeFor[Run](), key)
	switch {
	case !ok:
		return "", nil, &Error{Where: key, Problem: "unknown key", Hint: suggest(key)}
	case field.Tag.Get("file") == "-":
		return "", nil, &Error{Where: key, Problem: "not for the file", Hint: "give --" + key + " on the command line"}
	case slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }):
		return "", nil, wrong(reflect.TypeFor[Run](), key, key, "not UTF-8")
	}
	path = r.editable()
	old, err := read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	edited = replace(old, key, assignment(field, values))
	if len(edited) > mostBytes {
		return "", nil, &Error{Where: path, Problem: "it would be longer than 64 KiB", Hint: "leave something out"}
	}
	err = checkText(path, edited)
	if err == nil {
		_, err = r.again(path, edited)
	}
	var e *Error
	if errors.As(err, &e) && strings.HasSuffix(e.Where, ": "+key) {
		e.Where = key // the line is of a file that nobody sees
	}
	return path, edited, err
}

// assignment is the line that gives values to a key, "" for none.
func assignment(field reflect.StructField, values []string) string {
	if len(values) == 0 {
		return ""
	}
	var value any = values
	if one := values[0]; len(values) == 1 && field.Type.Kind() != reflect.Slice {
		value = one
		// What is neither is text, and then it is refused as a value of the key.
		if n, err := strconv.ParseUint(one, 10, 16); err == nil && field.Type.Kind() == reflect.Uint16 {
			value = n
		} else if b, err := strconv.ParseBool(one); err == nil && field.Type.Kind() == reflect.Bool {
			value = b
		}
	}
	line, err := toml.Marshal(map[string]any{field.Tag.Get("name"): value})
	if err != nil {
		panic("BUG: config: " + err.Error())
	}
	return strings.TrimSuffix(string(line), "\n")
}

// replace puts line in the place of the expression that sets key; "" takes it out.
// Where there is none, the line comes behind the remark that shows how it would look,
// or at the end.
func replace(text []byte, key, line string) []byte {
	example := regexp.MustCompile(`^#\s*` + regexp.QuoteMeta(key) + `\s*=`)
	behind := -1
	p := unstable.Parser{KeepComments: true}
	p.Reset(text)
	for p.NextExpression() {
		e := p.Expression()
		from, to := int(e.Raw.Offset), int(e.Raw.Offset+e.Raw.Length)
		if e.Kind == unstable.Comment {
			if behind < 0 && example.Match(e.Data) {
				behind = to
			}
			continue
		}
		if name, _ := keyOf(&p, e); name != key || e.Kind != unstable.KeyValue {
			continue
		}
		if line == "" {
			from, to = wholeLine(text, from, to)
		}
		return slices.Concat(text[:from], []byte(line), text[to:])
	}
	switch {
	case line == "":
		return text
	case behind >= 0:
		return slices.Concat(text[:behind], []byte("\n"+line), text[behind:])
	case len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")):
		line = "\n" + line
	}
	return append(bytes.Clone(text), line+"\n"...)
}

// wholeLine widens a part of text to its lines, unless a remark stands beside it.
func wholeLine(text []byte, from, to int) (int, int) {
	end := len(text)
	if i := bytes.IndexByte(text[to:], '\n'); i >= 0 {
		end = to + i + 1
	}
	if len(bytes.TrimSpace(text[to:end])) > 0 {
		return from, to
	}
	return bytes.LastIndexByte(text[:from], '\n') + 1, end
}
