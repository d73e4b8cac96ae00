package sip

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"chordophone/sip/wire/wiretest"
	"chordophone/tools/bench/procs"
)

// tortureAccounts are those of RFC 4475's users who live at example.com.
func tortureAccounts() []string { return []string{"user", "watson", "caller", "j.user", "null"} }

// patience is how long to wait after a 100.
const patience = 6 * time.Second

// outcome is what a message came to, for the detail.
type outcome struct {
	Name   string `json:"name"`
	RFC    string `json:"rfc"`
	Status int    `json:"status"` // 0: silence
	Right  bool   `json:"right"`
	Alive  bool   `json:"alive"`
}

// torture sends the messages of both RFCs to a server, each from the port that its Via
// names, because that is where the answer goes. What is not answered within quiet is
// not answered.
func torture(ctx context.Context, host *procs.Host, t *target, quiet time.Duration) (all []outcome, err error) {
	agents := map[uint16]*agent{}
	defer func() {
		for _, a := range agents {
			a.close()
		}
	}()
	at := func(port uint16) (*agent, error) {
		if agents[port] == nil {
			a, err := newAgent(host, tormentorAddr, port)
			if err != nil {
				return nil, err
			}
			agents[port] = a
		}
		return agents[port], nil
	}
	expected := expectations()
	for i, c := range wiretest.Torture() {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		a, err := at(sentBy(c.Data))
		if err != nil {
			return all, err
		}
		mark := fmt.Sprintf(".%d.%d", time.Now().UnixNano(), i)
		data := fresh(c.Data, mark)
		if err := a.send(t.entry, data); err != nil {
			return all, fmt.Errorf("%s: %w", c.Name, err)
		}
		invite := bytes.HasPrefix(data, []byte("INVITE "))
		final, err := a.final(answers(data, mark), invite, quiet)
		if err != nil {
			return all, err
		}
		e := expected[c.Name]
		o := outcome{Name: c.Name, RFC: c.RFC, Right: e.right(final)}
		if final != nil {
			o.Status = final.status
			if invite {
				a.send(t.entry, acknowledgement(data, final.field("to")))
			}
		}
		if a, err = at(sipPort); err != nil {
			return all, err
		}
		if o.Alive, err = a.lives(t.entry); err != nil {
			return all, err
		}
		all = append(all, o)
	}
	return all, nil
}

var branchText = regexp.MustCompile(`z9hG4bK[0-9A-Za-z.\-]+`)

// fresh gives a message branches and a Call-ID of its own: many of the RFCs' share
// one, and would be taken for the message before, sent again or out of order.
func fresh(data []byte, mark string) []byte {
	data = branchText.ReplaceAllFunc(data, func(b []byte) []byte { return append(bytes.Clone(b), mark...) })
	if m, ok := parseMessage(data); ok && m.callID != "" {
		data = bytes.ReplaceAll(data, []byte(m.callID+"\r\n"), []byte(m.callID+mark+"\r\n"))
	}
	return data
}

var viaPort = regexp.MustCompile(`(?im)^(?:via|v)\s*:\s*SIP\s*/\s*[\d.]+\s*/\s*\w+\s+(?:\[[^\]]*\]|[^\s:;,]+)(?:[ \t]*:[ \t]*(\d+))?`)

// sentBy is the port that a message's first Via names. // RFC 3261, section 18.2.2
func sentBy(data []byte) uint16 {
	if m := viaPort.FindSubmatch(data); m != nil && len(m[1]) > 0 {
		if n, err := strconv.ParseUint(string(m[1]), 10, 16); err == nil {
			return uint16(n)
		}
	}
	return sipPort
}

// answers tells the responses to a message from others: by its branch, or by its
// Call-ID where it has no branch of its own, or as what names none of our own requests.
func answers(data []byte, mark string) func(message) bool {
	m, _ := parseMessage(data)
	own := strings.Contains(m.field("via"), mark)
	return func(r message) bool {
		switch {
		case own:
			return strings.Contains(r.field("via"), mark)
		case m.callID != "":
			return r.callID == m.callID
		}
		return !strings.HasPrefix(r.callID, "agent-")
	}
}

// final waits for the final response to a message; nil is silence.
func (a *agent) final(answers func(message) bool, invite bool, quiet time.Duration) (*message, error) {
	until := time.Now().Add(quiet)
	for {
		data, ok, err := a.hear(until)
		if !ok {
			return nil, err
		}
		m, ok := parseMessage(data)
		switch {
		case !ok || m.status == 0 || !answers(m):
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

// score is how many of an RFC's messages were answered right. The archive's test.dat is
// not one of the 49.
func score(all []outcome, rfc string) (right, of int) {
	for _, o := range all {
		if strings.HasPrefix(o.RFC, rfc) && o.Name != "test" {
			of++
			if o.Right && o.Alive {
				right++
			}
		}
	}
	return right, of
}
