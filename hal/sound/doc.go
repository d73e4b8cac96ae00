// Package sound makes a telephone's hal.Audio of a source and a sink that a
// person names, for boards that have no sound of their own:
//
//	                 as microphone                    as earpiece
//	none             silence                          discarded
//	FILE.wav         played once in every lift        recorded, one lift after the other
//	alsa:DEVICE      captured                         played
//	unix:PATH        s16le mono 16 kHz from a socket  the same to it
//
// The peer on a socket keeps its sending side open for as long as it wants to
// listen: its end is taken for the end of the connection, and another is made.
//
// The sound of a board is that of OpenCard: its card may be absent, and come and go, with
// silence meanwhile; Watch says so. A board may ring on a card of its own. Earpiece and bell
// have a volume each: see volume.
//
// A sound card is its own clock, in a call that of the microphone. All else is paced by a
// pcm.Pacer in the Write of the earpiece, so a call runs in real time whatever its sound
// is made of.
package sound
