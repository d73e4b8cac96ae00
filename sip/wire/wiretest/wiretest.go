// Package wiretest has the torture messages of RFC 4475 and RFC 5118, with what
// those RFCs want of who receives them, for tests.
package wiretest

import (
	"embed"
	"fmt"
)

//go:embed testdata/torture/*.dat
var files embed.FS

// Drop is the Status of what is discarded without an answer.
const Drop = -1

// Case is one message.
type Case struct {
	Name   string // as the RFC calls it
	RFC    string // "4475, section 3.1.1.1"
	Status int    // the status it is refused with by whoever reads it, 0: it is read, Drop: it is discarded
	Then   []int  // final statuses that a telephone that is also registrar and proxy may give to what is read; none: any, or a response
	Says   string // the RFC on it
	Data   []byte
}

// Response reports whether the message is a response.
func (c Case) Response() bool { return len(c.Data) > 4 && string(c.Data[:4]) == "SIP/" }

// Torture returns all of them, in the order of the RFCs.
func Torture() []Case {
	all := make([]Case, len(cases))
	for i, c := range cases {
		data, err := files.ReadFile("testdata/torture/" + c.Name + ".dat")
		if err != nil {
			panic(fmt.Sprintf("BUG: %v", err))
		}
		c.Data = data
		all[i] = c
	}
	return all
}

// Message returns one by its name.
func Message(name string) []byte {
	for _, c := range Torture() {
		if c.Name == name {
			return c.Data
		}
	}
	panic("BUG: no torture message " + name)
}
