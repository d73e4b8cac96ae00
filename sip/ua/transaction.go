package ua

import (
	"errors"
	"log/slog"
	"time"

	"github.com/emiago/sipgo/sip"
)

// The transactions are sipgo's (RFC 3261, section 17; RFC 6026). Its layer
// above them is not used: it handles every message in a goroutine of its own,
// so that a CANCEL may overtake its INVITE, and it lets any connection cancel
// any INVITE. Here the tables belong to the flow and to the loop's goroutine.

const maxServers = 64 // server transactions of one flow

var quiet = slog.New(slog.DiscardHandler) // sipgo quotes whole messages at error level

type clientTx struct {
	tx    *sip.ClientTx
	req   *sip.Request
	final bool // a final response was passed on

	response func(*sip.Response) // provisional and final; 2xx to INVITE also again
	gone     func()              // instead of a final response: timeout, or the flow broke
}

// request begins a client transaction. Without an error, either response gets
// a final response or gone is called.
func (l *loop) request(f *flow, req *sip.Request, response func(*sip.Response), gone func()) error {
	key, err := sip.ClientTxKeyMake(req)
	if err != nil {
		return err
	}
	if _, twice := f.clients[key]; twice {
		return errors.New("ua: branch used twice")
	}
	req.SetTransport("TLS")
	tx := sip.NewClientTx(key, req, f, quiet)
	t := &clientTx{tx: tx, req: req, response: response, gone: gone}
	tx.OnTerminate(func(string, error) { // from a timer's goroutine, or from ours
		l.ua.box.post(func(l *loop) { l.clientGone(f, key, t) })
	})
	if err := tx.Init(); err != nil {
		tx.Terminate()
		return err
	}
	f.clients[key] = t
	f.used = time.Now()
	return nil
}

func (l *loop) clientGone(f *flow, key string, t *clientTx) {
	if f.clients[key] != t {
		return
	}
	delete(f.clients, key)
	if !t.final {
		t.final = true
		t.gone()
	}
}

// handleResponse is RFC 3261, section 17.1.3. A response that fits no
// transaction is dropped (RFC 6026, section 7.2).
func (l *loop) handleResponse(f *flow, res *sip.Response) {
	key, err := sip.ClientTxKeyMake(res)
	t := f.clients[key]
	if err != nil || t == nil || len(res.GetHeaders("via")) != 1 {
		l.log.Debug("sip: response without a request", "from", f.user, "status", res.StatusCode)
		return
	}
	f.used = time.Now()
	if t.final { // only INVITE is kept after its final response, and only after 2xx
		if res.IsSuccess() {
			t.response(res)
		}
		return
	}
	if !passUp(t.tx, res) {
		return
	}
	if !res.IsProvisional() {
		t.final = true
		if !(res.IsSuccess() && t.req.IsInvite()) {
			delete(f.clients, key)
		}
	}
	t.response(res)
}

// passUp runs a response through the transaction and says whether it is for
// the user. sipgo hands it up through an unbuffered channel from within
// Receive.
func passUp(tx *sip.ClientTx, res *sip.Response) bool {
	received := make(chan struct{})
	go func() {
		tx.Receive(res)
		close(received)
	}()
	select {
	case <-tx.Responses():
		<-received
		return true
	case <-received:
		return false
	}
}

type serverTx struct {
	tx     *sip.ServerTx
	req    *sip.Request
	flow   *flow
	key    string
	status int // last response; 0: none
	tag    string
}

// serverKey is RFC 3261, section 17.2.3; the table is the flow's, so that only
// the flow that began a transaction can match it.
func serverKey(req *sip.Request, method sip.RequestMethod) string {
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	return branch + " " + via.SentBy() + " " + string(method)
}

// serve begins a server transaction, or returns nil if the flow has too many.
func (l *loop) serve(f *flow, req *sip.Request) *serverTx {
	if len(f.servers) >= maxServers {
		f.WriteMsg(newResponse(req, 503, newToken()))
		return nil
	}
	t := &serverTx{req: req, flow: f, key: serverKey(req, req.Method), tag: newToken()}
	t.tx = sip.NewServerTx(t.key, req, f, quiet)
	t.tx.OnTerminate(func(string, error) {
		l.ua.box.post(func(*loop) {
			if f.servers[t.key] == t {
				delete(f.servers, t.key)
			}
		})
	})
	if t.tx.Init() != nil {
		return nil
	}
	f.servers[t.key] = t
	return t
}

// respond sends a response with header fields in pairs of name and value.
func (t *serverTx) respond(status int, fields ...string) {
	res := newResponse(t.req, status, t.tag)
	for i := 0; i+1 < len(fields); i += 2 {
		res.AppendHeader(sip.NewHeader(fields[i], fields[i+1]))
	}
	t.send(res)
}

func (t *serverTx) send(res *sip.Response) {
	t.status = res.StatusCode
	t.tx.Respond(res) // an error means a broken flow, which the reader reports
}
