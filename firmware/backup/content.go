package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/storage"
)

// format is what this program writes and reads.
const format = 1

// Manifest says what a backup is of.
type Manifest struct {
	Format    int             `json:"format"`
	Version   string          `json:"version"` // of the program that made it
	Office    string          `json:"office"`
	Extension int             `json:"extension"`
	Node      string          `json:"node"`
	Taken     time.Time       `json:"taken"`  // by that telephone's clock
	Newest    overlay.Version `json:"newest"` // of the records that it signed
	Records   int             `json:"records"`
	Calls     int             `json:"calls"`
}

// Names in the archive.
const (
	manifestName = "manifest.json"
	recordsName  = "records"
	callsName    = "calls.json"
)

// files are those of the data directory that are kept, besides the database.
var files = []string{identity.File, "config.toml", "authorized_keys", "ssh_host_key", "office.xml"}

// Bounds on a backup that is read.
const (
	maxFile    = 1 << 20  // octets of one of files
	maxRecords = 32 << 20 // octets of all records
	maxCalls   = 2 << 20  // octets of the call log
)

// content is a backup in the clear.
type content struct {
	manifest Manifest
	files    map[string][]byte
	records  []overlay.Record
	calls    []storage.Call // oldest first
}

// write writes the archive.
func (c *content) write(w io.Writer) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	add := func(name string, data []byte) error {
		h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: c.manifest.Taken.Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err := t.Write(data)
		return err
	}
	manifest, err := json.MarshalIndent(c.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := add(manifestName, manifest); err != nil {
		return err
	}
	for _, name := range files {
		if data, ok := c.files[name]; ok {
			if err := add(name, data); err != nil {
				return err
			}
		}
	}
	records, err := appendRecords(nil, c.records)
	if err != nil {
		return err
	}
	if err := add(recordsName, records); err != nil {
		return err
	}
	calls, err := json.Marshal(c.calls)
	if err != nil {
		return err
	}
	if err := add(callsName, calls); err != nil {
		return err
	}
	return errors.Join(t.Close(), z.Close())
}

// read reads an archive to its end. What it does not know is an error: a later
// program would have another format.
func read(r io.Reader) (*content, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	c := &content{files: make(map[string][]byte)}
	t := tar.NewReader(z)
	seen := make(map[string]bool)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if seen[h.Name] || h.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("%q does not belong here", h.Name)
		}
		seen[h.Name] = true
		if err := c.take(h.Name, t); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	// What follows the archive in the stream must be nothing, and authentic.
	if n, err := io.Copy(io.Discard, io.LimitReader(z, maxFile)); err != nil || n == maxFile {
		return nil, errors.Join(errors.New("it does not end"), err)
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); err != io.EOF {
		return nil, errors.Join(errors.New("it does not end"), err)
	}
	for _, name := range []string{manifestName, identity.File, recordsName, callsName} {
		if !seen[name] {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	return c, nil
}

// take reads one file of the archive.
func (c *content) take(name string, r io.Reader) error {
	most := int64(maxFile)
	switch name {
	case recordsName:
		most = maxRecords
	case callsName:
		most = maxCalls
	}
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return err
	}
	if int64(len(data)) > most {
		return fmt.Errorf("more than %d octets", most)
	}
	switch name {
	case manifestName:
		return json.Unmarshal(data, &c.manifest)
	case recordsName:
		c.records, err = parseRecords(data)
		return err
	case callsName:
		return json.Unmarshal(data, &c.calls)
	}
	for _, known := range files {
		if name == known {
			c.files[name] = data
			return nil
		}
	}
	return errors.New("it does not belong here")
}

func appendRecords(b []byte, records []overlay.Record) ([]byte, error) {
	for _, r := range records {
		v, err := r.MarshalBinary()
		if err != nil {
			return nil, err
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b, nil
}

func parseRecords(b []byte) (records []overlay.Record, err error) {
	for len(b) > 0 {
		if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, errors.New("a record is cut short")
		}
		n := int(binary.BigEndian.Uint32(b))
		var r overlay.Record
		if err := r.UnmarshalBinary(bytes.Clone(b[4 : 4+n])); err != nil {
			return nil, err
		}
		records, b = append(records, r), b[4+n:]
	}
	return records, nil
}
