// Command chordophone is a serverless office telephone: see --help.
package main

import (
	"math"
	"os"
	"runtime/debug"

	"chordophone/firmware"
)

// version is set by the linker.
var version = "unknown"

// memory is how many octets the heap and stacks shall take at most, unless GOMEMLIMIT
// says otherwise: four times what an ordinary day takes. Only a flood of calls comes
// near it, and then memory is collected more often instead of less.
const memory = 80 << 20

func main() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memory)
	}
	os.Exit(firmware.Main(os.Args[1:], version, firmware.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
