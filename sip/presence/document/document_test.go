package document

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// What desk phones and softphones publish, in three dialects.
func TestParsePresence(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Presence
	}{
		"tuple and person": {`<?xml version="1.0" encoding="UTF-8"?>
			<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:p="urn:ietf:params:xml:ns:pidf:data-model"
				xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:105@office">
			<tuple id="a"><status><basic> open </basic></status><contact priority="0.8">sip:105@office</contact></tuple>
			<p:person id="b"><r:activities><r:on-the-phone/><r:note>x</r:note><r:busy/><r:busy/></r:activities><p:note>In a
			 call</p:note></p:person></presence>`,
			Presence{Entity: "sip:105@office", Basic: Open, Activities: []string{"on-the-phone", "busy"}, Note: "In a call"}},
		"several tuples": {`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:105@office">
			<tuple id="a"><status><basic>closed</basic></status><note>first</note></tuple>
			<tuple id="b"><status><basic>open</basic></status><note>second</note></tuple></presence>`,
			Presence{Entity: "pres:105@office", Basic: Open, Note: "first"}},
		"nothing known": {`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:105@office"/>`, Presence{Entity: "sip:105@office"}},
		"note of all": {`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:105@office"><tuple id="a"><status/></tuple>
			<note xml:lang="en">lunch &amp; walk</note><x xmlns="urn:x"><y/></x></presence>`,
			Presence{Entity: "sip:105@office", Note: "lunch & walk"}},
		"a prefix for everything": {`<q:presence xmlns:q="urn:ietf:params:xml:ns:pidf" entity="sip:105@office"><q:tuple id="a"><q:status>
			<q:basic>closed</q:basic></q:status></q:tuple></q:presence>`, Presence{Entity: "sip:105@office", Basic: Closed}},
	} {
		got, err := ParsePresence([]byte(c.text))
		if err != nil || !got.Equal(c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestMalformedPresence(t *testing.T) {
	in := func(s string) string {
		return `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:105@office">` + s + `</presence>`
	}
	for _, text := range []string{
		"", "x", "<presence/>", in("") + in(""), in("<tuple>"), `<presence xmlns="urn:ietf:params:xml:ns:pidf"/>`,
		`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="a b"/>`,
		`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="a" entity="b"/>`,
		`<!DOCTYPE presence [<!ENTITY a "b">]>` + in("&a;"), in("&a;"), in("x\x00"), in("\xff"),
		`<?xml version="1.0" encoding="UTF-16"?>` + in(""),
		in(`<tuple><status/></tuple>`), in(`<tuple id="a"/>`), in(`<tuple id="a"><status><basic>ajar</basic></status></tuple>`),
		in(strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth)),
		in(strings.Repeat("<a/>", maxElements)), in(strings.Repeat(" ", MaxDocument)),
	} {
		if p, err := ParsePresence([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.80q: %+v, %v", text, p, err)
		}
	}
	// A document of many elements and depth is no more than it says.
	if _, err := ParsePresence([]byte(in(strings.Repeat("<a>", maxDepth-1) + strings.Repeat("</a>", maxDepth-1)))); err != nil {
		t.Error(err)
	}
}

var (
	presences = []Presence{
		{Entity: "sip:102@office"},
		{Entity: "sip:102@office", Basic: Open, Bindings: 7},
		{Entity: "sip:102@office", Basic: Open, Activities: []string{"on-the-phone", "x-y"}, Note: `<"&'> café ☎`},
		{Entity: "sip:102@office", Basic: Closed, Note: unreachable, Unreachable: true},
		{Entity: "sip:a&b@office", Note: "only that"},
	}
	dialogInfos = []DialogInfo{
		{Entity: "sip:102@office", Version: 4294967295},
		{Entity: "sip:102@office", Unreachable: true},
		{Entity: "sip:102@office", Version: 3, Dialogs: []Dialog{
			{ID: "1", CallID: `a"b&c`, LocalTag: "l", RemoteTag: "<r>", Initiator: true, State: Confirmed, Remote: "sip:103@office", Name: "Bob & <Co>", Held: true},
			{ID: "2", State: Early},
		}},
	}
	summaries = []Summary{{}, {Account: "sip:102@office", New: 1, Old: math.MaxUint32}}
	lists     = []List{
		{URI: "sip:contacts+102@office", Version: 1, Full: true},
		{URI: "sip:contacts+102@office", Resources: []Resource{
			{URI: "sip:101@office", Name: "Änne & Co", State: "active", CID: "x@y"},
			{URI: "sip:103@office", State: "terminated", Reason: "rejected"},
			{URI: "sip:104@office"},
		}},
	}
)

func TestRoundTrip(t *testing.T) {
	for _, p := range presences {
		if got, err := ParsePresence(p.Bytes()); err != nil || !got.Equal(p) {
			t.Errorf("%s%+v, %v", p.Bytes(), got, err)
		}
	}
	for _, d := range dialogInfos {
		if got, err := ParseDialogInfo(d.Bytes()); err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("%s%+v, %v", d.Bytes(), got, err)
		}
	}
	for _, s := range summaries {
		if got, err := ParseSummary(s.Bytes()); err != nil || got != s {
			t.Errorf("%s%+v, %v", s.Bytes(), got, err)
		}
	}
	for _, l := range lists {
		if got, err := ParseList(l.Bytes()); err != nil || !reflect.DeepEqual(got, l) {
			t.Errorf("%s%+v, %v", l.Bytes(), got, err)
		}
	}
}

// Every truncation fails, except those that lack only the last line break.
func TestTruncated(t *testing.T) {
	all := func(full []byte, parse func([]byte) error) {
		for n := range len(full) - 1 {
			if parse(full[:n]) == nil {
				t.Errorf("taken: %q", full[:n])
			}
		}
	}
	for _, p := range presences {
		all(p.Bytes(), func(b []byte) error { _, err := ParsePresence(b); return err })
	}
	for _, d := range dialogInfos {
		all(d.Bytes(), func(b []byte) error { _, err := ParseDialogInfo(b); return err })
	}
	for _, l := range lists {
		all(l.Bytes(), func(b []byte) error { _, err := ParseList(b); return err })
	}
	kind, body := Related("b", []Part{{"a@x", ListType, lists[1].Bytes()}, {"x@y", PresenceType, presences[1].Bytes()}})
	all(body[:len(body)-2], func(b []byte) error { _, err := ParseRelated(kind, b); return err })
}

// RFC 4235, section 6, and what it says of held calls.
func TestParseDialogInfo(t *testing.T) {
	got, err := ParseDialogInfo([]byte(`<?xml version="1.0"?>
	<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="3" state="full" entity="sip:alice@example.com">
	<dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774" remote-tag="456887766" direction="initiator">
	<state event="replaced" code="200">confirmed</state><duration>274</duration>
	<local><identity display="Alice">sip:alice@example.com</identity><target uri="sip:alice@pc33.example.com">
	<param pname="isfocus" pval="true"/><param pname="+sip.rendering" pval="no"/></target></local>
	<remote><identity display="Bob">sip:bob@example.com</identity></remote></dialog></dialog-info>`))
	want := DialogInfo{Entity: "sip:alice@example.com", Version: 3, Dialogs: []Dialog{{ID: "as7d900as8", CallID: "a84b4c76e66710",
		LocalTag: "1928301774", RemoteTag: "456887766", Initiator: true, State: Confirmed, Remote: "sip:bob@example.com", Name: "Bob", Held: true}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	in := func(attrs, s string) string {
		return `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" ` + attrs + `>` + s + `</dialog-info>`
	}
	const good = `version="1" state="full" entity="sip:a@b"`
	for _, text := range []string{
		in("", ""), in(`version="-1" state="full" entity="sip:a@b"`, ""), in(`version="1" state="partial" entity="sip:a@b"`, ""), in(`version="1" state="full"`, ""),
		in(good, `<dialog id="1"/>`), in(good, `<dialog><state>early</state></dialog>`), in(good, `<dialog id="1"><state>ringing</state></dialog>`),
		in(good, `<dialog id="1" direction="up"><state>early</state></dialog>`), in(good, `<dialog id="1" call-id="a b"><state>early</state></dialog>`),
		in(good, `<dialog id="1"><state>early</state><remote><identity>a b</identity></remote></dialog>`),
		in(good, strings.Repeat(`<dialog id="1"><state>early</state></dialog>`, MaxDialogs+1)),
	} {
		if d, err := ParseDialogInfo([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.120q: %+v, %v", text, d, err)
		}
	}
	many := DialogInfo{Entity: "sip:a@b"}
	for i := range MaxDialogs + 9 {
		many.Dialogs = append(many.Dialogs, Dialog{ID: fmt.Sprint(i), State: Early})
	}
	if d, err := ParseDialogInfo(many.Bytes()); err != nil || len(d.Dialogs) != MaxDialogs {
		t.Error(len(d.Dialogs), err)
	}
}

func TestParseSummary(t *testing.T) {
	for text, want := range map[string]Summary{
		"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n": {"sip:alice@vmail.example.com", 2, 8},
		"messages-waiting: no\r\n": {},
		"Messages-Waiting: yes\r\nFax-Message: 2/4\r\nVoice-Message: 1/99999999999\r\n\r\nTo: x\r\n": {"", 1, math.MaxUint32}, // "Subscribers MUST treat a larger value as 2^32-1"
	} {
		if got, err := ParseSummary([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "Voice-Message: 1/2\r\n", "Messages-Waiting: maybe\r\n", "Messages-Waiting: yes\r\nVoice-Message: 1\r\n",
		"Messages-Waiting: yes\r\nVoice-Message: -1/2\r\n", "Messages-Waiting: yes\r\nx\r\n", "Messages-Waiting: yes\r\nMessages-Waiting: yes\r\n",
		"Messages-Waiting: yes\r\nMessage-Account: a b\r\n"} {
		if s, err := ParseSummary([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
}

func TestRelated(t *testing.T) {
	parts := []Part{{"root@office", ListType + ";charset=UTF-8", lists[1].Bytes()}, {"x@y", PresenceType, presences[2].Bytes()}, {"empty", "text/plain", []byte{}}}
	kind, body := Related("b0undary", parts)
	if !strings.Contains(kind, `type="application/rlmi+xml"`) { // RFC 4662, section 4.4: "MUST"
		t.Error(kind)
	}
	got, err := ParseRelated(kind, body)
	if err != nil || !reflect.DeepEqual(got, parts) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []struct{ kind, body string }{
		{"text/plain", string(body)}, {"multipart/related", string(body)}, {kind, ""}, {kind, "--b0undary--\r\n"},
		{strings.Replace(kind, "root", "toor", 1), string(body)},
		{kind, strings.ReplaceAll(string(body), "Content-ID: <x@y>", "Content-ID: <root@office>")},
		{kind, strings.ReplaceAll(string(body), "Content-ID: <x@y>\r\n", "")},
		{kind, strings.ReplaceAll(string(body), "binary", "base64")},
		{kind, strings.Repeat(" ", MaxDocument) + string(body)},
	} {
		if got, err := ParseRelated(bad.kind, []byte(bad.body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.200q: %q, %v", bad.kind, got, err)
		}
	}
	var many []Part
	for i := range maxParts + 1 {
		many = append(many, Part{fmt.Sprint(i), "text/plain", nil})
	}
	if _, err := ParseRelated(Related("b", many)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

// Fifty resources of the usual kind are one message, with room for its header.
func TestFiftyFit(t *testing.T) {
	var parts []Part
	l := List{URI: "sip:contacts+102@office", Full: true}
	for i := range 50 {
		p := Presence{Entity: fmt.Sprintf("sip:%d@office", 100+i), Basic: Open, Activities: []string{OnThePhone}, Note: strings.Repeat("n", 40)}
		cid := fmt.Sprintf("%d.0123456789@office", i)
		parts = append(parts, Part{cid, PresenceType, p.Bytes()})
		l.Resources = append(l.Resources, Resource{URI: p.Entity, Name: "Somebody of Somewhere", State: "active", CID: cid})
	}
	_, body := Related("b0undary", append([]Part{{"root@office", ListType, l.Bytes()}}, parts...))
	if len(body) > 56<<10 {
		t.Errorf("%d octets", len(body))
	}
}
