// Hermit is the telephone, but it hears and calls nobody: as after a mistake in the
// program, it runs and is of no use.
package main

import (
	"os"

	"chordophone/firmware"
)

// version is set by the linker.
var version = "unknown"

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "run" {
		args = append(args, "--listen", "127.0.0.1", "--no-discovery")
	}
	os.Exit(firmware.Main(args, version, firmware.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
