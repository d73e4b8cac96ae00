package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The vault is two places before the first partition, written in turn, so that a power
// cut while one is written leaves the other:
//
//	"vault 1\n"   8 octets
//	sequence      8
//	length        4
//	SHA-256      32   of sequence, length and content
//	content
const (
	vaultMagic = "vault 1\n"
	vaultHead  = 8 + 8 + 4 + sha256.Size
	vaultSlot  = 128 << 10 // octets of a place
)

var vaultAt = [2]int64{256 << 10, 512 << 10}

// MaxVault is how many octets the vault holds.
const MaxVault = vaultSlot - vaultHead

// Errors of the vault.
var (
	ErrNoVault = errors.New("nothing in the vault")
	ErrFull    = errors.New("too much for the vault")
)

// Vault is what was last kept.
func (c *Card) Vault() ([]byte, error) {
	f, err := c.openVault(os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, _, _ := readVault(f)
	if content == nil {
		return nil, ErrNoVault
	}
	return content, nil
}

// Keep puts content in the vault, if it is not there already. It is durable on return.
func (c *Card) Keep(content []byte) error {
	if len(content) > MaxVault {
		return fmt.Errorf("%w: %d octets", ErrFull, len(content))
	}
	f, err := c.openVault(os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	old, sequence, place := readVault(f)
	if old != nil && bytes.Equal(old, content) {
		return nil
	}
	b := append(make([]byte, 0, vaultHead+len(content)), vaultMagic...)
	b = binary.BigEndian.AppendUint64(b, sequence+1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(content)))
	b = append(b, vaultSum(sequence+1, content)...)
	b = append(b, content...)
	if _, err := f.WriteAt(b, vaultAt[1-place]); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return f.Sync()
}

// openVault refuses a card whose first partition begins where the vault is.
func (c *Card) openVault(flag int) (*os.File, error) {
	for n := Selector; n <= Data; n++ {
		if p := c.Table.Partition(n); p.Sectors != 0 && int64(p.Start)*Sector < vaultAt[1]+vaultSlot {
			return nil, fmt.Errorf("no room for the vault: partition %d begins at sector %d", n, p.Start)
		}
	}
	return os.OpenFile(c.Device, flag, 0)
}

// readVault is the newest good content, nil for none, its number, and its place.
func readVault(r io.ReaderAt) (content []byte, sequence uint64, place int) {
	for i, at := range vaultAt {
		b := make([]byte, vaultSlot)
		if _, err := r.ReadAt(b, at); err != nil || string(b[:8]) != vaultMagic {
			continue
		}
		n, length := binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:])
		if length > MaxVault {
			continue
		}
		c := b[vaultHead : vaultHead+length]
		if !bytes.Equal(vaultSum(n, c), b[20:vaultHead]) || content != nil && n <= sequence {
			continue
		}
		content, sequence, place = c, n, i
	}
	return content, sequence, place
}

func vaultSum(sequence uint64, content []byte) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, sequence))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(content))))
	h.Write(content)
	return h.Sum(nil)
}
