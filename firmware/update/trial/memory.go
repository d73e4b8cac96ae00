package trial

import (
	"encoding/json"
	"fmt"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
)

// maxFailed is how many failures are remembered, newest last.
const maxFailed = 8

// Memory is what outlives a restart.
type Memory struct {
	Newest  release.Version `json:"newest"`            // ever found good on this phone
	Content [2]Content      `json:"content"`           // of slots A and B
	Pending *Pending        `json:"pending,omitempty"` // an update that is written and not decided
	Failed  []Failure       `json:"failed,omitempty"`
}

// Content is the release in a slot.
type Content struct {
	Release release.ID      `json:"release"` // zero: not known
	Version release.Version `json:"version"`
}

// Pending is a release that waits for its trial, or for the verdict.
type Pending struct {
	Partition int           `json:"partition"`
	Starts    int           `json:"starts"` // on trial, asked for until now
	Before    health.Report `json:"before"` // how the phone was before the first
}

// Failure is a release that was given up.
type Failure struct {
	Release release.ID      `json:"release"`
	Version release.Version `json:"version"`
	Why     string          `json:"why"`
}

// of is what the slot in a partition has.
func (m *Memory) of(partition int) *Content { return &m.Content[partition-slot.A] }

// In is what the slot in a partition has.
func (m Memory) In(partition int) Content { return *m.of(partition) }

// Marshal is the file.
func (m Memory) Marshal() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// ParseMemory reads what Marshal wrote. Nothing at all is the memory of a new phone.
func ParseMemory(b []byte) (Memory, error) {
	var m Memory
	if len(b) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return Memory{}, fmt.Errorf("trial: memory: %w", err)
	}
	if p := m.Pending; p != nil && p.Partition != slot.A && p.Partition != slot.B {
		return Memory{}, fmt.Errorf("trial: memory: partition %d", p.Partition)
	}
	return m, nil
}

func (m *Memory) fail(f Failure) {
	if m.Failed = append(m.Failed, f); len(m.Failed) > maxFailed {
		m.Failed = m.Failed[len(m.Failed)-maxFailed:]
	}
}
