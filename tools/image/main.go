// Command image makes the SD card of a telephone: an image that is written to a card
// and starts a Raspberry Pi 3, 4, 5 or Zero 2 W as a telephone. It needs neither root
// nor tools, only the modules that tools/image/pins names.
//
//	sector 0   partition table
//	p1 FAT32   64 MiB  CHORDOPHONE: first program, choice of the slot, and what people
//	                   edit: phone.toml phone.board authorized_keys release.pub
//	                   firmware/ README.txt
//	p2 FAT32  128 MiB  slot A: kernel, initramfs with the telephone, device trees
//	p3 FAT32  128 MiB  slot B: the same
//	p4         64 MiB  zeros; the telephone makes it as large as the card, and its data
//
// The same files make the same image, whoever builds it when and where. Nothing in a
// slot depends on the board or its owner, so that one release fits all telephones: the
// file FILE.slot, which is the used front of a slot. There is one exception, which the
// first update takes away: boards with brightness= or tone= have lines of their own at the
// end of config.txt in the image.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"chordophone/board"
)

func main() {
	var o options
	kong.Parse(&o, kong.Name("image"), kong.Description("Make the SD card of a telephone."))
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", strings.Join(strings.Fields(err.Error()), " "))
		os.Exit(1)
	}
}

func run(o options, w io.Writer) error {
	p, err := phoneOf(o)
	if err != nil {
		return err
	}
	folder, err := root()
	if err != nil {
		return err
	}
	log := &progress{w}
	step := log.step("modules")
	s, err := fetch(folder, p.program)
	if err != nil {
		return err
	}
	step(0, s.Kernel.Name+", "+s.Boot.Name)
	if o.Out == "" {
		o.Out = filepath.Join("build/image", p.wiring.Name+".img")
	}
	r, err := build(p, s, standard(), o.Out, filepath.Join(filepath.Dir(o.Out), "cache"), log)
	if err != nil {
		return err
	}
	if o.Size {
		sizes(w, r.card)
	}
	return next(w, o, p, r)
}

// sizes lists what is on the card.
func sizes(w io.Writer, c card) {
	for _, f := range c.selector.Files {
		fmt.Fprintf(w, "CHORDOPHONE %9d  %s\n", f.Size, f.Name)
	}
	for _, f := range c.system.Files {
		fmt.Fprintf(w, "SYSTEM      %9d  %s\n", f.Size, f.Name)
	}
}

// next says what was made and what to do with it.
func next(w io.Writer, o options, p *phone, r result) error {
	fmt.Fprintln(w)
	for _, a := range []artefact{r.image, r.compressed, r.slot} {
		fmt.Fprintf(w, "%-42s %9s  sha256 %s\n", a.name, bytesText(int(a.size)), a.sum)
	}
	if hat := p.hat(); hat != "" {
		fmt.Fprintf(w, "\nThere will be no sound: the board names %s, a sound card on the 40-pin header, for which\nthis kernel has no driver. Use a USB sound adapter or handset.\n", hat)
	}
	if p.wiring.Pulses() {
		fmt.Fprint(w, "\nThe board dims lamps or gives a buzzer its tone: the image's config.txt has what that needs, and\nno analog sound. Updates do not know of it: after the first one they are switched on and off only.\n")
	}
	wiring := "as " + o.Board + " says"
	if _, err := board.Source(o.Board); err == nil {
		wiring = "build/chordophone board show " + o.Board
	}
	fmt.Fprintf(w, `
1. Flash it: Raspberry Pi Imager, "Use custom", %s
   or: gzip -dc %s | sudo dd of=/dev/sdX bs=4M conv=fsync status=progress
   What is on the partition CHORDOPHONE may be edited on any computer; its README.txt says how.
2. Wire it: %s
`, r.compressed.name, r.compressed.name, wiring)
	switch {
	case o.Wifi != "":
		fmt.Fprintf(w, "3. Switch it on. It joins the wireless network; there is firmware for models %s.\n", strings.Join(p.models, ", "))
	default:
		fmt.Fprintln(w, "3. Connect it to the network (Ethernet) and switch it on.")
	}
	if o.Office != "" {
		fmt.Fprintf(w, "   It founds the office %s, alone: the image of the next telephone has no OFFICE.\n", o.Office)
	} else {
		fmt.Fprintln(w, "   It asks to be paired: *73# at a telephone of the office shows the code.")
	}
	fmt.Fprintln(w, "4. First call: lift the handset, wait for the dial tone, dial 101 or another extension and #.")
	if p.keys != "" {
		_, err := fmt.Fprintln(w, "5. Log in: ssh admin@ADDRESS, with one of the keys given.")
		return err
	}
	_, err := fmt.Fprintln(w, "5. Nobody can log in: put a file authorized_keys on the partition CHORDOPHONE, or give AUTHORIZED_KEYS=FILE.")
	return err
}
