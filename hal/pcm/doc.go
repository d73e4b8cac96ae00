// Package pcm holds what every carrier of sound needs: a Pacer that stands in
// for the clock of a sound device, and a Resampler between the telephone's
// 16 kHz and whatever a file or a sound card has.
package pcm
