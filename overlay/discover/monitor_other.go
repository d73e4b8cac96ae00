//go:build !linux

package discover

import "log/slog"

// monitor gives no notice here: pollLinks has to do.
type monitor struct{ changed chan struct{} }

func newMonitor(*slog.Logger) *monitor { return &monitor{} }

func (m *monitor) Close() {}
