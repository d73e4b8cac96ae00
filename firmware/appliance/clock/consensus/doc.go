// Package consensus decides how far a telephone that no time server has told the time
// believes the other members of its office. It is a state machine without I/O.
//
//	      members in sight            a minute, five when all is well,
//	                                  up to an hour while the clock runs slower
//	idle -----------------> waiting <---------------------------------+
//	                           |                                      |
//	                           | Tick, no time server here: Ask       |
//	                           v                                      |
//	                         asking -- Round --> Shift, or nothing ---+
//
// # Who is believed
//
// Each member says what time it has, and from where (Source). With n members in the
// office, the greater of those enrolled and those in sight, up to f = n/4 may lie, all
// of them together; of those asked at most half, which is the bound where only a part of
// a large office is in sight.
//
//   - The best source counts that is better than one's own and that more than f members
//     name: their median.
//   - Else the median of those that have as good a source as this telephone or a better
//     one, and of this telephone itself.
//   - The clock is moved no further than at least one honest member says: forward, to
//     what more than f of them say that it is at the least; back likewise.
//
// So f liars move nobody out of the span of the honest clocks, whatever they say of
// themselves. In an office of two or three f is 0, and one member is believed; so is
// one that lies. With one telephone of four or more at a time server, the others wait
// for a second one.
//
// A person who sets a clock (Hand) makes that of one telephone Set: better than what the
// others have kept or agreed on, and bound by the same rule. So in an office without a
// time server the time is set at Voices telephones, one in an office of up to three, and
// a telephone that lies cannot set it alone.
//
// # How it moves
//
// Offsets are those that the answer proves: what may be the time that question and answer
// took on their way is no offset.
//
//	from 100 ms behind    forward, in one step
//	up to a minute ahead  slower, by 0.05 %, until the others have caught up
//	further ahead         not at all: a clock is never set back, since what was
//	                      kept was once the time; only time servers do that
//
// All of a life of the program together goes no further forward than Farthest. Two
// medians are taken of the same clocks, and nobody steps back: members do not chase each
// other.
package consensus
