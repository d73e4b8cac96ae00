// Package guard decides what PID 1 of the appliance does: when its two programs are
// started, stopped and started again, when the hardware watchdog is fed, when the
// machine starts anew. It is a state machine without I/O.
//
//	network     address, Wi-Fi, time: starts at once
//	telephone   starts when there is an address, or after a while without
//
// A program:
//
//	          startAt            silent or a loop of it hangs for 10 s: Quit, later Kill
//	waiting ----------> running ---------------------------------------------> ending
//	   ^                   |                                                      |
//	   +-------------------+------------------------------------------------------+
//	        gone: again after 1, 2, 4 ... 60 s, 0.2 s after one that was asked to go
//
// The watchdog is fed every five seconds unless the telephone hangs: one that was killed
// and does not go, or that PID 1 does not get to, is the end of feeding, and that of the
// machine 15 s later. A telephone that ends by itself is no reason to starve it: it is
// started again, and twelve short lives in a row start the machine again.
//
// A trial boot (of an update) that nobody has called good after ten minutes ends in a
// restart, which the firmware of the board makes one of the system before it.
package guard
