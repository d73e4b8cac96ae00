package hal

// Finding is something wrong with a telephone's body that it has noticed by itself.
type Finding struct {
	Word    string `json:"word"`    // of the board file, such as "keypad rows=GPIO5"
	Problem string `json:"problem"` // in one sentence
	Hint    string `json:"hint"`    // what to do
}

// Inspector is hardware that says what is wrong with it. Its method may be called
// from any goroutine.
type Inspector interface{ Findings() []Finding }

// Tested is what a self-test has found.
type Tested struct {
	Results []TestResult `json:"results"`
}

// TestResult is what it has found of one part.
type TestResult struct {
	Part string `json:"part"` // display, lamp, ringer, sound, hook or key
	Name string `json:"name,omitempty"`
	Word string `json:"word"` // of the board file
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

// Name implements Notice.
func (Tested) Name() string { return "selftest" }
