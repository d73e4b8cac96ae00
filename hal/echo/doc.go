// Package echo takes out of a microphone's sound what it hears of the loudspeaker
// beside it, for telephones that are spoken to across a desk. A handset, held to the
// ear, needs none.
//
//	   what the far end says (ear)
//	        |                 \
//	        v                  > loudspeaker
//	filter, made like            ) room
//	the path through the room    > microphone <- who speaks here
//	        |                 /
//	        +--> minus <-----+ mic
//	               |
//	               +--> suppress what is left --> to the far end
//
// The filter is an adaptive one in the frequency domain (overlap-save, the impulse
// response in partitions of a block: Soo and Pang 1990), whose step in each band
// follows from how much of the error is echo still (Valin 2007), so that somebody who
// speaks here at the same time does not spoil it. It adapts in the background; what is
// heard goes through a copy that is replaced when the other is better (Ochiai 1977).
package echo
