package report

import (
	"cmp"
	"slices"
	"time"
)

// Sample is measured durations.
type Sample []time.Duration

// Quantile is the smallest measured value that at least the share q of all does
// not exceed (nearest rank); 0 for an empty sample.
func (s Sample) Quantile(q float64) time.Duration { return Quantile(s, q) }

// Quantile is the same of any ordered values.
func Quantile[S ~[]T, T cmp.Ordered](s S, q float64) (zero T) {
	if len(s) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(s))
	rank := int(q * float64(len(s)))
	if float64(rank) < q*float64(len(s)) {
		rank++
	}
	return sorted[min(max(rank, 1), len(s))-1]
}

// Median is the middle figure of several rounds, and their span if there are two or
// more; nil if there is none.
func Median(v []float64) (*Figure, *Spread) {
	if len(v) == 0 {
		return nil, nil
	}
	f := Figure(Quantile(v, 0.5))
	if len(v) == 1 {
		return &f, nil
	}
	return &f, &Spread{Least: slices.Min(v), Most: slices.Max(v)}
}

// Milliseconds is d as a figure of a table.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Percent is part of whole in percent; 0 when there is nothing.
func Percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
