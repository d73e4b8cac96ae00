package release

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"aead.dev/minisign"
	"github.com/klauspost/compress/zstd"
)

// window is how far back the content may refer, in octets: what unpacking it costs
// in memory.
const window = 4 << 20

// slack is by how much packed content may exceed the content itself.
const slack = 64 << 10

// Make writes a release file: m says what it is, content is read twice. Length and
// Chunks of m are found here; content is filled up with zeros to a multiple of Align.
func Make(w io.Writer, m Manifest, content io.ReadSeeker, key minisign.PrivateKey) (*Signed, error) {
	if err := measure(&m, content); err != nil {
		return nil, err
	}
	s, err := sign(m, key)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(s.head); err != nil {
		return nil, err
	}
	// One thread, since the same content is to make the same file.
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(window))
	if err != nil {
		return nil, err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if _, err := io.CopyN(z, filled(content), m.Length); err != nil {
		return nil, err
	}
	return s, z.Close()
}

// measure sets Length and Chunks.
func measure(m *Manifest, content io.ReadSeeker) error {
	length, err := content.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if length > MaxContent {
		return fmt.Errorf("%w: content of %d octets: at most %d", ErrMalformed, length, MaxContent)
	}
	m.Length = (length + Align - 1) / Align * Align
	m.Chunks = nil
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := filled(content)
	buf := make([]byte, ChunkSize)
	for i := range chunks(m.Length) {
		b := buf[:m.ChunkLen(i)]
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		m.Chunks = append(m.Chunks, sha256.Sum256(b))
	}
	return nil
}

// filled is r and then zeros.
func filled(r io.Reader) io.Reader { return io.MultiReader(r, zeros{}) }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// Reader reads a release file.
type Reader struct {
	*Signed
	in   *io.LimitedReader
	z    *zstd.Decoder
	next int
}

// Open reads the head of a release file. The errors are those of ReadSigned. Close
// must be called.
func Open(r io.Reader, keys []Key) (*Reader, error) {
	s, err := ReadSigned(r, keys)
	if err != nil {
		return nil, err
	}
	// What unpacks to nothing must end, too.
	in := &io.LimitedReader{R: r, N: s.Length + slack}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(2*window))
	if err != nil {
		return nil, err
	}
	return &Reader{Signed: s, in: in, z: z}, nil
}

// Close gives back what unpacking took.
func (r *Reader) Close() { r.z.Close() }

// ErrContent means that the content is not what the manifest says.
var ErrContent = errors.New("content does not match the signed manifest")

// Next reads the next chunk into buf, which has room for ChunkSize octets, and checks
// it. After the last chunk, and nothing after that, the error is io.EOF; else it
// wraps ErrContent or is that of the reader below.
func (r *Reader) Next(buf []byte) (i int, data []byte, err error) {
	if r.next == len(r.Chunks) {
		return 0, nil, r.end(buf)
	}
	i = r.next
	data = buf[:r.ChunkLen(i)]
	if _, err := io.ReadFull(r.z, data); err != nil {
		return 0, nil, fmt.Errorf("%w: chunk %d of %d: %w", ErrContent, i+1, len(r.Chunks), unexpected(err))
	}
	if !r.IsChunk(i, data) {
		return 0, nil, fmt.Errorf("%w: chunk %d of %d", ErrContent, i+1, len(r.Chunks))
	}
	r.next++
	return i, data, nil
}

// end makes sure that there is nothing after the content.
func (r *Reader) end(buf []byte) error {
	switch n, err := r.z.Read(buf[:1]); {
	case n > 0:
		return fmt.Errorf("%w: it is longer", ErrContent)
	case err != io.EOF:
		return fmt.Errorf("%w: after its end: %w", ErrContent, err)
	case r.in.N <= 0:
		return fmt.Errorf("%w: it is packed longer than need be", ErrContent)
	}
	return io.EOF
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
