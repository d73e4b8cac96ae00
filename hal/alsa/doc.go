// Package alsa plays and captures on Linux sound cards, through the kernel's PCM
// device files and without libasound. A PCM has the telephone's form, 16 kHz
// mono frames, whatever the card has: it asks for 16 kHz mono, takes what the
// card grants, and converts.
//
// The kernel interface is include/uapi/sound/asound.h. A device file is put
// through these states by ioctls; the number of frames moved by one transfer may
// be short, because the signal by which Go preempts a goroutine interrupts it.
//
//	open --HW_PARAMS, SW_PARAMS--> setup --PREPARE--> prepared
//	prepared --WRITEI: buffer filled to the start threshold, or READI--> running
//	running --the telephone was late--> xrun --PREPARE--> prepared
//	any --the card is unplugged--> gone: silence, and a new open every second
package alsa
