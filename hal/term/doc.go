// Package term is a telephone drawn on a terminal: a keypad whose keys are typed,
// lamps that blink, a display, the state of the call and what happened lately.
//
//	0-9 * # A-D    the keys           space, enter    handset up and down
//	r, f           recall             q, ctrl-c       quit
//	> <            louder, softer     .               holds the next key
//
// A terminal reports that a key was pressed, not that it was released: a key is
// held down for a moment and released by itself; after a full stop for more than a
// second, as who holds 0 for + or * to lock the keys.
//
// On a terminal that cannot place its cursor (TERM=dumb) the telephone is told in
// plain lines, and typed in lines: off, on, quit, 102#; an empty line moves the
// handset.
//
// The panel is a bubbletea program. Its model knows nothing of the terminal: what
// it draws follows from the messages it was given, and the times in them.
package term
