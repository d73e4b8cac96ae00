package storage

// Errors for people. Each has a method Hint() string that says what to do.
var (
	ErrLocked   error = &fault{"another process uses the data", "stop the other chordophone, or give this one its own data directory"}
	ErrForeign  error = &fault{"not a database of chordophone", "move the file away or use another data directory; it was not changed"}
	ErrNewer    error = &fault{"database of a newer chordophone", "update this phone; the file was not changed"}
	ErrDamaged  error = &fault{"database is damaged", "restart: the file is set aside and the other phones fill a new one; then think of a new SD card"}
	ErrNotFound error = &fault{"no such setting", "see the list of settings"}
	ErrTooLarge error = &fault{"too large to keep", "shorten the name or the value"}
)

// fault is an error with a hint for the person who reads it.
type fault struct{ msg, hint string }

func (f *fault) Error() string { return f.msg }
func (f *fault) Hint() string  { return f.hint }
