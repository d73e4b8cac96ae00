package main

import (
	"bytes"
	"strings"

	"github.com/klauspost/compress/zstd"

	"chordophone/tools/image/cpio"
)

// wireless are the drivers that are not part of the kernel itself: those of the
// Wi-Fi chips of all models. The last three are parts of brcmfmac for chips of
// different makers.
var wireless = []string{"brcmfmac", "brcmfmac-wcc", "brcmfmac-cyw", "brcmfmac-bca"}

// The telephone loads the drivers that the file order names, one a line and relative to
// its folder, in that order.
const (
	driverFolder = "lib/modules"
	orderFile    = driverFolder + "/order"
)

// initramfs is the first file system, and the only one: the telephone's program, the
// two devices that a Go program and its kernel need before anything is mounted, and
// drivers.
func initramfs(program []byte, kernel module) ([]byte, error) {
	entries := []cpio.Entry{
		{Name: "dev/console", Mode: cpio.Device, Major: 5, Minor: 1},
		{Name: "dev/null", Mode: cpio.Device, Major: 1, Minor: 3},
		{Name: "init", Mode: cpio.Program, Data: program},
	}
	drivers, err := kernel.drivers(wireless...)
	if err != nil {
		return nil, err
	}
	list := ""
	for _, d := range drivers {
		b, err := kernel.read(d)
		if err != nil {
			return nil, err
		}
		entries = append(entries, cpio.Entry{Name: d, Mode: cpio.Regular, Data: b})
		list += strings.TrimPrefix(d, driverFolder+"/") + "\n"
	}
	entries = append(entries, cpio.Entry{Name: orderFile, Mode: cpio.Regular, Data: []byte(list)})

	var archive bytes.Buffer
	if err := cpio.Write(&archive, entries); err != nil {
		return nil, err
	}
	// One goroutine: how the work is cut must not depend on the machine.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.EncodeAll(archive.Bytes(), nil), nil
}
