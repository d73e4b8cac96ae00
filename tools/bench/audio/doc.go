// Package audio measures calls from mouth to ear, over links that are clean, lose packets
// or delay them: between two of this project's telephones, between two of baresip (the
// peer), from each to the other, and from linphone to ours.
//
//	 side A: a network namespace            side B: another
//	┌──────────────────────────────┐       ┌──────────────────────────────┐
//	│ 101, 103   baresip  linphone │       │ 102, 104   baresip           │
//	└──────│────────│──────────────┘       └──────│────────│──────────────┘
//	       │        │   TAP ─── emulator ─── TAP  │        │
//	   handset    JACK          (here)         handset   JACK
//	 (unix socket)                           (unix socket)
//
// Both sides speak at once, so that each call gives two streams, whose links are as bad as each
// other but with seeds of their own. Times are those of the monotonic clock of the machine,
// at which a sample is spoken and at which a sound card would play it: all buffers count, no
// converter does. Ours is clocked by its own pace and given frames of 10 ms over a socket; 103 and
// 104 wish packets of 10 ms, which is shown on the clean link. baresip has a sound card without hardware (jackd -d dummy) with periods of 10 ms.
package audio
