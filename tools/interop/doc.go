// Package interop proves that SIP clients that others wrote work with an office of
// these phones as their registrar and proxy: baresip, linphonec, sipp and sipsak, as
// real processes, each with an address of its own on one Ethernet switch of network
// namespaces.
//
// A trial is a short script: who does what over which transport. It fails with what
// was missing and the last words of the programs that took part. A trial that any
// registrar and proxy must pass is then tried again with kamailio in our place, so
// that the table says whose fault it was: what fails there too is the client's or
// this package's. The table is printed and kept in build/interop.txt, the logs of the
// programs beside it in build/interop.
//
//	go test -tags interop ./tools/interop                      all, with our phones
//	INTEROP_WITH=kamailio go test -tags interop ./tools/interop    the harness itself
//	INTEROP_PROGRAM=build/chordophone ...                          a binary that is there (absolute path)
//	INTEROP_KILLS=50 ...                                       the long kill trial
//
// It needs root (namespaces) and the Debian packages that it names when they are
// missing.
package interop
