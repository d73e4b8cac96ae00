package stack

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
)

// Do, Go and After come back into the loop.
func TestWork(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		s := o.phone("101@office", nearIP, &user{})
		var got []string
		in(s, func() {
			s.After(2*time.Second, func() { got = append(got, "second") })
			stopped := s.After(time.Second, func() { got = append(got, "stopped") })
			s.After(time.Second, func() { got = append(got, "first") })
			stopped.Stop()
			(*Timer)(nil).Stop()
			s.Go(func(context.Context) { time.Sleep(3 * time.Second) }, func() { got = append(got, "work") })
		})
		wait(4 * time.Second)
		if list := get(s, func() string { return fmt.Sprint(got) }); list != "[first second work]" {
			t.Error(list)
		}
		free := make(chan struct{})
		n := 0
		for s.Go(func(context.Context) { <-free }, func() {}) {
			n++
		}
		if n != maxWork {
			t.Errorf("%d at once", n)
		}
		close(free)
	})
}

// Run ends as soon as transactions at hand have, or after two seconds, with nothing
// left of it.
func TestEnd(t *testing.T) {
	for _, answered := range []bool{true, false} {
		bubble(t, func(t *testing.T, o *office) {
			cfg := Config{Listen: nearIP, UDPPort: 5060, TLSPort: 5061, Net: o.net, PeerUser: o.ca.PeerUser}
			cfg.ServerTLS, cfg.ClientTLS = o.ca.StackTLS("101@office")
			var tx *ServerTx
			cfg.Handler = &user{request: func(x *ServerTx) { tx = x }}
			s, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "hint") {
				t.Errorf("twice: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { s.Run(ctx); close(ended) }()
			c := siptest.Client(t, o.net, farIP, "tcp", udpAddr(nearIP))
			c.Vars["N"] = "1"
			c.Send(register)
			synctest.Wait()
			start := time.Now()
			cancel()
			synctest.Wait()
			c.Vars["N"] = "2"
			c.Send(register)
			c.Expect("^SIP/2.0 503 ")
			time.Sleep(500 * time.Millisecond)
			want := farewell
			if answered {
				s.Do(func() { tx.Reply(200) })
				c.Expect("^SIP/2.0 200 ")
				want = 500 * time.Millisecond
			}
			<-ended
			if d := time.Since(start); d != want {
				t.Errorf("ended after %v; want %v", d, want)
			}
			c.Closed()
			if s.Do(func() {}) || s.Go(func(context.Context) {}, func() {}) {
				t.Error("works after its end")
			}
			if l, err := o.net.Listen(udpAddr(nearIP)); err != nil {
				t.Error(err)
			} else {
				l.Close()
			}
		})
	}
}
