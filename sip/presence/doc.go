// Package presence tells those who watch an address what goes on there: RFC 6665
// events presence, dialog and message-summary for existing clients, one by one or
// as a list (RFC 4662), and the lamps of this telephone. It takes what clients
// publish (RFC 3903).
//
//	                         this phone                        |      other phones
//	Dialogs, Dialog  --+                                       |
//	PUBLISH            +--> local state --office-state NOTIFY--|--> ... of their watchers
//	Registered       --+        |                              |
//	                            v                              |
//	SUBSCRIBE <-- NOTIFY     address: places, view <--NOTIFY---|--- local state there
//	lamps     <-- State  <----- compose                        |
//	                            ^                              |
//	                       look-ups: which phones serve it     |
//
// # Where state is
//
// The phone that serves an address is its authority: a telephone for its own
// number, and for a client the phone it is registered at. A phone with watchers
// subscribes once for each address and authority, over TLS between phones, to the
// event package office-state of this package (below), and composes documents from
// what the authorities say. Each authority answers with its own state only, so that
// no question goes round in circles. An address that this phone serves needs no
// network, and goes the same way otherwise.
//
// Nothing of a subscription is kept anywhere but here. When this phone dies, its
// clients find their connection dead, or get 481 from whichever phone takes their
// refreshing SUBSCRIBE, and subscribe there (RFC 6665, section 4.1.2.2). When it is
// switched off it ends them as "deactivated", which asks for the same at once.
//
// # What an address can be
//
//	unreachable   it is bound, but no phone that serves it answers
//	on the phone  somebody there is in a call, or makes one
//	published     what its clients have published
//	open          it is bound
//	closed        it is not: offline
//
// The first that is true makes the presence document. One of several authorities
// that answers is enough. An address that the office does not have is closed as
// well: it may be given to somebody tomorrow, and the lamp shall then work.
//
// # Times
//
// A connection on which somebody is watched is asked for a sign of life every 2 s
// and given up 4 s after the last; with half a second in which it may be made
// again, an address is unreachable at most 7 s after its plug was pulled. It is
// tried again every 1 to 1.5 s. Look-ups are repeated every 30 s, and every 5 s for
// what is unreachable or offline.
//
// # office-state
//
// An event package between phones of one office, RFC 6665, section 5.4. The
// subscriber is a phone with a certificate of the office; anybody else gets 489.
// The body is multipart/related: PIDF with what is published (no tuple: nothing)
// and a count of changes of bindings, and dialog-info with the calls. The state is
// that of the notifier itself. Duration 3600 s; a subscription lives and dies with
// its connection.
//
// # Lists
//
// sip:contacts+102@office is what 102 keeps as contacts, readable by 102 alone,
// with at most 50 entries. It takes "Supported: eventlist"; events are presence and
// dialog. What is not yet known of an entry has no instance in the first
// notification and comes in a later one.
package presence
