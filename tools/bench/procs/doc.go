// Package procs starts and ends the processes of a measurement, and reads what
// they cost: processor time, memory, octets on their network.
//
// A Host is a place for processes: where the kernel allows it, a network
// namespace of its own with nothing but a loopback interface, so that its counter
// counts this measurement and nothing else, and every run may use the same
// addresses. Nothing outlives its Host: Close kills and collects all that is left,
// and if the measuring process itself is killed, the kernel kills them
// (PR_SET_PDEATHSIG).
package procs
