// Package selftest walks a person through the parts of a telephone: the display, each
// lamp, the ringer, the microphone and the earpiece, the cradle, each key. It is a state
// machine without I/O and without times: the telephone tells it of keys, of the handset
// and that nobody came (Patience), and shows what View says.
//
//	display, lamps, ringer, sound ──▶ cradle ──▶ keys ──▶ results
//	   1 or # yes, 2 or * no          back, up   all        handset back: end
//
// What a person sees and hears, a person judges. Keys and cradle are judged here. A
// part that is known not to work (a device that is missing, a line that never moves) is
// not asked about. Whoever puts the handset back ends the test, except where that is
// the test; what was not reached then counts as not tested.
//
// Each result names the word of the board file that stands for the part: that is where
// a wrong wire is put right.
package selftest
