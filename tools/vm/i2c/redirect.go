package i2c

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Kinds of packets. // usbredir protocol 0.7: all integers are little-endian
const (
	hello               = 0
	deviceConnect       = 1
	reset               = 3
	interfaceInfo       = 4
	endpointInfo        = 5
	setConfiguration    = 6
	getConfiguration    = 7
	configurationStatus = 8
	setSetting          = 9
	getSetting          = 10
	settingStatus       = 11
	cancelData          = 21
	controlPacket       = 100
)

// capabilities are those that QEMU wants for its USB 3 controller: sizes in endpointInfo,
// ids of 64 bits, and lengths of 32.
const capabilities = 1<<4 | 1<<5 | 1<<6

// Results.
const (
	success = 0
	stall   = 4
)

const (
	version    = 64 // octets of it in hello
	endpoints  = 32
	fullSpeed  = 1
	vendor     = 0xff // class of a device that needs a driver of its own
	invalid    = 0xff // type of an endpoint that is not there
	maxPacket  = 64   // of endpoint 0
	maxControl = 1 << 16
)

// control is a transfer of endpoint 0. // USB 1.1, section 9.3
type control struct {
	Endpoint, Request, Type, Status byte
	Value, Index, Length            uint16
}

const controlLength = 10

// in is whether the device sends.
func (c control) in() bool { return c.Type&0x80 != 0 }

// device is what is behind endpoint 0. It returns what it sends, or an error if it
// refuses.
type device interface {
	control(c control, data []byte) ([]byte, error)
}

// serve hands a device to QEMU, until the connection ends.
func serve(conn io.ReadWriter, d device) error {
	l := &link{rw: conn}
	greeting := make([]byte, version+4)
	copy(greeting, "chordophone vm")
	binary.LittleEndian.PutUint32(greeting[version:], capabilities)
	if err := l.send(hello, 0, greeting); err != nil {
		return err
	}
	for {
		kind, id, body, err := l.receive()
		if err != nil {
			return err
		}
		if err := l.answer(d, kind, id, body); err != nil {
			return err
		}
	}
}

// link is a connection with QEMU.
type link struct {
	rw   io.ReadWriter
	wide bool // ids have 64 bits: after both have said hello
}

func (l *link) send(kind uint32, id uint64, body []byte) error {
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	if l.wide {
		b = binary.LittleEndian.AppendUint64(b, id)
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	_, err := l.rw.Write(append(b, body...))
	return err
}

func (l *link) receive() (kind uint32, id uint64, body []byte, err error) {
	head := make([]byte, 12, 16)
	if l.wide {
		head = head[:16]
	}
	if _, err := io.ReadFull(l.rw, head); err != nil {
		return 0, 0, nil, err
	}
	kind, id = binary.LittleEndian.Uint32(head), uint64(binary.LittleEndian.Uint32(head[8:]))
	if l.wide {
		id = binary.LittleEndian.Uint64(head[8:])
	}
	length := binary.LittleEndian.Uint32(head[4:])
	if length > controlLength+maxControl {
		return 0, 0, nil, fmt.Errorf("a packet of kind %d with %d octets", kind, length)
	}
	body = make([]byte, length)
	_, err = io.ReadFull(l.rw, body)
	return kind, id, body, err
}

// answer answers a packet of QEMU.
func (l *link) answer(d device, kind uint32, id uint64, body []byte) error {
	switch kind {
	case hello:
		l.wide = true
		return l.connect()
	case reset, cancelData: // nothing is ever under way
		return nil
	case setConfiguration, getConfiguration:
		return l.send(configurationStatus, id, []byte{success, 1})
	case setSetting, getSetting:
		return l.send(settingStatus, id, []byte{success, 0, 0})
	case controlPacket:
		return l.control(d, id, body)
	}
	return fmt.Errorf("a packet of kind %d", kind)
}

// connect tells of a device with one interface and no endpoint but 0.
func (l *link) connect() error {
	interfaces := make([]byte, 4+4*endpoints)
	interfaces[0] = 1
	interfaces[4+endpoints] = vendor
	ends := bytes.Repeat([]byte{invalid}, endpoints)
	ends[0], ends[endpoints/2] = 0, 0 // endpoint 0, out and in
	ends = append(ends, make([]byte, 2*endpoints)...)
	for i := range endpoints {
		size := uint16(0)
		if i%(endpoints/2) == 0 {
			size = maxPacket
		}
		ends = binary.LittleEndian.AppendUint16(ends, size)
	}
	at := []byte{fullSpeed, vendor, 0, 0}
	at = binary.LittleEndian.AppendUint16(at, vendorID)
	at = binary.LittleEndian.AppendUint16(at, productID)
	return errors.Join(l.send(interfaceInfo, 0, interfaces), l.send(endpointInfo, 0, ends), l.send(deviceConnect, 0, at))
}

func (l *link) control(d device, id uint64, body []byte) error {
	var c control
	if err := binary.Read(bytes.NewReader(body), binary.LittleEndian, &c); err != nil {
		return fmt.Errorf("a control packet of %d octets: %w", len(body), err)
	}
	data, err := d.control(c, body[controlLength:])
	c.Status = success // in a request it is anything
	switch {
	case err != nil:
		c.Status, c.Length, data = stall, 0, nil
	case c.in():
		data = data[:min(len(data), int(c.Length))]
		c.Length = uint16(len(data))
	}
	answer, err := binary.Append(nil, binary.LittleEndian, c)
	if err != nil {
		return err
	}
	return l.send(controlPacket, id, append(answer, data...))
}
