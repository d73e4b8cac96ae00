package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"chordophone/hal/pcm"
)

// headerSize is where the samples begin in files written here.
const headerSize = 44

// maxData is how many bytes of sound a file takes: its sizes have 32 bits.
const maxData = 0xffffffff - headerSize

// appendHeader appends the head of a mono file with data bytes of sound.
func appendHeader(b []byte, rate int, data uint32) []byte {
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, headerSize-8+data)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, formatPCM)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(2*rate))
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, data)
}

// WriteFile writes a mono file at path, replacing what was there.
func WriteFile(path string, rate int, samples []int16) error {
	b := appendHeader(make([]byte, 0, headerSize+2*len(samples)), rate, uint32(2*len(samples)))
	return os.WriteFile(path, pcm.AppendS16LE(b, samples), 0o644)
}

// Recorder writes sound to a file as it comes. It belongs to one goroutine.
type Recorder struct {
	file   *os.File
	rate   int
	buf    []byte
	data   int64 // bytes of sound in the file
	marked int64 // bytes of sound the header speaks of
	err    error // the first failure; recording ends with it
}

// Create starts a recording. An existing file is replaced if it is empty or a WAV
// file; anything else is left alone: it was hardly meant.
func Create(path string, rate int) (*Recorder, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	r := &Recorder{file: f, rate: rate}
	if err := r.start(); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

func (r *Recorder) start() error {
	var head [12]byte
	n, err := io.ReadFull(r.file, head[:])
	if errors.Is(err, io.ErrUnexpectedEOF) || n == len(head) && (string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE") {
		return fmt.Errorf("%s exists and is %w", r.file.Name(), ErrNotWAV)
	}
	if err := r.file.Truncate(0); err != nil {
		return err
	}
	return r.mark()
}

// mark writes the header for the sound written so far.
func (r *Recorder) mark() error {
	var b [headerSize]byte
	r.marked = r.data
	_, err := r.file.WriteAt(appendHeader(b[:0], r.rate, uint32(r.data)), 0)
	return err
}

// Write appends samples. Once it has failed, because the disk is full, say, it
// goes on failing: a recording with a hole would be worse than a short one.
func (r *Recorder) Write(samples []int16) error {
	if r.err != nil {
		return r.err
	}
	r.buf = pcm.AppendS16LE(r.buf[:0], samples)
	if r.data+int64(len(r.buf)) > maxData {
		r.err = fmt.Errorf("%s: the recording is as long as a WAV file can be", r.file.Name())
		return r.err
	}
	n, err := r.file.WriteAt(r.buf, headerSize+r.data)
	r.data += int64(n &^ 1)
	if err == nil && r.data-r.marked >= int64(2*r.rate) {
		err = r.mark()
	}
	r.err = err
	return err
}

// Flush makes the header right.
func (r *Recorder) Flush() error {
	if r.marked == r.data {
		return nil
	}
	return r.mark()
}

// Close ends the recording. It returns the first error the recording met.
func (r *Recorder) Close() error {
	return errors.Join(r.err, r.Flush(), r.file.Close())
}
