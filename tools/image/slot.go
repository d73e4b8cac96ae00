package main

import (
	_ "embed"

	"chordophone/storage/fat"
)

//go:embed text/config.txt
var configText string

//go:embed text/pulses.txt
var pulsesText string

//go:embed text/cmdline.txt
var cmdlineText string

// bootFiles are what starts a Raspberry Pi 3 or Zero 2 W (start, fixup) and a 4. A 5
// has that on its board.
var bootFiles = []string{"start.elf", "fixup.dat", "start4.elf", "fixup4.dat"}

// trees are the descriptions of all models with 64 bits.
const trees = "bcm271[0-2]*.dtb"

// overlays are those that config.txt names, and those that the boot firmware looks for
// by itself.
var overlays = []string{"overlay_map.dtb", "bcm2712d0.dtbo", "disable-bt.dtbo", "disable-bt-pi5.dtbo", "dwc2.dtbo", "pwm-2chan.dtbo"}

// system is the content of a slot: a whole system, for every board and every model.
// It lies in the order in which it is read.
func system(s *sources, kernel, initramfs []byte, licences, config string, size int64) (fat.Volume, error) {
	v := fat.Volume{Size: size, Label: "SYSTEM", ID: slotID, Files: []fat.File{
		fat.Bytes("config.txt", config),
		fat.Bytes("cmdline.txt", cmdlineText),
		fat.Bytes("LICENCES.txt", licences),
	}}
	add := func(from module, name string) error {
		b, err := from.read(name)
		v.Files = append(v.Files, fat.Bytes(name, b))
		return err
	}
	for _, name := range bootFiles {
		if err := add(s.Boot, name); err != nil {
			return v, err
		}
	}
	names, err := s.Kernel.match(trees)
	if err != nil {
		return v, err
	}
	for _, name := range overlays {
		names = append(names, "overlays/"+name)
	}
	for _, name := range names {
		if err := add(s.Kernel, name); err != nil {
			return v, err
		}
	}
	v.Files = append(v.Files, fat.Bytes("kernel8.img", kernel), fat.Bytes("initramfs.zst", initramfs))
	return v, nil
}
