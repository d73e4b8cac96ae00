// Package firmware is the whole phone: it puts board, sound, ring, calls and the
// telephone's state machine together and translates between their words.
//
//	config      command line and configuration file
//	phone       the telephone as a state machine
//	tone        the sounds it makes
//	usage       registrations, members and revocations as signed records in the ring
//	manage      the console over SSH
//	demo        an office of real processes, scripted
//	cmd/...     main
//
// appliance.assemble is the one place that names implementations. Each part has one
// goroutine that owns it; what a part stands on ends after it:
//
//	desk, voice, calls, registration, console ...  end first: calls are hung up
//	node                                           then leaves the ring
//	link                                           then closes the connections
//	storage                                        last
package firmware
