//go:build noopus

package media

func opusKind() (kind, bool) { return kind{}, false }
