// Package reload is the wire format of RELOAD (RFC 6940) with its CHORD-RELOAD
// topology, as far as PROFILE.md takes it up: Append and Parse, no I/O, no state.
//
// A message has three parts:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+---------------------------------------------------------------+
//	| relo_token 0xd2454c4f                                         |  Header
//	+---------------------------------------------------------------+  section 6.3.2
//	| overlay: low 32 bits of SHA-1(overlay name)                   |
//	+-------------------------------+---------------+---------------+
//	| configuration_sequence        | version 0x0a  | ttl           |
//	+-------------------------------+---------------+---------------+
//	| fragment 0xc0000000                                           |
//	+---------------------------------------------------------------+
//	| length of the whole message                                   |
//	+---------------------------------------------------------------+
//	| transaction_id                                                |
//	|                                                               |
//	+---------------------------------------------------------------+
//	| max_response_length                                           |
//	+-------------------------------+-------------------------------+
//	| via_list_length               | destination_list_length       |
//	+-------------------------------+-------------------------------+
//	| options_length                | via list, destination list, options ...
//	+-------------------------------+-------------------------------+
//	| message_code                  | message_body<0..2^32-1> ...   |  Contents
//	+-------------------------------+-------------------------------+  section 6.3.3
//	| extensions<0..2^32-1> ...                                     |
//	+---------------------------------------------------------------+
//	| certificates<0..2^16-1> ...                                   |  Security
//	+---------------------------------------------------------------+  section 6.3.4
//	| signature: algorithm, identity of the signer, value ...       |
//	+---------------------------------------------------------------+
//
// The signature covers overlay, transaction_id, Contents and the signer's
// identity, so that nodes on the way may change the rest of the header but not
// what is said. On a connection each message stands in a frame (Frame).
//
// What Parse returns shares memory with the octets it was given. Parse refuses
// what is cut short, what is followed by anything, and what is longer than the
// limits in const.go; it allocates nothing whose size the other side chose
// without having sent it.
//
// A Body is one method's request or answer. What a Body holds of stored data
// depends on the Kind's data model, which the wire does not tell: see Model.
package reload
