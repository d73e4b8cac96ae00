// Package backup keeps a telephone's identity and what it knows in one encrypted
// file, and brings it back onto the same telephone or onto a new one.
//
//	age (passphrase, scrypt) ▶ gzip ▶ tar
//	                                  |-- manifest.json     Manifest: whose it is, of when
//	                                  |-- identity.pem      key and certificates
//	                                  |-- config.toml       and other files of the data directory
//	                                  |-- records           what is in the ring, each with its length (uint32)
//	                                  `-- calls.json        the call log
//
// All three formats are public: `age -d FILE | tar tz` lists a backup without this
// program. The passphrase is all that protects the office's keys, so it has a least
// length, and guessing costs 64 MB and about a second of a small computer each time.
//
// # Bringing back
//
// Everything is read, decrypted, authenticated and verified before anything is
// changed; the identity is written last. What is in the ring is signed and numbered,
// so a restore never turns it back: records only fill in what is missing or older.
// After it the program must be started again.
//
// Refused are: a wrong passphrase, a file that is damaged or cut short, one of a
// later program, one of another office, one of another telephone of this office
// (unless it replaces that, and then only while that one is away: two telephones
// with one identity would take each other's calls), and one that is older than what
// this telephone has (unless that is wanted).
package backup
