// Package nbd is a disk whose power can be cut: what was written and not flushed is
// in its cache only, and each sector of it survives a cut or not, as on a card that
// writes in an order of its own.
//
//	Disk    the medium and its volatile cache
//	Serve   the Network Block Device protocol, by which an emulator uses it
//
// Ending the emulator alone proves little: the host keeps all that it ever wrote, in
// order.
//
// What is spoken is the fixed newstyle negotiation with the options GO, EXPORT_NAME
// and ABORT, and reads, writes, flushes and forced writes, with simple replies.
// // NetworkBlockDevice/nbd, doc/proto.md
package nbd
