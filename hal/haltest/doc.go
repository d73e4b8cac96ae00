// Package haltest is telephone hardware for tests: a Panel whose keys the test
// presses and whose lamps and notices it reads, and an Audio whose microphone
// the test speaks into and whose earpiece it listens to. Both run in a
// testing/synctest bubble: time passes only where a real device would block.
// A Log is what was logged meanwhile.
package haltest
