// Command chordophone is a serverless office telephone: see --help.
package main

import (
	"os"

	"chordophone/firmware"
)

// version is set by the linker.
var version = "unknown"

func main() {
	os.Exit(firmware.Main(os.Args[1:], version, firmware.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
