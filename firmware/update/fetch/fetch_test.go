package fetch

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aead.dev/minisign"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// signed makes a release of so many octets.
func signed(t testing.TB, n int) (*release.Signed, []byte) {
	t.Helper()
	_, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, n)
	rand.Read(data)
	s, err := release.Make(io.Discard, release.Manifest{Product: "arm64", Version: release.Version{1}}, bytes.NewReader(data), secret)
	if err != nil {
		t.Fatal(err)
	}
	return s, data
}

// holder hands out a release.
type holder struct {
	s    *release.Signed
	data []byte
	evil func(i int, chunk []byte) []byte // nil: honest
}

func (h *holder) Head(id release.ID) []byte {
	if h.s == nil || id != h.s.ID() {
		return nil
	}
	return h.s.Head()
}

func (h *holder) Chunk(id release.ID, i int) []byte {
	if h.s == nil || id != h.s.ID() || i >= len(h.s.Chunks) {
		return nil
	}
	chunk := bytes.Clone(h.data[i*release.ChunkSize:][:h.s.ChunkLen(i)])
	if h.evil != nil {
		return h.evil(i, chunk)
	}
	return chunk
}

// sink takes chunks, those of have being there already.
type sink struct {
	s    *release.Signed
	mu   sync.Mutex
	have map[int][]byte
	puts int
	err  error
}

func newSink(s *release.Signed) *sink { return &sink{s: s, have: make(map[int][]byte)} }

func (k *sink) Find(context.Context) (lacking []int, err error) {
	for i := range k.s.Chunks {
		if k.have[i] == nil {
			lacking = append(lacking, i)
		}
	}
	return lacking, nil
}

func (k *sink) Put(_ context.Context, i int, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.puts++
	if k.err != nil {
		return k.err
	}
	if !k.s.IsChunk(i, data) {
		return release.ErrContent
	}
	k.have[i] = bytes.Clone(data)
	return nil
}

func (k *sink) content() (all []byte) {
	for i := range k.s.Chunks {
		all = append(all, k.have[i]...)
	}
	return all
}

// phones are servers by Node-ID, on pipes without TLS.
type phones map[overlay.ID]*Server

