package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"chordophone/firmware/update/publish"
	"chordophone/storage/fat"
)

// The versions: the one on the card, the one that follows it, and those that do not
// start.
const (
	oldVersion  = "1.1.0"
	newVersion  = "1.2.0"
	muteVersion = "1.3.0"
	dudVersion  = "1.4.0"
)

// releases are the files of an update.
type releases struct {
	signer   string // public key for the telephone
	good     string // newVersion
	mute     string // muteVersion, with a damaged kernel
	dud      string // dudVersion, whose program ends at once
	stranger string // newVersion, signed by somebody else
	older    string // oldVersion
	foreign  string // newVersion for other machines
}

// makeReleases makes keys and releases. What is in the releases is the image's slot,
// but for the program's version.
func makeReleases(ctx context.Context, s settings, dir string) (r releases, err error) {
	for _, p := range [][3]string{{"next", "./firmware/cmd/chordophone", "v" + newVersion}, {"dud", "./tools/vm/dud", ""}} {
		program := filepath.Join(dir, p[0])
		if err := build(ctx, program, p[1], p[2]); err != nil {
			return r, err
		}
		if err := image(ctx, program, program+".img"); err != nil {
			return r, err
		}
	}
	slot, broken := filepath.Join(dir, "next.slot"), filepath.Join(dir, "broken.slot")
	if err := breakKernel(slot, broken); err != nil {
		return r, err
	}
	key, other := filepath.Join(dir, "release"), filepath.Join(dir, "other")
	for _, k := range []string{key, other} {
		for _, file := range []string{k, k + ".pub"} { // of an earlier run
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				return r, err
			}
		}
		if err := release("keygen", "--out", k); err != nil {
			return r, err
		}
	}
	r.signer = key + ".pub"
	for _, f := range []struct {
		to                                   *string
		name, signer, product, version, slot string
	}{
		{&r.good, "good", key, "arm64", newVersion, slot},
		{&r.mute, "mute", key, "arm64", muteVersion, broken},
		{&r.dud, "dud", key, "arm64", dudVersion, filepath.Join(dir, "dud.slot")},
		{&r.stranger, "stranger", other, "arm64", newVersion, slot},
		{&r.older, "older", key, "arm64", oldVersion, slot},
		{&r.foreign, "foreign", key, "riscv64", newVersion, slot},
	} {
		*f.to = filepath.Join(dir, f.name+".release")
		err := release("make", "--key", f.signer, "--product", f.product, "--version", f.version, "--slot", f.slot, "--out", *f.to)
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// release carries out "chordophone release".
func release(args ...string) error {
	var said bytes.Buffer
	if code := publish.Command(args, strings.NewReader(""), io.Discard, &said); code != 0 {
		return fmt.Errorf("release %q: exit code %d: %s", args, code, &said)
	}
	return nil
}

// breakKernel copies a slot and makes its kernel one that does not start.
func breakKernel(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	volume, err := fat.Open(bytes.NewReader(b))
	if err != nil {
		return err
	}
	at, size, err := volume.Locate("kernel8.img")
	if err != nil {
		return err
	}
	clear(b[at : at+size])
	return os.WriteFile(to, b, 0o644)
}
