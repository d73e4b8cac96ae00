package manage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"
)

// A client that goes away ends its command.
func TestClientGoesAway(t *testing.T) {
	phone := &fakePhone{packets: 3, ended: make(chan error)}
	c := start(t, phone)
	for _, leave := range []func(*ssh.Client, *ssh.Session){
		func(_ *ssh.Client, s *ssh.Session) { s.Close() },
		func(c *ssh.Client, _ *ssh.Session) { c.Close() },
	} {
		client := c.dial()
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, _ := session.StdoutPipe()
		if err := session.Start("capture"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(pcapHeader))
		if _, err := io.ReadFull(out, got); err != nil || !bytes.Equal(got, pcapHeader) {
			t.Fatalf("%x, %v", got, err)
		}
		leave(client, session)
		if err := <-phone.ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// The end of the phone ends what runs, in order.
func TestStop(t *testing.T) {
	phone := &fakePhone{stuck: make(chan string, 1)}
	c := start(t, phone)
	client := c.dial()
	done := make(chan string)
	go func() {
		_, errOut, status := do(t, client, "lookup slow")
		done <- fmt.Sprint(errOut, status)
	}()
	<-phone.stuck
	idle, err := net.Dial("tcp", c.Addr().String()) // in the handshake
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if _, err := idle.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	if got := <-done; got != "lookup: interrupted\n1" {
		t.Errorf("%q", got)
	}
}
