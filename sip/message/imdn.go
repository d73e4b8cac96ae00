package message

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"net/textproto"
	"strings"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// asked is what a CPIM message (RFC 3862) says about receipts.
// RFC 5438, section 6
type asked struct {
	id         string // imdn.Message-ID
	processing bool   // the sender wants to know that it was stored
}

// readCPIM reads the message header of a CPIM body; zero for anything else.
func readCPIM(contentType string, body []byte) asked {
	kind, _, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "message/cpim") {
		return asked{}
	}
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(body))).ReadMIMEHeader()
	if err != nil {
		return asked{}
	}
	var a asked
	for name, values := range h {
		// The prefix of the namespace is the sender's choice; all use imdn.
		switch strings.ToLower(name) {
		case "imdn.message-id":
			a.id = wire.PlainText(values[0], 128)
		case "imdn.disposition-notification":
			for token := range strings.SplitSeq(strings.Join(values, ","), ",") {
				a.processing = a.processing || strings.EqualFold(strings.TrimSpace(token), "processing")
			}
		}
	}
	return a
}

// receipt is message/imdn+xml. // RFC 5438, section 11.1.8
type receipt struct {
	XMLName   xml.Name `xml:"urn:ietf:params:xml:ns:imdn imdn"`
	MessageID string   `xml:"message-id"`
	DateTime  string   `xml:"datetime"`
	Recipient string   `xml:"recipient-uri"`
	Stored    struct{} `xml:"processing-notification>status>stored"`
}

// report tells the sender that its message was stored, if it asked.
// RFC 5438, section 8: an intermediary may tell of processing, never of delivery.
func (s *Service) report(m Message) {
	a := readCPIM(m.ContentType, m.Body)
	if !a.processing || a.id == "" {
		return
	}
	doc, err := xml.Marshal(receipt{MessageID: a.id, DateTime: m.Sent.UTC().Format(time.RFC3339), Recipient: "sip:" + m.To})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	body := fmt.Sprintf("From: <sip:%s>\r\nTo: <sip:%s>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: %s\r\n\r\n"+
		"Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\nContent-Length: %d\r\n\r\n%s",
		m.To, m.From, wire.Token(), len(doc), doc)
	req := request(Message{From: m.To, To: m.From, ContentType: "message/CPIM", Body: []byte(body), Sent: m.Sent}, uriOf(m.From))
	s.cfg.Stack.Request(s.cfg.Proxy, req, func(*sip.Response) {}, func(err error) {
		s.cfg.Log.Info("message: receipt not sent", "to", m.From, "err", err)
	})
}
