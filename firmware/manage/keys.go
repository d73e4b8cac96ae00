package manage

import (
	"context"
	"io"
	"sync"
)

// Control characters.
const (
	ctrlC = 0x03
	ctrlE = 0x05 // to the end of the line
	ctrlU = 0x15 // delete what is before the cursor
)

// keys is what is typed at a terminal. Ctrl-C ends the command that runs, and
// clears the line when none does.
type keys struct {
	more chan struct{} // something has changed

	mu        sync.Mutex // guards what follows
	typed     []byte
	interrupt context.CancelFunc // nil: no command runs
	closed    bool
}

func newKeys() *keys { return &keys{more: make(chan struct{}, 1)} }

// pump reads from the terminal until it is closed. What is typed beyond maxTyped
// is lost.
func (k *keys) pump(r io.Reader) {
	defer k.close()
	chunk := make([]byte, 256)
	for {
		n, err := r.Read(chunk)
		k.mu.Lock()
		for _, b := range chunk[:n] {
			switch {
			case b == ctrlC && k.interrupt != nil:
				k.typed = k.typed[:0]
				k.interrupt()
			case len(k.typed) >= maxTyped:
			case b == ctrlC:
				k.typed = append(k.typed, ctrlE, ctrlU)
			default:
				k.typed = append(k.typed, b)
			}
		}
		k.mu.Unlock()
		k.signal()
		if err != nil {
			return
		}
	}
}

// Read waits for keys.
func (k *keys) Read(p []byte) (int, error) { return k.read(context.Background(), p) }

// read is Read until ctx is done; its error is io.EOF then, too.
func (k *keys) read(ctx context.Context, p []byte) (int, error) {
	for {
		k.mu.Lock()
		n := copy(p, k.typed)
		k.typed = append(k.typed[:0], k.typed[n:]...)
		closed := k.closed
		k.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if closed {
			k.signal() // for the next Read
			return 0, io.EOF
		}
		select {
		case <-k.more:
		case <-ctx.Done():
			return 0, io.EOF
		}
	}
}

// close makes Read end.
func (k *keys) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.signal()
}

func (k *keys) signal() {
	select {
	case k.more <- struct{}{}:
	default:
	}
}

// interruptible runs a command that Ctrl-C ends.
func (k *keys) interruptible(ctx context.Context, run func(context.Context) int) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.mu.Lock()
	k.interrupt = cancel
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		k.interrupt = nil
		k.mu.Unlock()
	}()
	return run(ctx)
}
