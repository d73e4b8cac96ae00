package hal

// Key is one contact of the telephone: '0' to '9', '*', '#', 'A' to 'D', or one
// of the names below.
type Key rune

const (
	Hook   Key = 'h' // down means the handset rests in its cradle
	Recall Key = 'r' // a short press of the hook, or the R key
)

// Digits are the keys of a full DTMF keypad. // ITU-T Q.23
const Digits = "123A456B789C*0#D"

// Event is one debounced movement of a key.
type Event struct {
	Key  Key
	Down bool
}
