//go:build interop

package disk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// run runs a program of the system; its output is returned.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v (Debian: apt-get install e2fsprogs mount): %v: %s", name, args, err, out)
	}
	return string(out)
}

// What Format makes, of any size, is good by the judgement of e2fsck, before the kernel
// has mounted it and after, and it holds a file.
func TestFormatIsExt4(t *testing.T) {
	for _, size := range []int64{smallest, 64 << 20, 200<<20 + 4096*3, 2 << 30} {
		t.Run(fmt.Sprint(size>>20), func(t *testing.T) {
			path, at := filepath.Join(t.TempDir(), "p4"), t.TempDir()
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			if err := Format(path); err != nil {
				t.Fatal(err)
			}
			run(t, "e2fsck", "-fn", path)
			info := run(t, "dumpe2fs", "-h", path)
			for _, want := range []string{"has_journal", "Block size:               4096", "Inode blocks per group:   128\n", "Inodes per group:         2048\n", fmt.Sprintf("Block count:              %d\n", size/4096)} {
				if !strings.Contains(info, want) {
					t.Errorf("no %q in\n%s", want, info)
				}
			}
			run(t, "mount", "-o", "loop,noatime,errors=remount-ro", path, at)
			err = os.WriteFile(filepath.Join(at, "file"), []byte("kept"), 0o600)
			run(t, "umount", at)
			if err != nil {
				t.Fatal(err)
			}
			run(t, "e2fsck", "-fn", path)
		})
	}
}

// The kernel sees the partition grown without the disk being taken away.
func TestGrowOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	tab := usual()
	if err := os.WriteFile(path, tab[:], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 100<<20); err != nil {
		t.Fatal(err)
	}
	loop := strings.TrimSpace(run(t, "losetup", "--find", "--show", path))
	t.Cleanup(func() { exec.Command("partx", "-d", loop).Run(); exec.Command("losetup", "-d", loop).Run() })
	run(t, "partx", "-u", loop) // which a kernel without MBR partitions does not do by itself
	c, err := Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	sectors := func() string {
		b, err := os.ReadFile(filepath.Join("/sys/class/block", filepath.Base(c.Part(Data)), "size"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	if got := sectors(); got != "1024" {
		t.Fatalf("the kernel begins with %s sectors", got)
	}
	if err := c.Grow(); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(100<<11 - 8192); sectors() != want {
		t.Errorf("the kernel sees %s sectors; want %s", sectors(), want)
	}
	if again, err := Open(loop); err != nil || again.Table != c.Table {
		t.Error("the table on the disk is another", err)
	}
	if err := c.Grow(); err != nil {
		t.Error(err)
	}
	// The device of the partition is made by udev or devtmpfs; here by hand.
	node := filepath.Join(t.TempDir(), "p4")
	var major, minor uint32
	b, _ := os.ReadFile(filepath.Join("/sys/class/block", filepath.Base(c.Part(Data)), "dev"))
	fmt.Sscanf(string(b), "%d:%d", &major, &minor)
	if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(unix.Mkdev(major, minor))); err != nil {
		t.Fatal(err)
	}
	if err := Format(node); err != nil {
		t.Fatal(err)
	}
	run(t, "e2fsck", "-fn", node)
}
