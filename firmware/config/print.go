package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Print writes the configuration file that changes nothing: every key with what
// it does, its default, or commented out an example.
func Print(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("# Configuration of a chordophone. It is read from config.toml in the data folder,\n" +
		"# or from the file named with --config. Every key is also a flag, which overrides it.\n")
	for _, f := range keys() {
		b.WriteByte('\n')
		for _, line := range wrap(f.Tag.Get("help"), 78) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		name := f.Tag.Get("name")
		switch value, example := f.Tag.Get("default"), f.Tag.Get("example"); {
		case example != "" && f.Type.Kind() == reflect.Slice:
			fmt.Fprintf(&b, "#%s = [%q]\n", name, example)
		case example != "":
			fmt.Fprintf(&b, "#%s = %q\n", name, example)
		case f.Type.Kind() == reflect.Bool:
			fmt.Fprintf(&b, "%s = false\n", name)
		default:
			fmt.Fprintf(&b, "%s = %q\n", name, value)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// wrap breaks a text into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
