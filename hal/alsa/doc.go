// Package alsa plays and captures on Linux sound cards, through the kernel's PCM
// device files and without libasound. A PCM has the telephone's form, 16 kHz
// mono frames, whatever the card has: it asks for 16 kHz mono, takes what the
// card grants, and converts.
//
// The kernel interface is include/uapi/sound/asound.h. A device file is put
// through these states by ioctls; the number of frames moved by one transfer may
// be short.
//
//	open --HW_PARAMS, SW_PARAMS, PREPARE--> prepared
//	prepared --WRITEI: what is to be in hand, and a frame; or START--> running
//	running --the telephone was late--> xrun --PREPARE--> prepared
//	any --the card is unplugged, or moves nothing--> gone: silence at the same pace,
//	    and a look for it every second, by its name
//
// How loud a port is, its card's own control says, in decibel: see SetLoudness. How much
// waits in a card is kept as little as is safe: see level. A call has two
// clocks, those of microphone and earpiece, and follows that of the microphone.
package alsa
