package rollout

import (
	"slices"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// sortByTurn puts phones in the order in which a release goes round: by the exclusive or
// of both names. It is the same on all phones, and another for each release, so that it
// is not always the same phone that goes first.
func sortByTurn(r release.ID, nodes []overlay.ID) {
	rank := func(x overlay.ID) overlay.ID {
		for i := range x {
			x[i] ^= r[i]
		}
		return x
	}
	slices.SortFunc(nodes, func(a, b overlay.ID) int { return rank(a).Compare(rank(b)) })
}

// width is how many phones may be away at a time, of so many, when so many of them run
// the release.
func width(most, phones, updated int) int {
	return max(1, min(updated/4, most, phones/8))
}
