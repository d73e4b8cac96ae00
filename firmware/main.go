package firmware

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"chordophone/board"
	process1 "chordophone/firmware/appliance"
	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/config"
	"chordophone/firmware/demo"
	"chordophone/firmware/update/publish"
	"chordophone/overlay/identity"
	"chordophone/storage"
)

// Stdio is what the program was started with.
type Stdio struct{ In, Out, Err *os.File }

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitPerson = 125 // starting again will not help: somebody must do something
)

// Main runs the command line and returns the exit code.
func Main(args []string, version string, std Stdio) int {
	if process1.Is(os.Args[0]) {
		return process1.Main(os.Args[0], version)
	}
	// A closed standard output ends the phone as a closed terminal does, in
	// order, and not by a signal.
	signal.Ignore(syscall.SIGPIPE)
	cmd, err := config.Parse(args, std.Out)
	if release, ok := cmd.(*config.Release); ok {
		return publish.Command(release.Args, std.In, std.Out, std.Err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err == nil {
		err = dispatch(ctx, cmd, version, std)
	}
	if err != nil {
		fmt.Fprintln(std.Err, "chordophone:", explain(err))
	}
	return exitCode(err)
}

func dispatch(ctx context.Context, cmd config.Command, version string, std Stdio) error {
	switch cmd := cmd.(type) {
	case *config.Run:
		return runGuarded(ctx, *cmd, version, std)
	case *config.Demo:
		return playDemo(ctx, *cmd, std)
	case *config.BoardList:
		for _, name := range board.Known() {
			fmt.Fprintln(std.Out, name)
		}
		return nil
	case *config.BoardCheck:
		return checkBoard(cmd.File, std.Out)
	case *config.BoardShow:
		return showBoard(cmd.Name, std.Out)
	case *config.ConfigPrint:
		return config.Print(std.Out)
	case *config.ConfigCheck:
		return config.CheckFile(cmd.File)
	case *config.Restore:
		return restore(ctx, *cmd, std)
	case *config.Version:
		return printVersion(std.Out, version, cmd.JSON)
	case *config.Help:
		return nil
	}
	panic(fmt.Sprintf("BUG: command %T", cmd))
}

// runGuarded is Run that tells the appliance's process 1, if that started it, that it
// lives.
func runGuarded(ctx context.Context, cfg config.Run, version string, std Stdio) error {
	line, err := beat.Open()
	if err != nil {
		return err
	}
	var beats sync.WaitGroup
	defer beats.Wait()
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	beats.Go(func() { line.Run(alive) })
	return Run(ctx, cfg, version, std, line)
}

// exitCode is the exit code for an error.
func exitCode(err error) int {
	var coded interface{ Code() int }
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &coded):
		return coded.Code()
	case errors.Is(err, identity.ErrNone), errors.Is(err, identity.ErrDamaged), errors.Is(err, storage.ErrForeign):
		return exitPerson
	}
	return exitFailed
}

// explain is an error in one line, with what to do about it.
func explain(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && !strings.Contains(text, hinted.Hint()) {
		text += " (hint: " + hinted.Hint() + ")"
	}
	return text
}

func playDemo(ctx context.Context, cmd config.Demo, std Stdio) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	options := demo.Options{Program: program, Phones: cmd.Phones, Out: cmd.Out, Speech: cmd.Speech, Stdout: std.Out}
	if cmd.Interactive {
		return demo.Interact(ctx, options)
	}
	return demo.Run(ctx, options)
}

func checkBoard(file string, out io.Writer) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := board.Parse(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	fmt.Fprintf(out, "%s is a good board: %s\n", file, b.Name)
	return nil
}

func showBoard(name string, out io.Writer) error {
	b, err := board.Get(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, b.Wiring())
	return err
}
