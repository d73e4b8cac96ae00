package manage

import "time"

// Bounds on what clients can cost.
const (
	handshakeTime = 10 * time.Second // from connection to authentication
	maxHandshakes = 48               // at once
	maxPerSource  = 24               // of them, from one address
	maxAuthTries  = 6                // keys offered on one connection, as an agent does

	burst   = 32              // connections of one source without authentication, ...
	refill  = 6 * time.Second // ... and one more each
	sources = 1024            // remembered; the others share one bucket

	maxConnections = 32 // authenticated
	maxSessions    = 32 // commands and prompts that run, of all connections
	maxOfOne       = 10 // sessions of one connection

	keepAlive = 15 * time.Second // between questions to a client, and for its answer
	endTime   = 2 * time.Second  // for clients to take the last words
	keysEvery = 5 * time.Second  // authorized_keys is looked at

	maxLine    = 4096     // octets of a command line
	maxValues  = 34       // words behind config: what, the key, and values of it
	maxSpool   = 1 << 20  // octets that wait for a slow reader of a stream
	maxTyped   = 4096     // octets typed ahead while a command runs
	maxKeyFile = 64 << 10 // octets of authorized_keys

	askTime   = 30 * time.Second       // for what is asked of the ring
	auditTime = 5 * time.Minute        // for going round it
	keepTime  = 10 * time.Minute       // for a backup, from or to a slow reader
	tabTime   = 500 * time.Millisecond // for completing a name

	updateTime    = time.Hour              // for a release to arrive and be written
	progressEvery = 500 * time.Millisecond // its progress is told
	maxPassphrase = 1024                   // octets
	maxLocale     = 64                     // octets of LANG and its like

	lookEvery = time.Second            // the dashboard looks at what changes by itself,
	askEvery  = 5 * time.Second        // and asks the ring
	frameTime = 500 * time.Millisecond // between its frames, when no key is pressed
	escTime   = 100 * time.Millisecond // for a key's sequence to go on after ESC
	tailLines = 200                    // of the log, kept while somebody looks
)
