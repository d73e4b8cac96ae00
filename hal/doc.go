// Package hal is the vocabulary between a telephone and its hardware: keys that
// move, lamps that show a Picture, sound that flows in frames. The subpackages
// are the hardware:
//
//	pins     keypad, hook and lamps on GPIO lines
//	alsa     sound cards
//	wav      sound from and to WAV files, and over a socket
//	pipe     a phone driven by a script: commands in, JSON out
//	term     a phone drawn on a terminal
//	haltest  hardware for tests
//
// The package knows nothing of SIP or of the network.
package hal
