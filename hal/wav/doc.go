// Package wav reads and writes WAV files of 16-bit linear sound.
//
//	"RIFF" size:4 "WAVE"             size counts what follows it
//	"fmt " 16:4                      numbers are little endian
//	    format:2  channels:2         format 1 is linear PCM
//	    rate:4    bytes/second:4
//	    bytes/frame:2  bits:2
//	... other chunks, skipped ...
//	"data" size:4 samples...
//
// A writer that was killed leaves sizes that are too small, or zero, or, when it
// wrote to a pipe, all ones. Read takes a size of zero or beyond the end as "to the
// end of the file"; Recorder rewrites the sizes every second, so that a recording
// can be played whatever happened to the process.
package wav
