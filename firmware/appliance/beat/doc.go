// Package beat is what a program and the PID 1 that started it tell one another: the
// program, that its loops go round, and what it wants of the machine; PID 1, what is
// wrong with the machine.
//
// A packet socket is between them, whose far end the program inherits (Variable); each
// packet is one Message in JSON. A loop's pulse is the count of round trips to it that
// came back: a probe is called every two seconds and not again before it has returned,
// so that a loop which hangs stops its own count and nobody else's.
//
// All methods of a nil Line do nothing: a program that nobody guards has one.
package beat
