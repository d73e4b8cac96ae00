// Package release is the release file: a signed manifest and the content of a
// slot, in one stream.
//
//	"CHORDREL"                      8 octets
//	uint32 manifest length          big-endian, at most MaxManifest
//	uint16 signature length         at most MaxSignature
//	manifest                        text, see Manifest
//	signature                       of the manifest, four lines as minisign writes them
//	content                         zstd, to the end of the file
//
// Only the manifest is signed. It has the SHA-256 of each ChunkSize octets of the
// content, so that every chunk can be checked by itself before it is written,
// wherever it comes from: this file or another phone.
//
// A file is read front to back in bounded memory, whoever made it. The signature is
// checked before the manifest is looked into, and no more is unpacked than the
// manifest says.
//
// # Whom a phone trusts
//
// The keys in the file KeyFile of the phone's data directory, one of which must have
// signed. The phone has none to begin with and refuses all releases then. On the
// appliance the file comes from the first partition of the card, beside
// authorized_keys. Whoever can write there can write the slots themselves, so that a
// key is as safe there as the program. No key is built in: a binary is the same
// whoever trusts it, nobody trusts a key that he has not chosen, and a release cannot
// change whom the phone trusts. To change keys, add the new one, then take out the
// old one.
package release
