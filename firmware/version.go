package firmware

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// edition says what program this is, and what it was built from.
type edition struct {
	Version string     `json:"version"`
	Go      string     `json:"go"`
	OS      string     `json:"os"`
	Arch    string     `json:"arch"`
	Modules []material `json:"modules"` // all that is linked into it
}

// material is a Go module as go.sum names it: the bill of materials of the program
// is a list of them.
type material struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum"`
}

func newEdition(version string) edition {
	e := edition{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Modules: []material{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			e.Modules = append(e.Modules, material{m.Path, m.Version, m.Sum})
		}
	}
	return e
}

func printVersion(out io.Writer, version string, asJSON bool) error {
	e := newEdition(version)
	if asJSON {
		return json.NewEncoder(out).Encode(e)
	}
	_, err := fmt.Fprintf(out, "chordophone %s (%s, %s/%s)\n", e.Version, e.Go, e.OS, e.Arch)
	return err
}
