// Package firmware is the whole phone: it puts board, sound, ring, calls and the
// telephone's state machine together and translates between their words.
//
//	config      command line and configuration file
//	phone       the telephone as a state machine
//	tone        the sounds it makes
//	usage       what the office knows, as signed records in the ring: who is where,
//	            accounts, messages that wait, contacts, members, revocations
//	floating    one more address for the office, which one living phone has
//	newcomer    a telephone that belongs to no office yet, as a state machine
//	manage      the console over SSH; dashboard is its full screen, backup and metrics
//	            two of its commands
//	appliance   process 1 of a telephone that is the whole system of its card
//	update      signed releases: from somebody's keyboard, and from phone to phone
//	demo        an office of real processes, scripted
//	threats     what strangers, members and thieves may try, as tests
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
