package presence

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/presence/document"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// client is a program that somebody has on his desk: it subscribes and keeps what
// it is told.
type client struct {
	*stack.Stack
	t      *testing.T
	ip     netip.Addr
	stop   func()
	answer int // to NOTIFY; 0: 200, -1: none
	mu     sync.Mutex
	got    []*sip.Request
	seq    uint32
}

func (o *office) client(ip string) *client {
	o.t.Helper()
	c := &client{t: o.t, ip: netip.MustParseAddr(ip)}
	cfg := stack.Config{Listen: c.ip, UDPPort: 5060, TLSPort: 5061, Handler: c, Net: o.net.at(c.ip), PeerUser: o.ca.PeerUser,
		Limits: stack.Limits{StrangerRate: 1e5, TotalRate: 1e5}}
	cfg.ServerTLS, cfg.ClientTLS = o.ca.StackTLS("nobody")
	c.Stack, c.stop = run(o.t, cfg)
	return c
}

func (c *client) Request(tx *stack.ServerTx) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer < 0 {
		return
	}
	c.got = append(c.got, tx.Request)
	if c.answer > 0 {
		tx.Reply(c.answer)
	} else {
		tx.Reply(200)
	}
}

func (c *client) Ack(*stack.Flow, *sip.Request) {}

func (c *client) Lost(*stack.Flow) {}

func (c *client) set(answer int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// notified is all NOTIFYs of a Call-ID, or of all.
func (c *client) notified(callID string) []*sip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*sip.Request
	for _, r := range c.got {
		if callID == "" || string(*r.CallID()) == callID {
			list = append(list, r)
		}
	}
	return list
}

// last is the latest of them, which must be there.
func (c *client) last(callID string) *sip.Request {
	c.t.Helper()
	all := c.notified(callID)
	if len(all) == 0 {
		c.t.Fatalf("no NOTIFY of %q", callID)
	}
	return all[len(all)-1]
}

func (c *client) presence(callID string) document.Presence {
	c.t.Helper()
	p, err := document.ParsePresence(c.last(callID).Body())
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *client) dialogs(callID string) document.DialogInfo {
	c.t.Helper()
	d, err := document.ParseDialogInfo(c.last(callID).Body())
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

// ask sends a request and waits for the final response. Fields come in pairs; "to"
// is a tag in To, a body comes as "body".
func (c *client) ask(to stack.Target, method sip.RequestMethod, user, target, callID string, fields ...string) *sip.Response {
	c.t.Helper()
	c.seq++
	var uri sip.Uri
	if err := sip.ParseUri(target, &uri); err != nil {
		c.t.Fatal(err)
	}
	name, host, _ := strings.Cut(user, "@")
	req := sip.NewRequest(method, uri)
	hops := sip.MaxForwardsHeader(70)
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: name, Host: host}}
	from.Params.Add("tag", "near"+callID)
	far := &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: uri.User, Host: "office"}}
	id := sip.CallIDHeader(callID)
	for _, h := range []sip.Header{&hops, from, far, &id, &sip.CSeqHeader{SeqNo: c.seq, MethodName: method}} {
		req.AppendHeader(h)
	}
	transport := ""
	if to.Transport == stack.TCP {
		transport = ";transport=tcp"
	}
	req.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("<sip:%s@%v:5060%s>", name, c.ip, transport)))
	var body []byte
	for i := 0; i < len(fields); i += 2 {
		switch fields[i] {
		case "to":
			far.Params.Add("tag", fields[i+1])
		case "body":
			body = []byte(fields[i+1])
		default:
			req.AppendHeader(sip.NewHeader(fields[i], fields[i+1]))
		}
	}
	req.SetBody(body)
	answer := make(chan *sip.Response, 1)
	c.Do(func() {
		c.Connect(to, func(f *stack.Flow, _ bool, err error) {
			if err != nil {
				c.t.Error(err)
				close(answer)
				return
			}
			c.Stack.Request(f, req, func(r *sip.Response) {
				if r.StatusCode >= 200 {
					answer <- r
				}
			}, func(err error) {
				c.t.Error(callID, err)
				close(answer)
			})
		})
	})
	r := <-answer
	if r == nil {
		c.t.Fatal("no answer")
	}
	return r
}

func (p *phone) udp() stack.Target {
	return stack.Target{Transport: stack.UDP, Addr: netip.AddrPortFrom(p.ip, 5060)}
}

func (p *phone) tcp() stack.Target {
	return stack.Target{Transport: stack.TCP, Addr: netip.AddrPortFrom(p.ip, 5060)}
}

// subscribe subscribes and returns the tag that the phone chose.
func (c *client) subscribe(to stack.Target, user, event, target, callID string, fields ...string) (tag string) {
	c.t.Helper()
	res := c.ask(to, sip.SUBSCRIBE, user, "sip:"+target, callID, append([]string{"Event", event}, fields...)...)
	if res.StatusCode != 200 {
		c.t.Fatalf("%s: %d", callID, res.StatusCode)
	}
	return wire.Tag(res.To().Params)
}
