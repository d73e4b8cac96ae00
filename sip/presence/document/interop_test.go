//go:build interop

package document

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// What is printed is XML to a parser that others wrote, and says there what it
// says here.
func TestXmllint(t *testing.T) {
	said := func(octets []byte, xpath, want string) {
		t.Helper()
		cmd := exec.Command("xmllint", "--nonet", "--xpath", xpath, "-")
		cmd.Stdin = bytes.NewReader(octets)
		out, err := cmd.CombinedOutput()
		if err != nil || strings.TrimRight(string(out), "\n") != want {
			t.Errorf("%s: %q, %v; want %q", xpath, out, err, want)
		}
	}
	in := func(space, local string) string {
		return `//*[namespace-uri()="` + space + `" and local-name()="` + local + `"]`
	}
	p := presences[2].Bytes()
	said(p, "string("+in(pidfSpace, "basic")+")", "open")
	said(p, "string("+in(pidfSpace, "note")+")", presences[2].Note)
	said(p, "count("+in(modelSpace, "person")+"/*/"+in(rpidSpace, "on-the-phone")[2:]+")", "1")
	said(presences[3].Bytes(), "count("+in(ownSpace, unreachable)+")", "1")
	d := dialogInfos[2].Bytes()
	said(d, "string("+in(dialogSpace, "dialog")+"[1]/@call-id)", dialogInfos[2].Dialogs[0].CallID)
	said(d, "string("+in(dialogSpace, "identity")+"/@display)", dialogInfos[2].Dialogs[0].Name)
	said(d, "count("+in(dialogSpace, "dialog")+")", "2")
	l := lists[1].Bytes()
	said(l, "string("+in(rlmiSpace, "resource")+"[1]/"+in(rlmiSpace, "name")[2:]+")", lists[1].Resources[0].Name)
	said(l, "string("+in(rlmiSpace, "instance")+"[1]/@cid)", "x@y")
}
