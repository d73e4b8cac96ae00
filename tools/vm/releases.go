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

// The versions: the one on the card, the one that follows it, those that do not start,
// and one that starts and does not telephone.
const (
	oldVersion    = "1.1.0"
	newVersion    = "1.2.0"
	muteVersion   = "1.3.0"
	dudVersion    = "1.4.0"
	hermitVersion = "1.5.0"
)

const product = "arm64"

// releases are the files of an update.
type releases struct {
	good     string // newVersion
	mute     string // muteVersion, with a damaged kernel
	dud      string // dudVersion, whose program ends at once
	stranger string // newVersion, signed by somebody else
	older    string // oldVersion
	foreign  string // newVersion for other machines
}

// factory makes releases in a folder: keys and all.
type factory struct {
	dir string
	key string // file of the secret key; with .pub, of the public one, for the telephone
}

// newFactory makes a folder, and a key whose file has a name.
func newFactory(dir, name string) (factory, error) {
	f := factory{dir, filepath.Join(dir, name)}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return f, err
	}
	for _, file := range []string{f.key, f.key + ".pub"} { // of an earlier run
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return f, err
		}
	}
	return f, release("keygen", "--out", f.key)
}

// program builds the telephone's program in a version, or another one in its place.
func (f factory) program(ctx context.Context, path, version string) (file string, err error) {
	file = filepath.Join(f.dir, "program-"+version)
	return file, build(ctx, file, path, "v"+version)
}

// slot makes a slot with a program.
func (f factory) slot(ctx context.Context, path, version string) (file string, err error) {
	program, err := f.program(ctx, path, version)
	if err != nil {
		return "", err
	}
	if err := image(ctx, program, program+".img"); err != nil {
		return "", err
	}
	return program + ".slot", nil
}

// sign makes a release of a slot.
func (f factory) sign(name, product, version, slot string) (file string, err error) {
	file = filepath.Join(f.dir, name+".release")
	return file, release("make", "--key", f.key, "--product", product, "--version", version, "--slot", slot, "--out", file)
}

const telephone = "./firmware/cmd/chordophone"

// makeReleases makes the releases. What is in them is the image's slot, but for the
// program's version.
func makeReleases(ctx context.Context, f factory) (r releases, err error) {
	slot, err := f.slot(ctx, telephone, newVersion)
	if err != nil {
		return r, err
	}
	dud, err := f.slot(ctx, "./tools/vm/dud", dudVersion)
	if err != nil {
		return r, err
	}
	broken := filepath.Join(f.dir, "broken.slot")
	if err := breakKernel(slot, broken); err != nil {
		return r, err
	}
	stranger, err := newFactory(f.dir, "other")
	if err != nil {
		return r, err
	}
	for _, one := range []struct {
		to                           *string
		signer                       factory
		name, product, version, slot string
	}{
		{&r.good, f, "good", product, newVersion, slot},
		{&r.mute, f, "mute", product, muteVersion, broken},
		{&r.dud, f, "dud", product, dudVersion, dud},
		{&r.stranger, stranger, "stranger", product, newVersion, slot},
		{&r.older, f, "older", product, oldVersion, slot},
		{&r.foreign, f, "foreign", "riscv64", newVersion, slot},
	} {
		if *one.to, err = one.signer.sign(one.name, one.product, one.version, one.slot); err != nil {
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
