package rollout

import (
	"slices"
	"testing"

	"chordophone/firmware/update/release"
)

func TestNotice(t *testing.T) {
	n := Notice{Version: release.Version{1, 2, 3, 4}, State: GaveUp, Running: release.ID{1}, Subject: release.ID{2}, SubjectVersion: release.Version{2}}
	b := n.Marshal()
	if got, err := ParseNotice(append(b, 7)); err != nil || got != n {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range b {
		if _, err := ParseNotice(b[:i]); err == nil {
			t.Errorf("%d octets are taken", i)
		}
	}
	for _, i := range []int{0, 17} {
		bad := slices.Clone(b)
		bad[i] = 9
		if _, err := ParseNotice(bad); err == nil {
			t.Errorf("octet %d = 9 is taken", i)
		}
	}
}
