// Package dashboard is the office on one screen of a terminal: a picture of the ring,
// the telephones and what they do, calls and how they sound, who is registered, the
// end of the log, and a line for commands.
//
//	Press, Resize, Data, Output, Done, Completed
//	       |
//	   Model.Step ──▶ Run, Complete, Interrupt, Shell, Quit
//	       |
//	   Model.View ──▶ Screen ──▶ Painter.Frame ──▶ octets for the terminal
//
// The model is a value without I/O: what it shows follows from the events alone, so
// that screens are tested as texts (testdata). firmware/manage is its loop. A Painter
// writes only what differs from the frame before; a screen on which nothing changes
// costs no octet.
//
// It needs 80 columns and 24 rows for everything at once; on less, one pane at a time
// is shown. Colours are the first sixteen, or none; the signs are Unicode's, or ASCII.
package dashboard
