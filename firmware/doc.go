// Package firmware is the whole phone: it puts board, sound, ring, calls and the
// telephone's state machine together and translates between their words.
//
//	config      command line and configuration file
//	phone       the telephone as a state machine
//	tone        the sounds it makes
//	usage       what the office knows, as signed records in the ring: who is where,
//	            accounts, messages that wait, contacts, members, revocations
//	floating    one more address for the office, which one living phone has
//	manage      the console over SSH
//	demo        an office of real processes, scripted
//	cmd/...     main
//
// appliance.assemble is the one place that names implementations. Each part has one
// goroutine that owns it; what a part stands on ends after it:
//
//	desk, voice, calls, registration, console ...  end first: calls are hung up
//	exchange                                       what speaks SIP, then says goodbye
//	node                                           then leaves the ring
//	link                                           then closes the connections
//	storage                                        last
package firmware
