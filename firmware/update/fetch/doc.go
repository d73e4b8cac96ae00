// Package fetch is how phones hand a release on: over TLS with the office's certificates
// on both sides, chunk by chunk.
//
//	request   uint8  what        1 head, 2 chunk
//	          opaque release[32] SHA-256 of its manifest
//	          uint32 index       of the chunk, 0 for the head
//	answer    uint8  status      0 here it is, 1 not here
//	          opaque data<0..2^32-1>   at most a chunk or a head
//
// One request waits for its answer at a time. Integers are big-endian.
//
// Who asks believes nothing: the head is signed, and each chunk has its hash in it. Who
// answers bounds what it gives: so many connections, two of each phone, so many octets
// a second in all, and a time for each request.
package fetch
