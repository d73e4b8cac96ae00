package main

import "testing"

// The partition is the one under [all], or under [tryboot] for one start.
func TestChoose(t *testing.T) {
	text := "# which\n[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n[none]\nboot_partition=7\n\n"
	for trial, want := range map[bool]int{false: 2, true: 3} {
		if got, err := choose(text, trial); got != want || err != nil {
			t.Errorf("trial %t: %d, %v, want %d", trial, got, err, want)
		}
	}
	for _, bad := range []string{"", "[tryboot]\nboot_partition=3\n", "boot_partition=x\n"} {
		if got, err := choose(bad, false); err == nil {
			t.Errorf("%q: %d", bad, got)
		}
	}
}
