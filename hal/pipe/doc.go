// Package pipe is the telephone without a body: a script presses its keys by
// lines of text and reads what it does as JSON, one object a line.
//
//	in    off            the handset is lifted
//	      on             the handset is put back
//	      keys 102#      each key is pressed and released
//	      down 5, up 5   one movement of a key
//	      quit           the telephone is to end
//
//	out   {"t":"2026-01-02T15:04:05.000000Z","event":"tone","tone":"dial"}
//	      {"t":...,"event":"picture","lamps":{"line":"on","message":"off",...}}
//
// Keys are 0 to 9, * and #, A to D, R or r, the recall key, > and <, louder and softer,
// and ① to ⑩, those at the contacts' lamps.
// A key that is held is down, a second's wait, and up. A line that cannot be
// understood is answered by an error event and otherwise ignored. The input may
// end without quit, as /dev/null does: the telephone runs on.
//
// Output never holds the telephone up. A reader that is slow has 1024 events
// to catch up with; what does not fit is lost, and an error event at the place of
// the gap says how much. When the output is closed the panel is gone. (For a
// process whose standard output is a pipe this needs SIGPIPE to be ignored or
// notified, as package os/signal explains; otherwise the signal ends the process.)
package pipe
