// Package qemu runs emulated machines and moves what is outside of them: the
// levels at their GPIO lines, their plugs, their console.
//
//	Machine  a running emulator: what it says on its console, its devices, its end
//	Monitor  QEMU's machine protocol: devices in and out, the machine's power
//	GPIO     the lines of its PL061, pulled and watched from here (qtest protocol)
package qemu
