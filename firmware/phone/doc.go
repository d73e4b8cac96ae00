// Package phone is the telephone as a person knows it: a handset to lift, keys
// to press, tones to hear, a bell, lamps and a few lines of text. It is a state
// machine without I/O: the program hands it what happened (Event) and carries
// out, in order, what it answers (Action). It knows nothing of SIP but status
// codes.
//
//	keys, hook ──▶ ┌───────┐ ──▶ Dial Answer Hold Transfer Hangup  (the user agent)
//	calls      ──▶ │ Phone │ ──▶ Sound Ring Show Tell              (the hardware)
//	lamps, time──▶ └───────┘ ──▶ OpenEnrolment CloseEnrolment      (the office)
//
// Sound, Ring, Show and the notices that mirror them are levels: each says the
// whole state of its device and is given only when that state changes. The rest
// are commands, given once. Commands stand before levels.
//
// What a person does:
//
//	lift, 102#             call 102; a pause of four seconds does for #
//	lift, #                the number dialled last
//	the key at a lamp      that contact; in a call to consult it; in the cradle to
//	                       point at it, and lifting calls
//	lift, **1#             the contact at the first contact lamp; up to **10#
//	*73#, *74#             let new telephones join the office; no longer
//	*73*103#               let one, which takes the place of 103
//	*#0*#                  test the parts of this telephone (package selftest)
//	0 held, 49...          a number that begins with +
//	recall                 hold the call and hear dial tone; the line lamp winks
//	recall, 103#           consult somebody; recall changes between the two
//	recall, 3              talk to both; recall parts them again
//	put the handset back   while one consults: join the two (transfer), also while
//	                       the second still rings; what fails rings back
//	                       before a number is dialled: the telephone rings for the held
//	                       call, lifting retrieves it
//	a beep while talking   somebody waits, the display says who: recall takes the call
//	                       and holds the first, putting the handset back lets it ring
//
// With the handset in its cradle:
//
//	#                      the menu: volumes, contacts, calls, pairing code, how the last
//	                       call sounded, fingerprint of the console's key
//	2, 8, #, *             up, down, choose, back; lifting the handset calls whom
//	                       the contacts or calls point at
//	* held                 locks the keys, and unlocks them: calls are taken, none is made
//	# held                 switches the bell off, and on
//	louder, softer         where a board has these keys: the bell; with the handset lifted
//	                       the earpiece
//
// Volumes, the lock and the bell that is off outlive the telephone (Keep, Settings).
//
// With two calls, 3 joins them when it follows recall within three seconds; later,
// as any key in a call, it is sent to the far end.
//
// Events and actions print as one line of text, and ParseEvent reads an event
// back: a recording of a live telephone is a test (see testdata).
package phone
