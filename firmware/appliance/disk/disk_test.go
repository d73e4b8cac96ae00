package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// table is one with the partitions p, from the first.
func table(p ...Partition) (t Table) {
	binary.LittleEndian.PutUint32(t[440:], Signature)
	t[510], t[511] = 0x55, 0xaa
	for i, p := range p {
		e := t[446+16*i : 462+16*i]
		e[4] = 0x0c
		if i == 3 {
			e[4] = 0x83
		}
		binary.LittleEndian.PutUint32(e[8:], p.Start)
		binary.LittleEndian.PutUint32(e[12:], p.Sectors)
	}
	return t
}

func usual() Table {
	return table(Partition{2048, 1000}, Partition{4096, 1000}, Partition{6144, 1000}, Partition{8192, 1024})
}

// A data partition grows to the end of the card or to two GiB, in whole blocks; it
// never shrinks, and a table that makes no sense is left alone.
func TestGrow(t *testing.T) {
	for _, tc := range []struct {
		name string
		disk uint64
		tab  Table
		want uint32 // sectors; 0: an error
	}{
		{"to the end", 8192 + 5000, usual(), 5000},
		{"whole blocks", 8192 + 5007, usual(), 5000},
		{"the limit", 1 << 33, usual(), 4 << 20},
		{"already there", 8192 + 1024, usual(), 1024},
		{"cut short", 8192 + 1023, usual(), 0},
		{"no partition", 1 << 20, table(Partition{2048, 1000}), 0},
		{"others behind it", 1 << 20, table(Partition{20000, 1000}, Partition{}, Partition{}, Partition{8192, 1024}), 0},
	} {
		tab := tc.tab
		grown, err := tab.Grow(tc.disk)
		if tc.want == 0 {
			if err == nil || tab != tc.tab {
				t.Errorf("%s: %v, changed: %v", tc.name, err, tab != tc.tab)
			}
			continue
		}
		if got := tab.Partition(Data); err != nil || got != (Partition{8192, tc.want}) || grown != (tab != tc.tab) {
			t.Errorf("%s: %v, %v, %v", tc.name, got, grown, err)
		}
		for n := 1; n < 4; n++ {
			if tab.Partition(n) != tc.tab.Partition(n) {
				t.Errorf("%s: partition %d changed", tc.name, n)
			}
		}
	}
}

// machine is one with these disks in its /sys and /dev.
func machine(t *testing.T, disks map[string][]byte) (sys, dev string) {
	t.Helper()
	sys, dev = t.TempDir(), t.TempDir()
	for name, content := range disks {
		if err := os.MkdirAll(filepath.Join(sys, "class/block", name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dev, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return sys, dev
}

// The card is known by its signature, wherever it is; one that comes late is waited for.
func TestFind(t *testing.T) {
	tab := usual()
	card := append(tab[:], make([]byte, 1<<20)...)
	sys, dev := machine(t, map[string][]byte{"sda": make([]byte, 4096), "mmcblk0": nil, "ram0": card, "sr0": []byte("short")})
	if c, err := Find(sys, dev, 0); !errors.Is(err, ErrNotOurs) {
		t.Fatal(c, err)
	}
	go func() {
		time.Sleep(10 * time.Millisecond)
		os.WriteFile(filepath.Join(dev, "new"), card, 0o600)
		os.Rename(filepath.Join(dev, "new"), filepath.Join(dev, "mmcblk0"))
	}()
	c, err := Find(sys, dev, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if c.Part(Data) != filepath.Join(dev, "mmcblk0p4") || c.Size != uint64(len(card))/512 || c.Table != tab {
		t.Errorf("%s, %d sectors", c.Part(Data), c.Size)
	}
	if c.Device = "/dev/sda"; c.Part(Data) != "/dev/sda4" {
		t.Error(c.Part(Data))
	}
}

// card is a file with a telephone's partition table.
func card(t *testing.T) *Card {
	t.Helper()
	tab := usual()
	path := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(path, append(tab[:], make([]byte, 1<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What was kept comes back, and of a write that was torn anywhere what was kept before.
func TestVault(t *testing.T) {
	c := card(t)
	if _, err := c.Vault(); !errors.Is(err, ErrNoVault) {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second", "", "third"} {
		if err := c.Keep([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Vault(); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := c.Keep(make([]byte, MaxVault+1)); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	before, err := os.ReadFile(c.Device)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Keep([]byte("third")); err != nil {
		t.Fatal(err)
	}
	if same, _ := os.ReadFile(c.Device); !bytes.Equal(before, same) {
		t.Error("what is there is written again")
	}
	if err := c.Keep([]byte("fourth")); err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(c.Device)
	changed := 0
	for i := range after {
		if after[i] == before[i] {
			continue
		}
		changed++
		torn := bytes.Clone(after)
		copy(torn[i:vaultAt[1]+vaultSlot], before[i:])
		os.WriteFile(c.Device, torn, 0o600)
		if got, err := c.Vault(); err != nil || string(got) != "third" {
			t.Fatalf("torn at %d: %q, %v", i, got, err)
		}
	}
	if changed < 20 {
		t.Errorf("%d octets changed: the test tears nothing", changed)
	}
	if !bytes.Equal(before[:256<<10], after[:256<<10]) || !bytes.Equal(before[1<<20:], after[1<<20:]) {
		t.Error("it writes beside the vault")
	}
}

// A partition that begins where the vault would be is not written into.
func TestNoRoomForVault(t *testing.T) {
	c := card(t)
	c.Table = table(Partition{63, 10000})
	before, _ := os.ReadFile(c.Device)
	if err := c.Keep([]byte("x")); err == nil {
		t.Error("kept")
	}
	if _, err := c.Vault(); err == nil || errors.Is(err, ErrNoVault) {
		t.Error(err)
	}
	if after, _ := os.ReadFile(c.Device); !bytes.Equal(before, after) {
		t.Error("it was written")
	}
}

// A partition of zeros is empty until it is formatted.
func TestEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p4")
	if err := os.WriteFile(path, make([]byte, smallest-4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Format(path); !errors.Is(err, ErrSmall) {
		t.Error(err)
	}
	if err := os.Truncate(path, smallest); err != nil {
		t.Fatal(err)
	}
	if empty, err := Empty(path); !empty || err != nil {
		t.Error(empty, err)
	}
	if err := Format(path); err != nil {
		t.Fatal(err)
	}
	if empty, err := Empty(path); empty || err != nil {
		t.Error(empty, err)
	}
}
