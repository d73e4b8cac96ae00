package manage

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
)

// session is one command or one prompt.
type session struct {
	conn    *connection
	channel ssh.Channel
	window  *window // nil: no terminal
	keys    *keys   // what is typed at the terminal
	term    string  // its kind
	env     map[string]string
	started bool
}

// The payloads of requests. // RFC 4254, sections 6.2, 6.4, 6.5, 6.7 and 6.10
type (
	ptyRequest struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	windowChange struct{ Columns, Rows, Width, Height uint32 }
	execRequest  struct{ Command string }
	envRequest   struct{ Name, Value string }
	exitStatus   struct{ Status uint32 }
)

// session serves one channel until the client has closed it.
func (c *connection) session(ctx context.Context, n ssh.NewChannel) {
	channel, requests, err := n.Accept()
	if err != nil {
		return
	}
	s := &session{conn: c, channel: channel, env: make(map[string]string)}
	var work sync.WaitGroup
	defer work.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer channel.Close()
	// A client that never answers our closing of the channel is cut off by the
	// end of the connection, which closes requests.
	ended := ctx.Done()
	for {
		select {
		case r, ok := <-requests:
			if !ok {
				return
			}
			granted, then := s.request(r)
			r.Reply(granted, nil)
			if then != nil { // after the reply: it may end the session
				then(ctx, &work)
			}
		case <-ended:
			if !s.started {
				channel.Close()
			}
			ended = nil
		}
	}
}

// request says whether a request is granted, and what is to be done then.
func (s *session) request(r *ssh.Request) (granted bool, then func(context.Context, *sync.WaitGroup)) {
	switch r.Type {
	case "pty-req":
		var p ptyRequest
		if s.started || s.window != nil || ssh.Unmarshal(r.Payload, &p) != nil {
			return false, nil
		}
		s.window, s.keys, s.term = newWindow(), newKeys(), p.Term
		s.window.resize(p.Columns, p.Rows)
		return true, nil
	case "window-change":
		var w windowChange
		if s.window == nil || ssh.Unmarshal(r.Payload, &w) != nil {
			return false, nil
		}
		s.window.resize(w.Columns, w.Rows)
		return true, nil
	case "env":
		var e envRequest
		if s.started || ssh.Unmarshal(r.Payload, &e) != nil || !slices.Contains(localeNames, e.Name) || len(e.Value) > maxLocale {
			return false, nil
		}
		s.env[e.Name] = e.Value
		return true, nil
	case "shell", "exec":
		var e execRequest
		if s.started || r.Type == "exec" && ssh.Unmarshal(r.Payload, &e) != nil {
			return false, nil
		}
		s.started = true
		return true, func(ctx context.Context, work *sync.WaitGroup) {
			if s.keys != nil {
				work.Go(func() { s.keys.pump(s.channel) })
			}
			work.Go(func() { s.work(ctx, e.Command) })
		}
	}
	return false, nil // subsystems, X11, agent
}

// localeNames are the only environment that is taken: they say what a terminal can
// show, and nothing else is done with them.
var localeNames = []string{"LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR"}

// work runs the command, or the prompt if there is none, and ends the session.
func (s *session) work(ctx context.Context, line string) {
	defer s.channel.Close()
	status := exitFailed
	running := s.conn.server.sessions
	out, errOut := io.Writer(s.channel), io.Writer(s.channel.Stderr())
	if s.window != nil {
		out = crlf{s.channel}
		errOut = out
	}
	select {
	case running <- struct{}{}:
		status = s.run(ctx, line, out, errOut)
		<-running
	default:
		io.WriteString(errOut, "the phone is busy with other sessions (hint: end one of them, or try again)\n")
	}
	s.channel.CloseWrite()
	s.channel.SendRequest("exit-status", false, ssh.Marshal(exitStatus{uint32(status)}))
}

func (s *session) run(ctx context.Context, line string, out, errOut io.Writer) int {
	shell := &shell{
		phone:    s.conn.server.cfg.Phone,
		device:   s.conn.server.cfg.Appliance,
		role:     s.conn.who.role,
		in:       s.channel,
		log:      s.conn.server.log.With("key", ssh.FingerprintSHA256(s.conn.who.key), "name", s.conn.who.comment),
		out:      out,
		err:      errOut,
		terminal: s.window != nil,
	}
	if line != "" && s.window == nil {
		return shell.do(ctx, line)
	}
	if s.window == nil {
		io.WriteString(errOut, "no command and no terminal (hint: ssh ... help, or ssh -t ... for a prompt)\n")
		return exitUsage
	}
	defer context.AfterFunc(ctx, s.keys.close)()
	switch {
	case line == "" && s.plain():
		return prompt(ctx, shell, s.keys, s.window, s.channel)
	case line == "":
		return s.dashboard(ctx, shell)
	}
	return s.keys.interruptible(ctx, func(ctx context.Context) int { return shell.do(ctx, line) })
}

// crlf writes for a terminal in raw mode.
type crlf struct{ w io.Writer }

func (c crlf) Write(p []byte) (int, error) {
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}
