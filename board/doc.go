// Package board describes a telephone's hardware as data: which line is which
// key, hook or lamp, and which devices carry sound. Known boards are embedded as
// text; a person with a soldering iron writes another in the same form.
package board
