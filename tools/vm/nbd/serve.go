package nbd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// The numbers of the protocol.
const (
	magic       = 0x4e42444d41474943 // NBDMAGIC
	optionMagic = 0x49484156454f5054 // IHAVEOPT
	answerMagic = 0x0003e889045565a9
	askMagic    = 0x25609513
	replyMagic  = 0x67446698

	fixedNewstyle = 1 << 0
	noZeroes      = 1 << 1

	optionExportName = 1
	optionAbort      = 2
	optionGo         = 7

	answerAck         = 1
	answerInfo        = 3
	answerUnsupported = 1<<31 | 1

	infoExport = 0

	// has flags, takes flushes and forced writes.
	transmission = 1<<0 | 1<<2 | 1<<3

	askRead       = 0
	askWrite      = 1
	askDisconnect = 2
	askFlush      = 3
	forced        = 1 << 0

	errIO      = 5
	errInvalid = 22
)

// Bounds of what a client may ask for.
const (
	maxOption  = 4096
	maxOptions = 32
	maxLength  = 32 << 20
)

// Serve serves the disk to one client until it disconnects, the connection ends or
// the disk has no power, and closes the connection. Only a client that breaks the
// protocol is an error.
func Serve(conn net.Conn, d *Disk) error {
	defer conn.Close()
	s := &session{conn: conn, disk: d}
	err := s.negotiate()
	for err == nil {
		err = s.request()
	}
	if errors.Is(err, errDone) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, ErrCut) {
		return nil
	}
	return err
}

var errDone = errors.New("the client is done")

type session struct {
	conn net.Conn
	disk *Disk
}

func (s *session) read(into ...any) error {
	for _, v := range into {
		if err := binary.Read(s.conn, binary.BigEndian, v); err != nil {
			return err
		}
	}
	return nil
}

// write writes numbers and octets in one piece.
func (s *session) write(values ...any) (err error) {
	var b []byte
	for _, v := range values {
		if b, err = binary.Append(b, binary.BigEndian, v); err != nil {
			return err
		}
	}
	_, err = s.conn.Write(b)
	return err
}

// negotiate agrees on the one disk that there is.
func (s *session) negotiate() error {
	if err := s.write(uint64(magic), uint64(optionMagic), uint16(fixedNewstyle|noZeroes)); err != nil {
		return err
	}
	var flags uint32
	if err := s.read(&flags); err != nil {
		return err
	}
	for range maxOptions {
		var m uint64
		var option, length uint32
		if err := s.read(&m, &option, &length); err != nil {
			return err
		}
		if m != optionMagic || length > maxOption {
			return fmt.Errorf("an option with magic %#x and %d octets", m, length)
		}
		if _, err := io.CopyN(io.Discard, s.conn, int64(length)); err != nil {
			return err
		}
		switch option {
		case optionGo:
			if err := s.answer(option, answerInfo, uint16(infoExport), uint64(s.disk.Size()), uint16(transmission)); err != nil {
				return err
			}
			return s.answer(option, answerAck)
		case optionExportName:
			if err := s.write(uint64(s.disk.Size()), uint16(transmission)); err != nil || flags&noZeroes != 0 {
				return err
			}
			return s.write(make([]byte, 124))
		case optionAbort:
			return errors.Join(s.answer(option, answerAck), errDone)
		default:
			if err := s.answer(option, answerUnsupported); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("more than %d options", maxOptions)
}

func (s *session) answer(option, kind uint32, values ...any) error {
	length := 0
	for _, v := range values {
		length += binary.Size(v)
	}
	return s.write(append([]any{uint64(answerMagic), option, kind, uint32(length)}, values...)...)
}

// request carries out one request.
func (s *session) request() error {
	var m, length uint32
	var flags, kind uint16
	var handle, at uint64
	if err := s.read(&m, &flags, &kind, &handle, &at, &length); err != nil {
		return err
	}
	if m != askMagic || length > maxLength || at > 1<<62 {
		return fmt.Errorf("a request with magic %#x, %d octets at %d", m, length, at)
	}
	var data []byte
	var err error
	switch kind {
	case askRead:
		data = make([]byte, length)
		_, err = s.disk.ReadAt(data, int64(at))
	case askWrite:
		b := make([]byte, length)
		if _, err := io.ReadFull(s.conn, b); err != nil {
			return err
		}
		if _, err = s.disk.WriteAt(b, int64(at)); err == nil && flags&forced != 0 {
			err = s.disk.keep(int64(at), int64(length))
		}
	case askFlush:
		err = s.disk.Flush()
	case askDisconnect:
		return errDone
	default:
		return s.write(uint32(replyMagic), uint32(errInvalid), handle)
	}
	switch {
	case errors.Is(err, ErrCut):
		return err // without power nobody answers
	case err != nil:
		return s.write(uint32(replyMagic), uint32(errIO), handle)
	}
	return s.write(uint32(replyMagic), uint32(0), handle, data)
}
