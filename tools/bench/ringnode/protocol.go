package ringnode

import (
	"fmt"
	"strings"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Names of events.
const (
	EventReady = "ready" // the node listens and looks for the ring
	EventView  = "view"  // what it sees of the ring has changed, or was asked for
	EventPut   = "put"
	EventGet   = "get"
	EventStats = "stats"
	EventError = "error" // of a command that was not understood
)

// Event is one line of output. But for ready and view, which come when they
// happen, each is the answer to one command, in the order of the commands.
type Event struct {
	Event string `json:"event"`
	Error string `json:"error,omitempty"`

	Value  string `json:"value,omitempty"` // get
	Found  bool   `json:"found,omitempty"`
	Hops   int    `json:"hops,omitempty"`
	Copies int    `json:"copies,omitempty"` // put: on how many disks

	View  *View  `json:"view,omitempty"`
	Stats *Stats `json:"stats,omitempty"`
}

// View is what a node sees of the ring.
type View struct {
	Joined  bool         `json:"joined"`
	Pred    overlay.ID   `json:"pred"`
	Succ    []overlay.ID `json:"succ"`
	Fingers []overlay.ID `json:"fingers,omitempty"`
	Size    int          `json:"size"`
}

func viewOf(v chord.View) *View {
	return &View{Joined: v.Joined, Pred: v.Pred.ID, Succ: ids(v.Succ), Fingers: ids(v.Fingers), Size: v.Size}
}

func ids(peers []overlay.Peer) []overlay.ID {
	out := make([]overlay.ID, len(peers))
	for i, p := range peers {
		out[i] = p.ID
	}
	return out
}

// Stats is what a node has said and heard since it was started.
type Stats struct {
	MessagesOut uint64            `json:"messages_out"`
	BytesOut    uint64            `json:"bytes_out"` // of RELOAD frames, without TLS, TCP and IP
	MessagesIn  uint64            `json:"messages_in"`
	BytesIn     uint64            `json:"bytes_in"`
	Conns       int               `json:"conns"`
	Dropped     map[string]uint64 `json:"dropped,omitempty"`
	In          Tally             `json:"in,omitempty"` // with --tally
}

// command is one line of input.
type command struct{ verb, name, value string }

func parseCommand(line string) (command, error) {
	f := strings.Fields(line)
	if len(f) == 0 {
		return command{}, fmt.Errorf("empty command")
	}
	words := map[string]int{"put": 3, "get": 2, "view": 1, "stats": 1, "quit": 1}
	if words[f[0]] != len(f) {
		return command{}, fmt.Errorf("command %.40q: want put NAME VALUE, get NAME, view, stats or quit", line)
	}
	f = append(f, "", "")
	return command{f[0], f[1], f[2]}, nil
}
