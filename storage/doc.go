// Package storage keeps what a phone must not forget in one bbolt file: the
// records of the ring, the peers it knew, its boot epoch, settings and the call
// log. The identity has its own file (overlay/identity): this one may be thrown
// away and is filled again by the other phones.
//
//	chordophone.db
//	|-- meta      "format" -> "chordophone 1"; "epoch" -> uint32
//	|-- records   Resource || Kind || key -> overlay.Record (MarshalBinary)
//	|-- peers     Node-ID -> address
//	|-- settings  name -> value
//	`-- calls     sequence number -> Call (JSON), the last MaxCalls
//
// What returns without error is on the disk: a commit is an fsync of the data
// and one of the meta page, and costs 16 KB or more of writes. Callers batch; what
// changes nothing is not written at all.
//
// # Damage
//
// bbolt trusts its file: a bad page makes it panic, fault, loop or overflow the
// stack, and the last two cannot be caught. So Open first walks the file itself,
// bounds-checked (walk.go), and only then lets bbolt map it. What is damaged is
// set aside as chordophone.db.damaged-N, and the phone starts with an empty file,
// since a phone that does not start is worse; what is not ours at all is left as
// it is, with an error. Faults that come later (a card that dies) are caught
// around each transaction. Values carry no checksum: records carry a signature,
// and what cannot be decoded is skipped and counted.
//
// Package fat beside it knows nothing of this file: it is the file system of the
// SD card's first partitions.
package storage
