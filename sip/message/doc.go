// Package message carries instant messages (RFC 3428) between all addresses of
// the office, and keeps those for somebody who is away until one of the contacts
// returns.
//
//	MESSAGE --> somebody there? --yes--> proxy --> 2xx, 4xx, 6xx
//	                 | no                  | 408, 480, 5xx: not there after all
//	                 v                     v
//	            Box (in the ring, on two disks) --> 202 Accepted
//	                 |
//	            a contact registers here: one after another, oldest first
//	                 v
//	            MESSAGE --> 2xx --> out of the Box
//
// What waits is kept in order: while something waits for an address, what comes
// later waits behind it. Of the phones at which contacts of an address are
// registered one delivers, the same one as all of them see it; it forks a message to
// all contacts. One that the recipient refuses does not hold up those behind it, and
// is tried again after an hour.
//
// Telephones of the office have no page to show a message on at once: what is for
// them waits in the Box, lights their lamp, and is read there.
//
// Who asked to be told (RFC 5438) is told that the message was stored; that it was
// delivered or read tells the recipient's own program, and that message goes the
// same way as all others.
package message
