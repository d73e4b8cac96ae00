// Package insn counts the instructions that a telephone on arm64 needs for a packet of sound,
// in a machine that has no such processor:
//
//	go test -c, GOARCH=arm64 ── sip/media's benchmark of a call
//	                                      │
//	             qemu-aarch64 -d in_asm,exec,nochain ── trace ── count, by which half of the
//	                                                             benchmark runs
//
// Instructions are no time: on a Cortex-A53 about one and a half cycles each. But they are
// the same on every machine, however busy.
package insn
