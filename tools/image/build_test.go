package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"chordophone/board"
	"chordophone/firmware/appliance/disk"
	"chordophone/firmware/update/slot"
	"chordophone/storage/fat"
	"chordophone/tools/image/cpio"
)

// desk is a telephone with all that can be given.
func desk(t *testing.T) *phone {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	put("fw/brcm/brcmfmac43455-sdio.bin", noise(50, 5000))
	put("fw/brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.txt", []byte("boardtype=1"))
	put("fw/brcm/brcmfmac4366c-pcie.bin", noise(51, 5000))
	p, err := phoneOf(options{
		Binary: put("program", telephone()), Board: "handset-4x4",
		Office: "acme", Extension: "123",
		AuthorizedKeys: put("keys", []byte(key+"\n")), ReleaseKey: put("key.pub", []byte(signer+"\n")),
		Wifi: "office:a long password", WifiFirmware: filepath.Join(dir, "fw"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl somebody@example.org"

const signer = "untrusted comment: minisign public key\nRWSDmV5fiBfsYoEkr3tMVe8QK6vUJAEJW5mf9G4laFSO9e1Vgm+kAXMp"

// little is the smallest card, for it is written and read often here.
func little() shape { return shape{selector: 36 * mib, slot: 36 * mib, data: 4 * mib} }

func built(t *testing.T, p *phone, out string) result {
	t.Helper()
	r, err := build(p, fakes(), little(), out, filepath.Join(filepath.Dir(out), "cache"), &progress{io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The image holds what was put in, where the boot firmware, the kernel and the
// telephone look for it.
func TestImage(t *testing.T) {
	p := desk(t)
	r := built(t, p, filepath.Join(t.TempDir(), "x.img"))
	c, err := disk.Open(r.image.name)
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.Open(r.image.name)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	volume := func(n int) (*fat.FS, *io.SectionReader) {
		at := c.Table.Partition(n)
		s := io.NewSectionReader(image, int64(at.Start)*disk.Sector, int64(at.Sectors)*disk.Sector)
		f, err := fat.Open(s)
		if err != nil {
			t.Fatalf("partition %d: %v", n, err)
		}
		return f, s
	}
	for n := disk.Selector; n <= disk.Data; n++ {
		// The vault of package disk lies in the first MiB; flash is erased in 4 MiB.
		if at := c.Table.Partition(n); at.Start%8192 != 0 || at.Start == 0 || at.Sectors == 0 {
			t.Errorf("partition %d: %+v", n, at)
		}
	}
	if grown, err := c.Table.Grow(16 << 21); err != nil || !grown {
		t.Errorf("the data partition does not grow: %v", err)
	}

	selector, s := volume(disk.Selector)
	at, size, err := selector.Locate("autoboot.txt")
	if err != nil || size != slot.Sector {
		t.Fatalf("autoboot.txt: %d octets, %v", size, err)
	}
	sector := make([]byte, size)
	if _, err := s.ReadAt(sector, at); err != nil {
		t.Fatal(err)
	}
	if a, err := slot.ParseAutoboot(sector); err != nil || a != (slot.Autoboot{Default: slot.A, Trial: slot.B}) {
		t.Errorf("%+v, %v", a, err)
	}
	for name, want := range map[string]string{
		"bootcode.bin":                         string(noise(40, 50_000)),
		"authorized_keys":                      key + "\n",
		"release.pub":                          signer + "\n",
		"firmware/brcm/brcmfmac43455-sdio.bin": string(noise(50, 5000)),
		"firmware/brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.txt": "boardtype=1",
	} {
		if b, err := fs.ReadFile(selector, name); err != nil || string(b) != want {
			t.Errorf("%s: %d octets, %v", name, len(b), err)
		}
	}
	if _, err := selector.Stat("firmware/brcm/brcmfmac4366c-pcie.bin"); err == nil {
		t.Error("firmware of a chip that no model has")
	}
	wiring, err := selector.Open("phone.board")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := board.Parse(wiring); err != nil || b.Name != "handset-4x4" {
		t.Errorf("phone.board: %v", err)
	}
	text, err := fs.ReadFile(selector, "phone.toml")
	if err != nil || !strings.Contains(string(text), "\nfound = \"acme\"\n") || !strings.Contains(string(text), "\nextension = \"123\"\n") ||
		strings.Contains(string(text), "#found") || !strings.Contains(string(text), "#name = ") {
		t.Errorf("phone.toml: %v\n%s", err, text)
	}

	system, a := volume(disk.SystemA)
	_, b := volume(disk.SystemB)
	if sum(t, a) != sum(t, b) {
		t.Error("the slots differ")
	}
	want := fakes()
	for _, name := range append([]string{"bcm2710-rpi-3-b.dtb", "bcm2712-rpi-5-b.dtb", "overlays/disable-bt.dtbo"}, bootFiles...) {
		from := want.Kernel
		if slices.Contains(bootFiles, name) {
			from = want.Boot
		}
		expected, err := from.read(name)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := fs.ReadFile(system, name); err != nil || !bytes.Equal(b, expected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// raspberrypi.com, config.txt: the names that it gives are files of the slot.
	for line := range strings.Lines(configText) {
		name := ""
		fmt.Sscanf(line, "kernel=%s", &name)
		fmt.Sscanf(line, "initramfs %s", &name)
		if overlay, ok := strings.CutPrefix(strings.TrimSpace(line), "dtoverlay="); ok {
			overlay, _, _ = strings.Cut(overlay, ",")
			name = "overlays/" + overlay + ".dtbo"
		}
		if name != "" {
			if _, err := system.Stat(name); err != nil {
				t.Errorf("config.txt: %v", err)
			}
		}
	}
	packed, err := fs.ReadFile(system, "kernel8.img")
	if err != nil || !unpacksTo(packed, noise(1, 300_000)) {
		t.Errorf("kernel8.img: %v", err)
	}
	checkInitramfs(t, system, p)
	checkLicences(t, selector, system)

	if rest := io.NewSectionReader(image, little().partitions()[disk.Data-1].at, little().data); sum(t, rest) != sum(t, bytes.NewReader(make([]byte, little().data))) {
		t.Error("the data partition is not zeros")
	}
	front, err := os.ReadFile(r.slot.name)
	if err != nil {
		t.Fatal(err)
	}
	whole := append(front, make([]byte, int(little().slot)-len(front))...)
	if len(front)%512 != 0 || sum(t, bytes.NewReader(whole)) != sum(t, a) {
		t.Errorf("the slot file (%d octets) is not the front of a slot", len(front))
	}
	checkCompressed(t, r)
}

// A board that needs pulses starts with what makes them, another without, and the slot
// that becomes a release knows of neither.
func TestPulses(t *testing.T) {
	plain, pulsing := desk(t), desk(t)
	var err error
	if pulsing.board, pulsing.wiring, err = boardOf("codec-hat"); err != nil {
		t.Fatal(err)
	}
	releases := map[string]bool{}
	for p, want := range map[*phone]bool{plain: false, pulsing: true} {
		r := built(t, p, filepath.Join(t.TempDir(), "x.img"))
		releases[r.slot.sum] = true
		image, err := os.Open(r.image.name)
		if err != nil {
			t.Fatal(err)
		}
		defer image.Close()
		for _, n := range []int{disk.SystemA, disk.SystemB} {
			at := little().partitions()[n-1]
			system, err := fat.Open(io.NewSectionReader(image, at.at, at.size))
			if err != nil {
				t.Fatal(err)
			}
			config, err := fs.ReadFile(system, "config.txt")
			if has := strings.Contains(string(config), "\ndtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4\n"); err != nil || has != want ||
				strings.Contains(string(config), "\ndtparam=audio=off\n") != want || !strings.HasPrefix(string(config), configText) {
				t.Errorf("%s: pulses %t, %v\n%s", p.wiring.Name, has, err, config)
			}
			if _, err := system.Stat("overlays/pwm-2chan.dtbo"); err != nil {
				t.Error(err)
			}
		}
	}
	if len(releases) != 1 {
		t.Errorf("the boards have %d releases", len(releases))
	}
}

func sum(t *testing.T, r io.Reader) string {
	t.Helper()
	if s, ok := r.(io.Seeker); ok {
		s.Seek(0, io.SeekStart)
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkInitramfs: the kernel finds its first program, the two devices, and drivers
// that can be loaded in the order in which they are named.
func checkInitramfs(t *testing.T, system fs.FS, p *phone) {
	packed, err := fs.ReadFile(system, "initramfs.zst")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	archive, err := z.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := cpio.Read(archive)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]cpio.Entry{}
	for _, e := range entries {
		files[e.Name] = e
	}
	if e := files["init"]; e.Mode != cpio.Program || !bytes.Equal(e.Data, p.program) {
		t.Errorf("init: mode %o, %d octets", e.Mode, len(e.Data))
	}
	if e := files["dev/console"]; e.Mode != cpio.Device || e.Major != 5 || e.Minor != 1 {
		t.Errorf("dev/console: %+v", e)
	}
	if e := files["dev/null"]; e.Mode != cpio.Device || e.Major != 1 || e.Minor != 3 {
		t.Errorf("dev/null: %+v", e)
	}
	order := strings.Fields(string(files["lib/modules/order"].Data))
	for i, name := range order {
		if _, ok := files["lib/modules/"+name]; !ok {
			t.Errorf("%s is to be loaded but not there", name)
		}
		order[i] = filepath.Base(name)
	}
	if want := []string{"brcmutil.ko", "brcmfmac.ko", "brcmfmac-wcc.ko", "brcmfmac-cyw.ko", "brcmfmac-bca.ko"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

// checkLicences: whose software it is stands on both partitions, and where the source
// of the kernel is.
func checkLicences(t *testing.T, volumes ...fs.FS) {
	for _, v := range volumes {
		text, err := fs.ReadFile(v, "LICENCES.txt")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"Apache License", "GNU GENERAL PUBLIC LICENSE", "https://example.org/linux.tar.gz",
			"example.org/kernel@v1", "example.org/boot@v2", "only with a Raspberry Pi",
			"example.org/part@v3", "MIT", "noted",
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("LICENCES.txt does not have %q", want)
			}
		}
	}
}

// checkCompressed: what is said of the files is so, and the small one is the large one.
func checkCompressed(t *testing.T, r result) {
	for _, a := range []artefact{r.image, r.compressed, r.slot} {
		f, err := os.Open(a.name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || info.Size() != a.size || sum(t, f) != a.sum {
			t.Errorf("%s is not what it is said to be: %v", a.name, err)
		}
	}
	f, err := os.Open(r.compressed.name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false) // one member: some programs read no more
	if got := sum(t, z); got != r.image.sum {
		t.Errorf("unpacked it is %s, not %s", got, r.image.sum)
	}
	if r.compressed.size > 4*mib {
		t.Errorf("%d octets compressed", r.compressed.size)
	}
}

// The same files make the same image: in another folder, on a machine with another
// number of processors, with and without the kept kernel.
func TestReproducible(t *testing.T) {
	first := built(t, desk(t), filepath.Join(t.TempDir(), "a/x.img"))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir := t.TempDir()
	for _, what := range []string{"in another folder", "once more, with the kept kernel"} {
		again := built(t, desk(t), filepath.Join(dir, "b/c/x.img"))
		if first.image.sum != again.image.sum || first.slot.sum != again.slot.sum || first.compressed.sum != again.compressed.sum {
			t.Errorf("%s: %+v, not %+v", what, again, first)
		}
	}
	other := desk(t)
	other.settings += "# edited\n"
	r := built(t, other, filepath.Join(dir, "b/c/y.img"))
	if r.image.sum == first.image.sum || r.slot.sum != first.slot.sum {
		t.Error("another telephone has the same image, or another system")
	}
}

// A card of 512 MB is large enough for the image, and all partitions lie one behind the
// other in it.
func TestStandard(t *testing.T) {
	at := int64(firstAt)
	for _, p := range standard().partitions() {
		if p.at != at || p.size%(4*mib) != 0 {
			t.Errorf("%+v, want it at %d", p, at)
		}
		at += p.size
	}
	if at != standard().size() || at > 500_000_000 {
		t.Errorf("%d octets, not %d", at, standard().size())
	}
}

// A kept kernel that was damaged is not used.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	kernel := noise(1, 100_000)
	want, _, err := compressed(kernel, dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, damage := range [][]byte{nil, want[:5000], append([]byte("x"), want[1:]...)} {
		if err := os.WriteFile(files[0], damage, 0o666); err != nil {
			t.Fatal(err)
		}
		if b, kept, err := compressed(kernel, dir); err != nil || kept || !bytes.Equal(b, want) {
			t.Errorf("%d octets of damage: %d octets, kept: %t, %v", len(damage), len(b), kept, err)
		}
	}
	if b, kept, err := compressed(kernel, dir); err != nil || !kept || !bytes.Equal(b, want) {
		t.Errorf("kept: %t, %v", kept, err)
	}
}

// A system that has outgrown its slot is said to have, and leaves no half image.
func TestOutgrown(t *testing.T) {
	s := fakes()
	s.Boot.FS.(fstest.MapFS)["start.elf"].Data = make([]byte, little().slot)
	dir := t.TempDir()
	_, err := build(desk(t), s, little(), filepath.Join(dir, "x.img"), filepath.Join(dir, "cache"), &progress{io.Discard})
	if err == nil || !strings.Contains(err.Error(), "36 MiB") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "x.*")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}
