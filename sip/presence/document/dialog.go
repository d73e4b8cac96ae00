package document

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// DialogType is the type of a printed DialogInfo.
const DialogType = "application/dialog-info+xml"

// MaxDialogs is how many dialogs one document holds; further ones are left out.
const MaxDialogs = 32

// States of a dialog: RFC 4235, section 3.7.1.
const (
	Trying     = "trying"
	Proceeding = "proceeding"
	Early      = "early"
	Confirmed  = "confirmed"
	Terminated = "terminated"
)

// Dialog is the state of one dialog as its user sees it.
type Dialog struct {
	ID        string // unique within the document
	CallID    string
	LocalTag  string
	RemoteTag string
	Initiator bool // the user made the call
	State     string
	Remote    string // URI of the other side
	Name      string // ... and how it calls itself
	Held      bool   // the user renders nothing of what comes
}

// DialogInfo is a dialog-info document: always the full state.
type DialogInfo struct {
	Entity      string
	Version     uint32 // one more in each document of a subscription
	Dialogs     []Dialog
	Unreachable bool // nobody could be asked: no dialogs
}

// Equal reports whether both say the same, whatever their versions.
func (d DialogInfo) Equal(e DialogInfo) bool {
	return d.Entity == e.Entity && d.Unreachable == e.Unreachable && slices.Equal(d.Dialogs, e.Dialogs)
}

// ParseDialogInfo reads a dialog-info document of full state.
func ParseDialogInfo(octets []byte) (DialogInfo, error) {
	root, err := read(octets, dialogSpace, "dialog-info")
	if err != nil {
		return DialogInfo{}, err
	}
	version, err := strconv.ParseUint(root.attr("version"), 10, 32)
	if err != nil {
		return DialogInfo{}, malformed("version %.20q", root.attr("version"))
	}
	if s := root.attr("state"); s != "full" {
		return DialogInfo{}, malformed("state %.20q", s)
	}
	d := DialogInfo{Entity: root.attr("entity"), Version: uint32(version), Unreachable: root.first(ownSpace, unreachable) != nil}
	if err := identifier("entity", d.Entity); err != nil {
		return DialogInfo{}, err
	}
	if d.Unreachable {
		return d, nil
	}
	for _, e := range root.all(dialogSpace, "dialog") {
		if len(d.Dialogs) == MaxDialogs {
			return DialogInfo{}, malformed("more than %d dialogs", MaxDialogs)
		}
		one, err := parseDialog(e)
		if err != nil {
			return DialogInfo{}, err
		}
		d.Dialogs = append(d.Dialogs, one)
	}
	return d, nil
}

func parseDialog(e *element) (Dialog, error) {
	d := Dialog{ID: e.attr("id"), CallID: e.attr("call-id"), LocalTag: e.attr("local-tag"), RemoteTag: e.attr("remote-tag")}
	if err := identifier("id", d.ID); err != nil {
		return d, err
	}
	for _, s := range []string{d.CallID, d.LocalTag, d.RemoteTag} {
		if s != "" {
			if err := identifier("call-id or tag", s); err != nil {
				return d, err
			}
		}
	}
	switch dir := e.attr("direction"); dir {
	case "initiator":
		d.Initiator = true
	case "recipient", "":
	default:
		return d, malformed("direction %.20q", dir)
	}
	state := e.first(dialogSpace, "state")
	if state == nil || !slices.Contains([]string{Trying, Proceeding, Early, Confirmed, Terminated}, state.text) {
		return d, malformed("dialog without state")
	}
	d.State = state.text
	if local := e.first(dialogSpace, "local"); local != nil {
		if target := local.first(dialogSpace, "target"); target != nil {
			for _, p := range target.all(dialogSpace, "param") {
				// RFC 4235 writes it both ways.
				if strings.TrimPrefix(p.attr("pname"), "+") == "sip.rendering" && p.attr("pval") == "no" {
					d.Held = true
				}
			}
		}
	}
	if remote := e.first(dialogSpace, "remote"); remote != nil {
		if id := remote.first(dialogSpace, "identity"); id != nil && id.text != "" {
			if err := identifier("identity", id.text); err != nil {
				return d, err
			}
			// The text and the examples of RFC 4235 say display, its schema display-name.
			name := cmp.Or(id.attr("display"), id.attr("display-name"))
			d.Remote, d.Name = id.text, plain(strings.Join(strings.Fields(name), " "), maxNote)
		}
	}
	return d, nil
}

// Bytes prints d.
func (d DialogInfo) Bytes() []byte {
	var b strings.Builder
	b.WriteString(header)
	fmt.Fprintf(&b, `<dialog-info xmlns="%s" version="%d" state="full" entity="%s">`+"\n", dialogSpace, d.Version, escaped(d.Entity))
	if d.Unreachable {
		fmt.Fprintf(&b, `<unreachable xmlns="%s"/>`+"\n", ownSpace)
		d.Dialogs = nil
	}
	for _, one := range d.Dialogs[:min(len(d.Dialogs), MaxDialogs)] {
		one.print(&b, d.Entity)
	}
	b.WriteString("</dialog-info>\n")
	return []byte(b.String())
}

func (d Dialog) print(b *strings.Builder, entity string) {
	attr := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, ` %s="%s"`, name, escaped(value))
		}
	}
	b.WriteString("<dialog")
	attr("id", d.ID)
	attr("call-id", d.CallID)
	attr("local-tag", d.LocalTag)
	attr("remote-tag", d.RemoteTag)
	if d.Initiator {
		attr("direction", "initiator")
	} else {
		attr("direction", "recipient")
	}
	fmt.Fprintf(b, "><state>%s</state>", d.State)
	if d.Held {
		fmt.Fprintf(b, `<local><target uri="%s"><param pname="+sip.rendering" pval="no"/></target></local>`, escaped(entity))
	}
	if d.Remote != "" {
		b.WriteString("<remote><identity")
		attr("display", d.Name)
		fmt.Fprintf(b, ">%s</identity></remote>", escaped(d.Remote))
	}
	b.WriteString("</dialog>\n")
}
