package hal

// Key is one contact of the telephone: '0' to '9', '*', '#', 'A' to 'D', or one
// of the names below.
type Key rune

const (
	Hook   Key = 'h' // down means the handset rests in its cradle
	Recall Key = 'r' // a short press of the hook, or the R key
	Louder Key = '>'
	Softer Key = '<'
)

// Digits are the keys of a full DTMF keypad. // ITU-T Q.23
const Digits = "123A456B789C*0#D"

// Event is one debounced movement of a key.
type Event struct {
	Key  Key
	Down bool
}

// ContactKey is the key at the lamp of a contact: contact1 is 0.
func ContactKey(i int) Key { return '\u2460' + Key(i) } // a one in a circle, and so on

// Contact is whose key it is, ok if it is a contact's.
func (k Key) Contact() (i int, ok bool) {
	i = int(k - ContactKey(0))
	return i, i >= 0 && i < Lamps-LampContact
}
