// Package publish is the command chordophone release: keys, and release files.
package publish

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aead.dev/minisign"

	"chordophone/firmware/update/release"
)

const usage = `usage: chordophone release COMMAND

  keygen --out FILE [--password-file FILE]
        makes FILE, the secret key, and FILE.pub, the public key for the phones
  make --key FILE --product NAME --version 1.4.0 [--from 1.2.0] --slot FILE --out FILE [--password-file FILE]
        makes a release file of the content of a slot (build/image/*.slot)
  verify --keys FILE RELEASE
        checks a release file, as a phone with these public keys would, and says what it is

  manifest [--signature] RELEASE
        prints the manifest, or its signature, for minisign -V

Keys and signatures are minisign's.
`

// Command carries out "release ARGS" and returns the exit code: 0 done, 1 failed, 2 wrong
// usage.
func Command(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	commands := map[string]func([]string, io.Reader, io.Writer, io.Writer) error{
		"keygen": keygen, "make": makeFile, "verify": verify, "manifest": manifest,
	}
	run, ok := commands[args[0]]
	switch {
	case args[0] == "help" || args[0] == "--help" || args[0] == "-h":
		fmt.Fprint(stdout, usage)
		return 0
	case !ok:
		fmt.Fprintf(stderr, "chordophone release: no command %q\n%s", args[0], usage)
		return 2
	}
	err := run(args[1:], stdin, stdout, stderr)
	var wrong usageError
	var hinted interface{ Hint() string }
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "chordophone release %s: %v\n%s", args[0], err, usage)
		return 2
	case errors.As(err, &hinted):
		fmt.Fprintf(stderr, "chordophone release %s: %v (hint: %s)\n", args[0], err, hinted.Hint())
	default:
		fmt.Fprintf(stderr, "chordophone release %s: %v\n", args[0], err)
	}
	return 1
}

type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// options reads flags. All that are called needed must be given, and just so many
// arguments.
func options(args []string, set *flag.FlagSet, needed string, arguments int) error {
	set.SetOutput(io.Discard)
	if err := set.Parse(args); err != nil {
		return usageError{err}
	}
	for _, name := range strings.Fields(needed) {
		if set.Lookup(name).Value.String() == "" {
			return usageError{fmt.Errorf("--%s is missing", name)}
		}
	}
	if set.NArg() != arguments {
		return usageError{fmt.Errorf("want %d arguments, not %d", arguments, set.NArg())}
	}
	return nil
}

func keygen(args []string, _ io.Reader, stdout, _ io.Writer) error {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	out := set.String("out", "", "")
	passwordFile := set.String("password-file", "", "")
	if err := options(args, set, "out", 0); err != nil {
		return err
	}
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		return err
	}
	text, err := secret.MarshalText()
	if err != nil {
		return err
	}
	if *passwordFile != "" {
		word, err := password(*passwordFile)
		if err != nil {
			return err
		}
		if text, err = minisign.EncryptKey(word, secret); err != nil {
			return err
		}
	}
	publicText, err := public.MarshalText()
	if err != nil {
		return err
	}
	if err := create(*out, 0o600, lined(text)); err != nil {
		return err
	}
	if err := create(*out+".pub", 0o644, lined(publicText)); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is the secret key: keep it where no phone is.\n", *out)
	fmt.Fprintf(stdout, "%s.pub is for the phones: %s beside authorized_keys.\n", *out, release.KeyFile)
	return nil
}

func lined(text []byte) []byte { return append(bytes.TrimRight(text, "\n"), '\n') }

// create writes a file that does not exist yet: no key is overwritten.
func create(path string, mode os.FileMode, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

func password(file string) (string, error) {
	b, err := os.ReadFile(file)
	return strings.TrimRight(string(b), "\r\n"), err
}

func secretKey(file, passwordFile string) (minisign.PrivateKey, error) {
	var key minisign.PrivateKey
	text, err := os.ReadFile(file)
	if err != nil {
		return key, err
	}
	if !minisign.IsEncrypted(text) {
		if err := key.UnmarshalText(text); err != nil {
			return key, fmt.Errorf("%s is no minisign secret key", file)
		}
		return key, nil
	}
	if passwordFile == "" {
		return key, usageError{fmt.Errorf("%s is encrypted: --password-file is missing", file)}
	}
	word, err := password(passwordFile)
	if err != nil {
		return key, err
	}
	if key, err = minisign.DecryptKey(word, text); err != nil {
		return key, fmt.Errorf("%s: wrong password, or no minisign secret key", file)
	}
	return key, nil
}

func makeFile(args []string, _ io.Reader, stdout, _ io.Writer) (err error) {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	keyFile := set.String("key", "", "")
	passwordFile := set.String("password-file", "", "")
	product := set.String("product", "", "")
	version := set.String("version", "", "")
	from := set.String("from", "0.0.0", "")
	slotFile := set.String("slot", "", "")
	out := set.String("out", "", "")
	if err := options(args, set, "key product version from slot out", 0); err != nil {
		return err
	}
	m := release.Manifest{Product: *product}
	if m.Version, err = release.ParseVersion(strings.TrimPrefix(*version, "v")); err != nil {
		return usageError{err}
	}
	if m.From, err = release.ParseVersion(strings.TrimPrefix(*from, "v")); err != nil {
		return usageError{err}
	}
	key, err := secretKey(*keyFile, *passwordFile)
	if err != nil {
		return err
	}
	content, err := os.Open(*slotFile)
	if err != nil {
		return err
	}
	defer content.Close()
	// A release that is half written is not one that seems whole.
	f, err := os.CreateTemp(filepath.Dir(*out), "."+filepath.Base(*out)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	s, err := release.Make(f, m, content, key)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	info, err := os.Stat(f.Name())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), *out); err != nil {
		return err
	}
	describe(stdout, s)
	fmt.Fprintf(stdout, "%s: %d octets. Next: ssh -p 2222 admin@PHONE update < %s\n", *out, info.Size(), *out)
	return nil
}

func describe(w io.Writer, s *release.Signed) {
	fmt.Fprintf(w, "product %s, version %v, from %v on; %d octets in %d chunks; release %v\n",
		s.Product, s.Version, s.From, s.Length, len(s.Chunks), s.ID())
}

func verify(args []string, stdin io.Reader, stdout, _ io.Writer) error {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	keyFile := set.String("keys", "", "")
	if err := options(args, set, "keys", 1); err != nil {
		return err
	}
	keys, err := release.ReadKeys(*keyFile)
	if err != nil {
		return err
	}
	in, err := input(set.Arg(0), stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	r, err := release.Open(in, keys)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := make([]byte, release.ChunkSize)
	for {
		if _, _, err := r.Next(buf); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	describe(stdout, r.Signed)
	return nil
}

// input is a file, or standard input for "-".
func input(name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}

func manifest(args []string, stdin io.Reader, stdout, _ io.Writer) error {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	signature := set.Bool("signature", false, "")
	if err := options(args, set, "", 1); err != nil {
		return err
	}
	in, err := input(set.Arg(0), stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	text, sig, err := release.Split(in)
	if err != nil {
		return err
	}
	if *signature {
		text = sig
	}
	_, err = stdout.Write(text)
	return err
}
