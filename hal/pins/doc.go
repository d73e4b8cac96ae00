// Package pins is the telephone made of switches, lamps and a bell on GPIO lines:
// a hal.Panel for the board that a board file describes.
//
//	wires     the lines: probe a column, set an output, wait for an edge
//	keyboard  state machine: levels of lines in, movements of keys out
//	  contact   debouncing of one switch
//	  matrix    which keys of a matrix are down, without ghosts
//	  hook      lifted, replaced, flashed
//	  dial      pulses of a rotary dial
//	lights    state machine: picture, bell and hook in, outputs and their times out
//	pulse     an output that the computer switches on and off by itself (PWM)
//	finding   what is wrong with the lines as far as they show it
//	user      who else has a line of the board
//	Panel     the loop round both
//
// At rest nothing is polled: all columns are low, all inputs report edges, and the
// program sleeps until one comes.
//
// Lines are those of the kernel's character device, reached through periph. A chip
// is found by its label, for its number changes with the kernel, and a line by its
// number on the chip, for names change with the device tree. When the chip is not
// there, or goes, the panel says so in the log, moves no key, and looks again.
//
// What touches the kernel is proven against it by tools/vm, all else by the tests here.
package pins
