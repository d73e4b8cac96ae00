package firmware

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"chordophone/firmware/backup"
	"chordophone/firmware/config"
	"chordophone/storage"
)

// This file is the command chordophone restore: it brings a backup back where no
// telephone runs, for instance onto a card that never had one.

const (
	maxPassphrase = 1024     // octets
	maxBackup     = 64 << 20 // octets: more than what backup reads of one, unpacked
)

// errNoPassphrase is bad usage of standard input.
func errNoPassphrase(problem string) error {
	return &config.Error{Problem: problem, Hint: "standard input is a line with the passphrase, and then the backup: cat passphrase.txt reception.age | chordophone restore"}
}

// restore carries the command out. Nothing is changed before the backup has come
// whole; from then on it is not to be interrupted.
func restore(ctx context.Context, cmd config.Restore, std Stdio) error {
	if term.IsTerminal(int(std.In.Fd())) {
		return errNoPassphrase("standard input is a terminal")
	}
	given, err := readAll(ctx, std.In, maxPassphrase+maxBackup)
	if err != nil {
		return err
	}
	passphrase, file, _ := bytes.Cut(given, []byte("\n"))
	passphrase = bytes.TrimSuffix(passphrase, []byte("\r"))
	switch {
	case len(passphrase) == 0:
		return errNoPassphrase("no passphrase")
	case len(passphrase) > maxPassphrase:
		return errNoPassphrase("the first line is too long for a passphrase")
	}
	if err := os.MkdirAll(cmd.Data, 0o700); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(std.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := storage.Open(filepath.Join(cmd.Data, storage.File), log)
	if err != nil {
		return err
	}
	done, err := backup.Restore(bytes.NewReader(file), string(passphrase), cmd.Data, db, backup.Options{Older: cmd.Older, Replace: cmd.Replace})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return tellRestored(std.Out, cmd.Data, done)
}

// tellRestored says what was done.
func tellRestored(out io.Writer, data string, done backup.Restored) error {
	files := "none: they are the same"
	if len(done.Files) > 0 {
		files = strings.Join(done.Files, ", ")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "restored into %s: extension %d of %s as of %s\n", data, done.Extension, done.Office, done.Taken.Format("2006-01-02 15:04"))
	fmt.Fprintf(&b, "files    %s\nrecords  %d of %d were missing or older there\n", files, done.Applied, done.Records)
	if done.Refused > 0 {
		fmt.Fprintf(&b, "%d left out: the office does not accept them\n", done.Refused)
	}
	fmt.Fprintf(&b, "hint: chordophone run --data %s starts the telephone; the one in the backup, if it is another, must stay off\n", data)
	_, err := io.WriteString(out, b.String())
	return err
}

// readAll reads r to its end, or until ctx is done: then the reader is left behind,
// because nothing ends a read of standard input, and the program ends.
func readAll(ctx context.Context, r io.Reader, most int64) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	come := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(r, most+1))
		come <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-come:
		if got.err == nil && int64(len(got.text)) > most {
			return nil, backup.ErrNoBackup
		}
		return got.text, got.err
	}
}
