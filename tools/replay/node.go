package main

import (
	"bytes"
	"fmt"
	"io"

	"chordophone/overlay/chord"
)

// playNode plays the recording of a node of the ring.
func (s section) playNode(out io.Writer) (who string, events int, diff *difference, err error) {
	r, err := chord.ReadRecording(bytes.NewReader(s.text))
	if err != nil {
		return "", 0, nil, fmt.Errorf("the ring's recording in line %d: %w: %w", s.line, errUnreadable, err)
	}
	again, err := r.Replay()
	if err != nil {
		return "", 0, nil, fmt.Errorf("the ring's recording in line %d: %w: %w", s.line, errUnreadable, err)
	}
	if err := again.Write(out); err != nil {
		return "", 0, nil, err
	}
	for i, step := range again.Steps {
		recorded, here := actionTexts(r.Steps[i].Actions), actionTexts(step.Actions)
		if a, b, found := firstDifference(recorded, here); found {
			diff = &difference{event: fmt.Sprint(step.At, " ", chord.EventText(step.Event)), number: i + 1, recorded: a, here: b}
			break
		}
	}
	return "node " + r.Self.String(), len(r.Steps), diff, nil
}

func actionTexts(list []chord.Action) (out []string) {
	for _, a := range list {
		out = append(out, chord.ActionText(a))
	}
	return out
}
