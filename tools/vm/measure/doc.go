// Package measure holds what is measured in both kinds of machines of tools/vm: how long
// something took, what a process costs, and when a pressed key is told to the far end.
package measure
