package reload

import (
	"bytes"
	"errors"
	"testing"
)

// OFFICE-TIME octet by octet; what is shorter or longer is none.
func TestOfficeTime(t *testing.T) {
	want := OfficeTime{0x0102030405060708, 3}
	info := want.Info()
	if info.Type != 0xf1 || !bytes.Equal(info.Value, []byte{1, 2, 3, 4, 5, 6, 7, 8, 3}) {
		t.Errorf("%+v", info)
	}
	uptime := ProbeInfo{ProbeUptime, []byte{0, 0, 0, 9}}
	if got, err := (ProbeAns{[]ProbeInfo{uptime, info}}).OfficeTime(); got != want || err != nil {
		t.Error(got, err)
	}
	for n := range 12 {
		b := append(info.Value[:min(n, len(info.Value)):9], make([]byte, max(0, n-9))...)
		if _, err := (ProbeAns{[]ProbeInfo{uptime, {ProbeOfficeTime, b}}}).OfficeTime(); (err == nil) != (n == 9) || err != nil && !errors.Is(err, ErrTime) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}