func (p phones) dial(ctx context.Context, node overlay.ID) (net.Conn, error) {
	s, ok := p[node]
	if !ok {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	go s.Serve(context.WithoutCancel(ctx), there, overlay.ID{0xee})
	return here, nil
}

func id(n byte) overlay.ID { return overlay.ID{n} }

const size = 9*release.ChunkSize + release.Align

// A release comes from several phones, one of which lies, one dawdles, one errs and one is
// off. What was there before is not fetched again.
func TestChunks(t *testing.T) {
	s, data := signed(t, size)
	synctest.Test(t, func(t *testing.T) {
		good := &holder{s: s, data: data}
		served := make(map[byte]int)
		var mu sync.Mutex
		counted := func(n byte, evil func(int, []byte) []byte) *holder {
			return &holder{s, data, func(i int, b []byte) []byte {
				mu.Lock()
				served[n]++
				mu.Unlock()
				return evil(i, b)
			}}
		}
		p := phones{
			id(1): NewServer(counted(1, func(i int, b []byte) []byte { b[7] ^= 1; return b })),
			id(2): NewServer(counted(2, func(i int, b []byte) []byte { time.Sleep(time.Minute); return b })),
			id(3): NewServer(counted(3, func(i int, b []byte) []byte { return b[:len(b)-1] })),
			id(4): NewServer(&holder{}),
			id(5): NewServer(good),
			id(6): NewServer(counted(6, func(i int, b []byte) []byte { return b })),
			id(7): NewServer(counted(7, func(i int, b []byte) []byte { return append(b, make([]byte, release.ChunkSize)...) })),
		}
		to := newSink(s)
		to.have[3] = data[3*release.ChunkSize:][:release.ChunkSize]
		all := []overlay.ID{id(1), id(2), id(9), id(3), id(4), id(7), id(5), id(6)}
		if err := Chunks(t.Context(), p.dial, all, s, to); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(to.content(), data) {
			t.Error("something else came")
		}
		for n, want := range map[byte]int{1: 1, 3: 1, 7: 1} {
			if served[n] > want {
				t.Errorf("phone %d lied %d times", n, served[n])
			}
		}
		if to.puts > 9+2 {
			t.Errorf("%d chunks for the 9 that lacked", to.puts)
		}
		time.Sleep(10 * time.Minute) // the dawdler's end
	})
}

// Two phones share the work.
func TestShare(t *testing.T) {
	s, data := signed(t, size)
	synctest.Test(t, func(t *testing.T) {
		slow := func(i int, b []byte) []byte { time.Sleep(time.Second); return b }
		p := phones{id(1): NewServer(&holder{s, data, slow}), id(2): NewServer(&holder{s, data, slow})}
		begin := time.Now()
		if err := Chunks(t.Context(), p.dial, []overlay.ID{id(1), id(2)}, s, newSink(s)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 7*time.Second {
			t.Errorf("ten chunks of a second each took two phones %v", took)
		}
	})
}

// What nobody has is not fetched; what cannot be written is not the others' fault.
func TestChunksFail(t *testing.T) {
	s, data := signed(t, size)
	synctest.Test(t, func(t *testing.T) {
		p := phones{id(1): NewServer(&holder{}), id(2): NewServer(&holder{s, data, func(int, []byte) []byte { return []byte("no") }})}
		err := Chunks(t.Context(), p.dial, []overlay.ID{id(1), id(2), id(3)}, s, newSink(s))
		if !errors.Is(err, errNobody) || !errors.Is(err, ErrNotHere) || !errors.Is(err, release.ErrContent) {
			t.Errorf("%v", err)
		}
		full := newSink(s)
		full.err = errors.New("no space left on device")
		p[id(4)] = NewServer(&holder{s: s, data: data})
		if err := Chunks(t.Context(), p.dial, []overlay.ID{id(4)}, s, full); !errors.Is(err, full.err) || full.puts > 1 {
			t.Errorf("%v after %d chunks", err, full.puts)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p[id(5)] = NewServer(&holder{s, data, func(_ int, b []byte) []byte { time.Sleep(time.Hour); return b }})
		begin := time.Now()
		if err := Chunks(ctx, p.dial, []overlay.ID{id(5)}, s, newSink(s)); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		time.Sleep(2 * time.Hour)
	})
}

// What a member may cost: connections and time are bounded, and octets a second.
func TestServerIsBounded(t *testing.T) {
	s, data := signed(t, size)
	synctest.Test(t, func(t *testing.T) {
		server := NewServer(&holder{s: s, data: data})
		connect := func(peer overlay.ID) (net.Conn, chan error) {
			here, there := net.Pipe()
			done := make(chan error, 1)
			go func() { done <- server.Serve(t.Context(), there, peer) }()
			synctest.Wait()
			return here, done
		}
		var conns []net.Conn
		for n := range maxServed {
			c, _ := connect(id(byte(n)))
			conns = append(conns, c)
		}
		if _, done := connect(id(99)); !errors.Is(<-done, ErrBusy) {
			t.Error("a connection too many is served")
		}
		conns[0].Close()
		conns[2].Close()
		synctest.Wait()
		_, idle := connect(id(1))
		if _, done := connect(id(1)); !errors.Is(<-done, ErrBusy) {
			t.Error("one phone has three connections")
		}
		time.Sleep(requestTime + time.Second)
		select {
		case err := <-idle:
			if err == nil {
				t.Error("it was served")
			}
		default:
			t.Error("a connection on which nothing is asked stays open")
		}

		// 20 releases' worth of one chunk, to four phones at once.
		begin := time.Now()
		var wg sync.WaitGroup
		for n := range 4 {
			c, _ := connect(id(byte(50 + n)))
			wg.Go(func() {
				buf := make([]byte, maxData)
				for range 50 {
					if _, err := ask(c, request{askChunk, s.ID(), 0}, buf); err != nil {
						t.Error(err)
						return
					}
				}
				c.Close()
			})
		}
		wg.Wait()
		if rate := 200 * release.ChunkSize / time.Since(begin).Seconds(); rate > serveRate*1.1 {
			t.Errorf("%.0f octets a second", rate)
		}
		bad, done := connect(id(70))
		if _, err := bad.Write(request{what: 9}.append(nil)); err != nil {
			t.Error(err)
		}
		if err := <-done; err == nil {
			t.Error("a request of no kind is answered")
		}
		for _, q := range []request{{askChunk, s.ID(), 10}, {askChunk, s.ID(), 1<<32 - 1}, {askChunk, release.ID{}, 0}, {askHead, release.ID{}, 0}} {
			c, _ := connect(id(71))
			if _, err := ask(c, q, make([]byte, maxData)); !errors.Is(err, ErrNotHere) {
				t.Errorf("%+v: %v", q, err)
			}
			c.Close()
			synctest.Wait()
		}
	})
}

// Answers that are none.
func TestAnswers(t *testing.T) {
	s, _ := signed(t, release.Align)
	for _, answer := range [][]byte{
		{here, 0, 0, 0, 0}, {here, 0xff, 0xff, 0xff, 0xff}, {2, 0, 0, 0, 1, 0}, {notHere, 0, 0, 0, 1, 0},
	} {
		here, there := net.Pipe()
		go func() {
			io.ReadFull(there, make([]byte, requestLen))
			there.Write(answer)
		}()
		if _, err := ask(here, request{askHead, s.ID(), 0}, make([]byte, 100)); !errors.Is(err, ErrAnswer) {
			t.Errorf("%v: %v", answer, err)
		}
		here.Close()
	}
	whole := appendAnswer(nil, here, []byte("head"))
	for n := range whole {
		here, there := net.Pipe()
		go func() {
			io.ReadFull(there, make([]byte, requestLen))
			there.Write(whole[:n])
			there.Close()
		}()
		if _, err := ask(here, request{askHead, s.ID(), 0}, make([]byte, 100)); err == nil {
			t.Errorf("%d of %d octets are taken", n, len(whole))
		}
		here.Close()
	}
}

// Over TLS with the certificates of an office: a head comes from a member, and from nobody
// else.
func TestOverTLS(t *testing.T) {
	office, err := identity.Found("office", 0)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := identity.Found("other", 0)
	if err != nil {
		t.Fatal(err)
	}
	s, data := signed(t, 2*release.ChunkSize)
	server := NewServer(&holder{s: s, data: data})
	dial := func(client *identity.Identity) Dial {
		return func(ctx context.Context, node overlay.ID) (net.Conn, error) {
			here, there := net.Pipe()
			ctx = context.WithoutCancel(ctx) // the server's end outlives the dialling
			go func() {
				conn := tls.Server(there, office.ServerTLS())
				if err := conn.HandshakeContext(ctx); err != nil {
					there.Close()
					return
				}
				peer, err := identity.NodeOf(conn.ConnectionState())
				if err != nil {
					there.Close()
					return
				}
				server.Serve(ctx, conn, peer)
			}()
			conn := tls.Client(here, client.ClientTLS(node))
			return conn, conn.HandshakeContext(ctx)
		}
	}
	head, err := Head(t.Context(), dial(office), office.ID(), s.ID())
	if err != nil || sha256.Sum256(head) != sha256.Sum256(s.Head()) {
		t.Errorf("%d octets, %v", len(head), err)
	}
	to := newSink(s)
	if err := Chunks(t.Context(), dial(office), []overlay.ID{office.ID()}, s, to); err != nil || !bytes.Equal(to.content(), data) {
		t.Error(err)
	}
	if _, err := Head(t.Context(), dial(stranger), office.ID(), s.ID()); err == nil {
		t.Error("a stranger was answered, or answers")
	}
}

// FuzzRequest: what comes is read and answered, or the connection ends.
func FuzzRequest(f *testing.F) {
	s, data := signed(f, release.Align)
	f.Add(request{askHead, s.ID(), 0}.append(nil))
	f.Add(request{askChunk, s.ID(), 0}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		conn := &script{in: bytes.NewReader(b)}
		if err := NewServer(&holder{s: s, data: data}).Serve(t.Context(), conn, id(1)); err == nil {
			t.Error("it ends without a reason")
		}
		want := len(b) / requestLen
		for out := conn.out; len(out) > 0; want-- {
			n := 5 + int(binary.BigEndian.Uint32(out[1:]))
			if answer := out[5:n]; len(answer) > 0 && !bytes.Equal(answer, data) && !bytes.Equal(answer, s.Head()) {
				t.Error("an answer that is none")
			}
			out = slices.Clone(out[n:])
		}
		if want < 0 {
			t.Error("more answers than requests")
		}
	})
}

// script is a connection on which is read what was written before.
type script struct {
	net.Conn
	in  io.Reader
	out []byte
}

func (s *script) Read(b []byte) (int, error)  { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error) { s.out = append(s.out, b...); return len(b), nil }
func (s *script) SetDeadline(time.Time) error { return nil }
func (s *script) Close() error                { return nil }
