package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"math/rand"
	"testing/fstest"
)

// noise is octets that no compression makes fewer, the same for the same seed.
func noise(seed int64, n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(seed)).Read(b)
	return b
}

// program is the head of a static program for a machine, and then something.
func program(class elf.Class, machine elf.Machine, interpreter bool) []byte {
	var b bytes.Buffer
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(class), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	p := elf.Prog64{Type: uint32(elf.PT_LOAD)}
	if interpreter {
		p.Type = uint32(elf.PT_INTERP)
	}
	binary.Write(&b, binary.LittleEndian, h)
	binary.Write(&b, binary.LittleEndian, p)
	b.Write(noise(7, 200_000))
	return b.Bytes()
}

func telephone() []byte { return program(elf.ELFCLASS64, elf.EM_AARCH64, false) }

// fakes are small modules like the real ones.
func fakes() *sources {
	file := func(b []byte) *fstest.MapFile { return &fstest.MapFile{Data: b} }
	kernel := fstest.MapFS{
		"vmlinuz":                 file(noise(1, 300_000)),
		"LICENSE.linux":           file([]byte("GNU GENERAL PUBLIC LICENSE\n")),
		"_build/upstream-url.txt": file([]byte("https://example.org/linux.tar.gz\n")),
		"lib/modules/6.1/modules.dep": file([]byte(`kernel/a/brcmutil.ko:
kernel/a/other.ko:
kernel/a/brcmfmac-wcc.ko: kernel/a/brcmfmac.ko kernel/a/brcmutil.ko
kernel/a/brcmfmac-cyw.ko: kernel/a/brcmfmac.ko kernel/a/brcmutil.ko
kernel/a/brcmfmac-bca.ko: kernel/a/brcmfmac.ko kernel/a/brcmutil.ko
kernel/a/brcmfmac.ko: kernel/a/brcmutil.ko
`)),
	}
	for i, name := range []string{"brcmutil", "brcmfmac", "brcmfmac-wcc", "brcmfmac-cyw", "brcmfmac-bca", "other"} {
		kernel["lib/modules/6.1/kernel/a/"+name+".ko"] = file(noise(int64(10+i), 1000))
	}
	for i, name := range []string{"bcm2710-rpi-3-b", "bcm2711-rpi-4-b", "bcm2712-rpi-5-b", "bcm2837-rpi-3-b"} {
		kernel[name+".dtb"] = file(noise(int64(20+i), 30_000))
	}
	for i, name := range overlays {
		kernel["overlays/"+name] = file(noise(int64(30+i), 1000))
	}
	boot := fstest.MapFS{"bootcode.bin": file(noise(40, 50_000)), "LICENSE.broadcom": file([]byte("only with a Raspberry Pi\n"))}
	for i, name := range bootFiles {
		boot[name] = file(noise(int64(41+i), 10_000))
	}
	return &sources{
		Kernel:  module{kernel, "example.org/kernel@v1"},
		Boot:    module{boot, "example.org/boot@v2"},
		Project: fstest.MapFS{"LICENSE": file([]byte("Apache License\n"))},
		Linked:  []module{{fstest.MapFS{"LICENSE.md": file([]byte("MIT\n")), "NOTICE": file([]byte("noted\n")), "main.go": file([]byte("secret\n"))}, "example.org/part@v3"}},
	}
}
