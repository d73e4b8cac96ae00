// Package transaction is RFC 3261, section 17, with the corrections of RFC 6026:
// four state machines without messages, sockets or clocks. They know a request and
// its responses only as octets to be repeated, so that a transaction that only
// waits for stragglers costs little.
//
//	InviteClient   section 17.1.1, figure 5    Timers A B D, and M of RFC 6026
//	Client         section 17.1.2, figure 6    Timers E F K
//	InviteServer   section 17.2.1, figure 7    Timers G H I, and L of RFC 6026
//	Server         section 17.2.2, figure 8    Timer J
//
// Each takes what happened with Step, which says what is to be done, and says with
// Next when it wants a Tick:
//
//	var m transaction.Server
//	m.Start(false)
//	do := m.Step(now, transaction.Event{Kind: transaction.Final, Octets: ok})
//	if do.Has(transaction.Send) { write(m.Octets()) }
//	if do.Has(transaction.End) { forget(m) }
package transaction
