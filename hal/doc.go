// Package hal is the vocabulary between a telephone and its hardware: keys that
// move, lamps that show a Picture, sound that flows in frames. The subpackages
// are the hardware:
//
//	alsa     sound cards
//	wav      WAV files
//	pcm      pacing and rate conversion, shared by all that carries sound
//	sound    a phone's Audio made of a source and a sink: WAV, ALSA, socket, silence
//	pipe     a phone driven by a script: commands in, JSON out
//	pins     a phone on GPIO lines: keypad, hook, dial, lamps, bell
//	display  a phone's text on glass beside its lines
//	term     a phone drawn on a terminal
//	haltest  hardware for tests
//
// The package knows nothing of SIP or of the network.
package hal
