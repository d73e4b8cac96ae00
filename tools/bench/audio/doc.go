// Package audio measures calls from mouth to ear, over links that are clean, lose packets
// or delay them: between two of this project's telephones, between two of baresip (the
// peer), from each to the other, and from linphone to ours.
//
//	 side A: a network namespace            side B: another
//	┌──────────────────────────────┐       ┌──────────────────────────────┐
//	│ phone 101  baresip  linphone │       │ phone 102  baresip           │
//	└──────│────────│──────────────┘       └──────│────────│──────────────┘
//	       │        │   TAP ─── emulator ─── TAP  │        │
//	   handset    JACK          (here)         handset   JACK
//	 (unix socket)                           (unix socket)
//
// Both sides speak at once, so that each call gives two streams, whose links are as bad as each
// other but with seeds of their own. Times are those of the monotonic clock of the machine,
// at which a sample is spoken and at which a sound card would play it: all buffers count, no
// converter does. Ours is clocked by its own pace and given frames of 10 ms over a socket;
// baresip has a sound card without hardware (jackd -d dummy) with periods of 10 ms.
package audio
