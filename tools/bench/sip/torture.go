package sip

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"chordophone/sip/wire/wiretest"
	"chordophone/tools/bench/procs"
)

// tortureAccounts are those of RFC 4475's users who live at example.com.
func tortureAccounts() []string { return []string{"user", "watson", "caller", "j.user", "null"} }

const (
	silence    = 800 * time.Millisecond // nothing came: nothing will
	patience   = 6 * time.Second        // after a 100, or for what the ring is asked
	sharedMark = "z9hG4bKkdjuw"         // the branch that many of the messages begin with
)

// outcome is what a message came to, for the detail.
type outcome struct {
	Name   string `json:"name"`
	Status int    `json:"status"` // 0: silence
	Right  bool   `json:"right"`
	Alive  bool   `json:"alive"`
}

// torture sends the messages of both RFCs to a server. The sender is at port 5060,
// because answers go to the port of the Via.
func torture(ctx context.Context, host *procs.Host, t *target) (all []outcome, err error) {
	a, err := newAgent(host, tormentorAddr, sipPort)
	if err != nil {
		return nil, err
	}
	defer a.close()
	expected := expectations()
	for i, c := range wiretest.Torture() {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		e := expected[c.Name]
		data, id := fresh(c.Data, i)
		if err := a.send(t.entry, data); err != nil {
			return all, fmt.Errorf("%s: %w", c.Name, err)
		}
		final, err := a.final(id, bytes.HasPrefix(data, []byte("INVITE ")))
		if err != nil {
			return all, err
		}
		o := outcome{Name: c.Name, Right: e.right(final)}
		if final != nil {
			o.Status = final.status
			if bytes.HasPrefix(data, []byte("INVITE ")) {
				a.send(t.entry, acknowledgement(data, final.field("to")))
			}
		}
		if o.Alive, err = a.lives(t.entry); err != nil {
			return all, err
		}
		all = append(all, o)
	}
	return all, nil
}

// fresh gives a message a branch of its own where it has the shared one, or it would
// be taken for a message before it sent again; it returns its Call-ID, too.
func fresh(data []byte, i int) ([]byte, string) {
	data = bytes.ReplaceAll(data, []byte(sharedMark), fmt.Appendf(nil, "%s%d.%d.", sharedMark, time.Now().UnixNano(), i))
	m, _ := parseMessage(data)
	return data, m.callID
}

// final waits for the final response to a message; nil is silence. A message without
// a Call-ID gets any response that names none of ours.
func (a *agent) final(callID string, invite bool) (*message, error) {
	until := time.Now().Add(silence)
	for {
		data, ok, err := a.hear(until)
		if !ok {
			return nil, err
		}
		m, ok := parseMessage(data)
		switch {
		case !ok || m.status == 0:
		case m.callID != callID && !(callID == "" && !strings.HasPrefix(m.callID, "agent-")):
		case m.status >= 200:
			return &m, nil
		case invite:
			until = time.Now().Add(patience)
		}
	}
}

// acknowledgement is the ACK of a final response other than 2xx, as malformed as its
// INVITE. // RFC 3261, section 17.1.1.3
func acknowledgement(invite []byte, to string) []byte {
	head, _, _ := bytes.Cut(invite, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	ack := []string{strings.Replace(lines[0], "INVITE", "ACK", 1)}
	var last string
	for _, line := range lines[1:] {
		if line != "" && (line[0] == ' ' || line[0] == '\t') { // the line before goes on
			if last == "via" || last == "from" || last == "call-id" {
				ack = append(ack, line)
			}
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		last = fullName(strings.TrimSpace(name))
		switch last {
		case "via", "from", "call-id", "max-forwards":
			ack = append(ack, line)
		case "to":
			ack = append(ack, "To: "+to)
		case "cseq":
			ack = append(ack, strings.Replace(line, "INVITE", "ACK", 1))
		}
	}
	return []byte(strings.Join(append(ack, "Content-Length: 0", "", ""), "\r\n"))
}

// score is how many of an RFC's messages were answered right.
func score(all []outcome, rfc string) (right, of int) {
	ofRFC := map[string]bool{}
	for _, c := range wiretest.Torture() {
		ofRFC[c.Name] = strings.HasPrefix(c.RFC, rfc)
	}
	for _, o := range all {
		if ofRFC[o.Name] && o.Name != "test" { // is not one of the 49
			of++
			if o.Right && o.Alive {
				right++
			}
		}
	}
	return right, of
}
