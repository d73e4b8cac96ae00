package hal

// Panel is what a hand touches and an eye sees. Its methods may be called from
// any goroutine.
type Panel interface {
	// Events delivers key movements. It is closed when the panel is gone for
	// good: a script that ended, a terminal that hung up.
	Events() <-chan Event
	Show(Picture) error
	// Tell reports what goes on, for panels that have somewhere to show it.
	Tell(Notice)
	Close() error
}

// Notice is something a panel may show or print: one of the types below. The
// JSON names are those of the script interface.
type Notice interface{ Name() string }

type (
	// Ready says that this phone can call and be called.
	Ready struct {
		Extension string `json:"extension"`
		Office    string `json:"office"`
		Node      string `json:"node"`
	}

	// Sounding says which tone the earpiece plays.
	Sounding struct {
		Tone Tone `json:"tone"`
	}

	// Ringing says that the bell rings, or stopped.
	Ringing struct {
		On         bool   `json:"on"`
		From       string `json:"from"`
		CallerName string `json:"name"`
	}

	// CallState is one step in the life of a call.
	CallState struct {
		ID     string `json:"id"`
		State  string `json:"state"` // dialling, ringing, connected, held, ended
		Peer   string `json:"peer"`
		Cause  string `json:"cause,omitempty"`
		Status int    `json:"status,omitempty"` // SIP status code
		Sound  *Sound `json:"sound,omitempty"`  // when the call has ended and was heard
	}

	// Sound says how a call sounded.
	Sound struct {
		Codec     string  `json:"codec"`
		Secure    bool    `json:"secure"`
		Sent      uint64  `json:"sent"`      // packets
		Received  uint64  `json:"received"`  // packets
		Lost      int64   `json:"lost"`      // packets that never came; less than 0 when some came twice
		Restored  uint64  `json:"restored"`  // of these, packets whose copy came with another (RFC 2198)
		Late      uint64  `json:"late"`      // packets that came after their turn
		Concealed uint64  `json:"concealed"` // frames made up in place of missing ones
		Ratio     float64 `json:"concealed_ratio"`
		JitterMS  float64 `json:"jitter_ms"`         // RFC 3550, section 6.4.1
		TripMS    float64 `json:"round_trip_ms"`     // 0: not known
		DelayMS   float64 `json:"delay_ms"`          // estimate, mouth to ear without the sound devices
		R         float64 `json:"r"`                 // transmission rating, 0 to 93.2 (ITU-T G.107); 0: nothing was heard
		MOSLQ     float64 `json:"mos_lq"`            // the opinion of listeners that it stands for, 1 to 4.5
		MOSCQ     float64 `json:"mos_cq"`            // of people in conversation, who mind the delay
		FarMOS    float64 `json:"far_mos,omitempty"` // the far side's opinion of what it hears, if it tells
		Broken    string  `json:"broken,omitempty"`  // why sending was stopped (RFC 8083)
	}

	// Pressed is a key that the far side of a call has pressed.
	Pressed struct {
		ID  string `json:"id"` // of the call
		Key string `json:"key"`
	}

	// Lines is the text of the display.
	Lines struct {
		Lines []string `json:"lines"`
	}

	// Fault is something a person should know, with what to do about it.
	Fault struct {
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}
)

func (Ready) Name() string     { return "ready" }
func (Sounding) Name() string  { return "tone" }
func (Ringing) Name() string   { return "ring" }
func (CallState) Name() string { return "call" }
func (Pressed) Name() string   { return "digit" }
func (Lines) Name() string     { return "display" }
func (Fault) Name() string     { return "error" }
