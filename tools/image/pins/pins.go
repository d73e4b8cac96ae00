// Package pins holds the versions of what others built and the image is made of: the
// kernel and the boot firmware of the Raspberry Pi. It is a module of its own, so that
// nobody who builds the telephone alone fetches them.
package pins

import (
	_ "github.com/gokrazy/firmware"
	_ "github.com/gokrazy/kernel.rpi"
)
