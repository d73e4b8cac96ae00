package appliance

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/network"
)

// What the processes of the appliance are called.
const (
	initName    = "/init" // by the kernel, process 1
	networkName = "chordophone-network"
)

// Is reports whether a process with this name (os.Args[0]) is the appliance's own and
// not a telephone: process 1 of a machine, or its network program.
func Is(name string) bool {
	return name == initName && os.Getpid() == 1 || name == networkName && os.Getenv(beat.Variable) != ""
}

// Main is what such a process does. It returns the exit code; process 1 never ends.
func Main(name, version string) int {
	if name == initName {
		initialize(version)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	line, err := beat.Open()
	if err == nil {
		err = network.Run(ctx, line, os.Getenv(dataVariable))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
		return 1
	}
	return 0
}

// dataVariable is the environment variable that tells the network program where the
// data is.
const dataVariable = "CHORDOPHONE_DATA"
