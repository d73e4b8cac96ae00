package backup

// Errors for people. Each has a method Hint() string that says what to do.
var (
	ErrPassphrase error = &fault{"the passphrase is too short", "take at least 10 characters: four words that nobody connects are good"}
	ErrWrong      error = &fault{"wrong passphrase", "nothing was changed; it is the one that was given to backup"}
	ErrNoBackup   error = &fault{"not a backup of a telephone", "give the file that backup wrote, after the line with the passphrase; nothing was changed"}
	ErrDamaged    error = &fault{"the backup is damaged or cut short", "nothing was changed; take another copy"}
	ErrNewer      error = &fault{"the backup is of a later program", "update this telephone first; nothing was changed"}
	ErrOffice     error = &fault{"the backup is of another office", "restore it onto a telephone without an identity: chordophone restore --data DIR"}
	ErrTelephone  error = &fault{"the backup is of another telephone of this office", "--replace makes this telephone that one, if that one is gone for good; this one's extension is then nobody's"}
	ErrAlive      error = &fault{"the telephone in the backup is in the ring now", "switch it off first, or revoke it if it is stolen: two telephones cannot be the same one"}
	ErrRevoked    error = &fault{"the telephone in the backup was shut out of the office", "enrol this telephone anew instead: enrol open at another telephone"}
	ErrOlder      error = &fault{"the backup is older than what this telephone has", "--older goes back nevertheless; what is in the ring stays as new as it is"}
)

// fault is an error with a hint.
type fault struct{ text, hint string }

func (f *fault) Error() string { return f.text }
func (f *fault) Hint() string  { return f.hint }
