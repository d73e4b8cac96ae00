package manage

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"chordophone/firmware/dashboard"
)

// plain reports whether the terminal is one on which no screen can be painted.
func (s *session) plain() bool { return s.term == "" || s.term == "dumb" || s.term == "unknown" }

// terminal is what the client's terminal can show, as far as it has told. Most send
// LANG; without it, Unicode is what all have had for years.
func (s *session) terminal() dashboard.Terminal {
	t := dashboard.Terminal{Mono: strings.HasPrefix(s.term, "vt") || strings.HasSuffix(s.term, "-m") || strings.HasSuffix(s.term, "-mono")}
	t.Mono = t.Mono || s.env["NO_COLOR"] != ""
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // in the order of their weight
		if value := strings.ToUpper(s.env[name]); value != "" {
			t.ASCII = !strings.Contains(value, "UTF-8") && !strings.Contains(value, "UTF8")
			break
		}
	}
	return t
}

// fullScreen is a dashboard that somebody looks at.
type fullScreen struct {
	*session
	shell   *shell
	model   *dashboard.Model
	painter *dashboard.Painter
	decoder dashboard.Decoder

	events chan dashboard.Event // from the goroutines beside the loop
	typed  chan []byte
	beside sync.WaitGroup
	cancel context.CancelFunc // of the command that runs; nil: none
}

// ending is what the dashboard ends in.
type ending int

const (
	goesOn ending = iota
	quits
	wantsPrompt
	isCut // the terminal or the phone is gone
)

// dashboard shows the office on the whole screen until somebody has seen enough.
func (s *session) dashboard(ctx context.Context, sh *shell) int {
	t := s.terminal()
	d := &fullScreen{
		session: s, shell: sh, model: dashboard.New(t), painter: dashboard.NewPainter(t.Mono),
		events: make(chan dashboard.Event), typed: make(chan []byte),
	}
	how := d.show(ctx)
	switch {
	case how == wantsPrompt:
		return prompt(ctx, sh, s.keys, s.window, s.channel)
	case ctx.Err() != nil:
		io.WriteString(sh.out, "the phone is going down\n")
		return exitFailed
	}
	return exitDone
}

// show is the loop. What it started has ended when it returns.
func (d *fullScreen) show(ctx context.Context) (how ending) {
	ctx, stop := context.WithCancel(ctx)
	defer d.beside.Wait()
	defer stop()
	io.WriteString(d.channel, dashboard.Open)
	defer io.WriteString(d.channel, dashboard.Close)
	d.beside.Go(func() { d.look(ctx) })
	d.beside.Go(func() { d.listen(ctx) })
	columns, rows := d.window.size()
	d.model.Step(dashboard.Resize{Columns: columns, Rows: rows})
	if !d.paint() {
		return isCut
	}
	frame, escape := time.NewTicker(frameTime), time.NewTimer(time.Hour)
	defer frame.Stop()
	defer escape.Stop()
	stale := false
	for how == goesOn {
		atOnce := true
		select {
		case <-ctx.Done():
			return isCut
		case p, ok := <-d.typed:
			if !ok {
				return isCut
			}
			how = d.press(ctx, d.decoder.Feed(p))
			if d.decoder.Pending() {
				escape.Reset(escTime)
			}
		case <-escape.C:
			how = d.press(ctx, d.decoder.Flush())
		case <-d.window.changed:
			columns, rows := d.window.size()
			d.model.Step(dashboard.Resize{Columns: columns, Rows: rows})
		case ev := <-d.events:
			d.model.Step(ev)
			_, ended := ev.(dashboard.Done)
			_, completed := ev.(dashboard.Completed)
			stale, atOnce = true, ended || completed
		case <-frame.C:
			atOnce = stale
		}
		if atOnce {
			stale = false
			if !d.paint() {
				return isCut
			}
		}
	}
	return how
}

// paint sends what has changed.
func (d *fullScreen) paint() bool {
	p := d.painter.Frame(d.model.View())
	if len(p) == 0 {
		return true
	}
	_, err := d.channel.Write(p)
	return err == nil
}

// press carries out what the model wants for each key.
func (d *fullScreen) press(ctx context.Context, keys []dashboard.Key) ending {
	for _, k := range keys {
		for _, a := range d.model.Step(dashboard.Press{Key: k}) {
			switch a := a.(type) {
			case dashboard.Run:
				d.run(ctx, a.Line)
			case dashboard.Interrupt:
				d.cancel()
			case dashboard.Complete:
				d.beside.Go(func() {
					line, choices := d.shell.complete(ctx, a.Line)
					d.tell(ctx, dashboard.Completed{Line: line, Choices: choices})
				})
			case dashboard.Redraw:
				d.painter.Forget()
			case dashboard.Shell:
				return wantsPrompt
			case dashboard.Quit:
				return quits
			}
		}
	}
	return goesOn
}

// run carries out a command beside the loop. The model asks for one at a time.
func (d *fullScreen) run(ctx context.Context, line string) {
	running, cancel := context.WithCancel(ctx)
	d.cancel = cancel
	d.beside.Go(func() {
		defer cancel()
		sh := *d.shell
		sh.out = tellOutput(func(text string) { d.tell(ctx, dashboard.Output{Text: text}) })
		sh.err = sh.out
		status := d.session.keys.interruptible(running, func(ctx context.Context) int { return sh.do(ctx, line) })
		d.tell(ctx, dashboard.Done{Status: status})
	})
}

// tellOutput hands over what a command writes.
type tellOutput func(text string)

func (t tellOutput) Write(p []byte) (int, error) {
	t(string(p))
	return len(p), nil
}

// tell hands an event to the loop.
func (d *fullScreen) tell(ctx context.Context, ev dashboard.Event) {
	select {
	case d.events <- ev:
	case <-ctx.Done():
	}
}

// listen hands over what is typed until the terminal is gone.
func (d *fullScreen) listen(ctx context.Context) {
	defer close(d.typed)
	for {
		p := make([]byte, 256)
		n, err := d.session.keys.read(ctx, p)
		if err != nil {
			return
		}
		select {
		case d.typed <- p[:n]:
		case <-ctx.Done():
			return
		}
	}
}
