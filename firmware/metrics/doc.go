// Package metrics writes a telephone's figures in Prometheus' text format, version
// 0.0.4, and serves them over HTTP to whoever measures the office.
//
//	# HELP chordophone_calls Calls in progress.
//	# TYPE chordophone_calls gauge
//	chordophone_calls 1
//
// A family is a name with its samples; what it counts it counts since the program
// started. The figures hold no names, numbers or addresses: HTTP has no password,
// and whoever reaches the port may read them. It reads only, and it is bounded in
// connections, in time and in rate, so that a flood of it disturbs no call.
package metrics
