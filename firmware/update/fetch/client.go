package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

const (
	sources    = 3                // phones that are asked at a time
	answerTime = 40 * time.Second // a busy phone lets us wait for some chunks of others
	dialTime   = 10 * time.Second
)

// Dial connects to a phone with the protocol ALPN. The connection outlives ctx, which ends
// only the dialling.
type Dial func(ctx context.Context, node overlay.ID) (net.Conn, error)

// Head asks a phone for the head of a release. It is to be checked by
// release.ParseSigned.
func Head(ctx context.Context, dial Dial, node overlay.ID, id release.ID) ([]byte, error) {
	conn, err := open(ctx, dial, node)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetDeadline(time.Now().Add(answerTime))
	return ask(conn, request{what: askHead, id: id}, make([]byte, release.MaxHead))
}

func open(ctx context.Context, dial Dial, node overlay.ID) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return dial(ctx, node)
}

// Sink is where chunks go: a slot.Writer.
type Sink interface {
	Find(ctx context.Context) (lacking []int, err error)
	Put(ctx context.Context, i int, data []byte) error // release.ErrContent for what is no such chunk
}

// Chunks brings what the sink lacks of a release from several phones. A phone that has
// nothing, errs or answers with something else is not asked any more. The error says
// what was wrong with each when none is left.
func Chunks(ctx context.Context, dial Dial, nodes []overlay.ID, s *release.Signed, to Sink) error {
	lacking, err := to.Find(ctx)
	if err != nil {
		return err
	}
	f := &fetch{dial: dial, s: s, to: to, todo: lacking, good: slices.Clone(nodes)}
	for len(f.todo) > 0 {
		if len(f.good) == 0 {
			return fmt.Errorf("fetch %v: %w", s.Version, errors.Join(append(f.errs, errNobody)...))
		}
		// What a phone took on and did not bring is left for the next round.
		if err := f.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

var errNobody = errors.New("no phone is left that has it")

type fetch struct {
	dial Dial
	s    *release.Signed
	to   Sink

	mu   sync.Mutex // guards what follows
	todo []int
	good []overlay.ID
	errs []error
}

// round asks all good phones, a few at a time. The error is that of the sink, or of ctx.
func (f *fetch) round(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sources)
	for _, node := range slices.Clone(f.good) {
		g.Go(func() error {
			err := f.from(ctx, node)
			var own sinkError
			if errors.As(err, &own) {
				return own.error
			}
			if err != nil {
				f.drop(node, err)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// sinkError is not the other phone's fault.
type sinkError struct{ error }

// from brings chunks from one phone until none is left to be brought.
func (f *fetch) from(ctx context.Context, node overlay.ID) error {
	i, ok := f.take()
	if !ok {
		return nil
	}
	conn, err := open(ctx, f.dial, node)
	if err != nil {
		f.giveBack(i)
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	buf := make([]byte, release.ChunkSize)
	for ; ok; i, ok = f.take() {
		conn.SetDeadline(time.Now().Add(answerTime))
		data, err := ask(conn, request{askChunk, f.s.ID(), uint32(i)}, buf)
		if err == nil {
			err = f.put(ctx, i, data)
		}
		if err != nil {
			f.giveBack(i)
			return err
		}
	}
	return nil
}

func (f *fetch) put(ctx context.Context, i int, data []byte) error {
	err := f.to.Put(ctx, i, data)
	if err != nil && !errors.Is(err, release.ErrContent) {
		return sinkError{err}
	}
	return err
}

func (f *fetch) take() (i int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.todo) == 0 {
		return 0, false
	}
	i, f.todo = f.todo[0], f.todo[1:]
	return i, true
}

func (f *fetch) giveBack(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.todo = append(f.todo, i)
}

func (f *fetch) drop(node overlay.ID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, fmt.Errorf("%s: %w", node.Short(), err))
	f.good = slices.DeleteFunc(f.good, func(n overlay.ID) bool { return n == node })
}
