// Package newcomer is a telephone that belongs to no office yet, and whose owner has
// its keys and nothing else: it says what it sees on the network, joins with the
// pairing code of another telephone, or founds an office. Which extension it gets, and
// whether it takes the place of a dead telephone, the other one says: it made the code.
// It is a state machine without clock or I/O.
//
//	on the hook ──lift──▶ asks ──code #, *72#──▶ works ──Member──▶ over, once it
//	     ▲                                         │               is on its hook
//	     └──handset back── refused ◀────Failed─────┘
package newcomer
