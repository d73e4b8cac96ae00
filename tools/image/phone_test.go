package main

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What cannot become a telephone is refused, with what to do about it.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := options{Binary: put("good", string(telephone())), Board: "handset-4x4", Office: "acme"}
	if _, err := phoneOf(good); err != nil {
		t.Fatal(err)
	}
	put("pi4/brcmfmac43455-sdio.bin", "x")
	put("pi4/brcmfmac43436-sdio.txt", "settings, but no firmware")
	put("none/iwlwifi.ucode", "x")
	for _, c := range []struct {
		change func(*options)
		want   string
	}{
		{func(o *options) { o.Binary = "nothing" }, "make cross"},
		{func(o *options) { o.Binary = put("amd64", string(program(elf.ELFCLASS64, elf.EM_X86_64, false))) }, "make cross"},
		{func(o *options) { o.Binary = put("arm", string(program(elf.ELFCLASS64, elf.EM_AARCH64, true))) }, "needs libraries"},
		{func(o *options) { o.Binary = put("text", "#!/bin/sh") }, "no program for Linux"},
		{func(o *options) { o.Board = "handset-5x5" }, "known are button-box"},
		{func(o *options) { o.Board = "term" }, "has no wires"},
		{func(o *options) { o.Board = put("bad.board", "name x\nhook line=GPIO99\n") }, "line 2"},
		{func(o *options) { o.Office = "Acme Inc." }, "cannot name an office"},
		{func(o *options) { o.Office = "a\"\nmic = \"x" }, "cannot name an office"},
		{func(o *options) { o.Extension = "12" }, "100 to 9999"},
		{func(o *options) { o.AuthorizedKeys = put("empty", "# nobody\n") }, "no public key"},
		{func(o *options) { o.AuthorizedKeys = put("broken", key+"\nssh-ed25519 AAAA\n") }, "line 2 is no public key"},
		{func(o *options) { o.AuthorizedKeys = put("secret", "-----BEGIN OPENSSH PRIVATE KEY-----\n") }, ".pub"},
		{func(o *options) { o.AuthorizedKeys = put("many", strings.Repeat(key+"\n", 1000)) }, "more than"},
		{func(o *options) { o.ReleaseKey = put("key", strings.Replace(signer, "RW", "RX", 1)) }, "line 2 is no minisign public key (hint: the file that ends in .pub"},
		{func(o *options) { o.ReleaseKey = put("nobody", "# nobody\n") }, "no key"},
		{func(o *options) { o.WifiFirmware = filepath.Join(dir, "none") }, "no Wi-Fi firmware"},
		{func(o *options) { o.WifiFirmware = filepath.Join(dir, "nowhere") }, "no such file"},
		{func(o *options) { o.Wifi = "office:long password" }, "WIFI_FIRMWARE"},
		{func(o *options) { o.Wifi = "office" }, "SSID:PASS"},
		{func(o *options) { o.Wifi = "office:short" }, "8 to 63"},
		{func(o *options) {
			o.Board, o.Wifi, o.WifiFirmware = "zero-minimal", "office:long password", filepath.Join(dir, "pi4")
		}, "not for the Zero 2 W"},
	} {
		o := good
		c.change(&o)
		if _, err := phoneOf(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", o, err, c.want)
		}
	}
}

// A network is a name and a password, which may hold colons and blanks, or be missing.
func TestNetwork(t *testing.T) {
	for text, good := range map[string]bool{
		"office:12345678": true, "my office:pass:word 1": true, "office:": true, "o:" + strings.Repeat("x", 63): true,
		"office:1234567": false, ":12345678": false, "office": false, strings.Repeat("x", 33) + ":12345678": false,
		"o:" + strings.Repeat("x", 64): false, "o:1234567\n": false, "o:1234567ä": false,
	} {
		if err := checkNetwork(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A board file of one's own is taken over as it is; sound cards on the 40-pin header are
// named, for the kernel has no drivers for them.
func TestOwnBoard(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"name mine\nhook line=GPIO4\nkey 1 line=GPIO5 # one\n":                                                                     "",
		"name mine\nhook line=GPIO4\nkey 1 line=GPIO5\naudio capture=hw:Device,0 playback=hw:Device,0\n":                           "",
		"name mine\nhook line=GPIO4\nkey 1 line=GPIO5\naudio capture=plughw:wm8960soundcard,0 playback=plughw:wm8960soundcard,0\n": "plughw:wm8960soundcard,0",
		"name mine\nhook line=GPIO4\nkey 1 line=GPIO5\naudio capture=hw:Device,0 playback=hw:sndrpihifiberry,0\n":                  "hw:sndrpihifiberry,0",
	} {
		file := filepath.Join(dir, "mine.board")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		got, b, err := boardOf(file)
		if err != nil || got != text {
			t.Errorf("%q: %v", got, err)
			continue
		}
		if hat := (&phone{wiring: b}).hat(); hat != want {
			t.Errorf("%q: %q, want %q", text, hat, want)
		}
	}
}

// Firmware is found in a folder as it lies in Linux, where most names are links.
func TestWifiFirmware(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"brcm", "cypress"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cypress/cyfmac43455-sdio.bin"), []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"brcmfmac43455-sdio.bin":                       "../cypress/cyfmac43455-sdio.bin",
		"brcmfmac43455-sdio.raspberrypi,4-model-b.bin": "brcmfmac43455-sdio.bin",
		"brcmfmac43436-sdio.bin":                       "../nowhere",
	} {
		if err := os.Symlink(to, filepath.Join(dir, "brcm", name)); err != nil {
			t.Fatal(err)
		}
	}
	files, models, err := wifiFirmware(dir)
	if err != nil || !slices.Equal(models, []string{"3 A+, 3 B+, 4, 400, 5"}) || len(files) != 2 {
		t.Fatalf("%d files, %q, %v", len(files), models, err)
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name, "firmware/brcm/brcmfmac43455-sdio.") || f.Size != int64(len("content")) {
			t.Errorf("%s: %d octets", f.Name, f.Size)
		}
	}
}
