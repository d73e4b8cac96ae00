package firmware

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"chordophone/firmware/phone"
	"chordophone/overlay/chord"
	"chordophone/sip/location"
)

// binder is a location service that counts.
type binder struct{ n atomic.Int32 }

func (b *binder) Bind(context.Context, string, []location.Binding) error {
	b.n.Add(1)
	return nil
}

// Which phones register, and what they say, as their standing in the office changes.
func TestStanding(t *testing.T) {
	const ready, gone, out = "online", "offline no other phone found", "offline " + shutOut
	alone, among := chord.View{Joined: true, Size: 1}, chord.View{Joined: true, Size: 3}
	for _, tt := range []struct {
		why   string
		steps []any // chord.View, "refused", "revoked"
		want  []string
	}{
		{"one in an office", []any{among}, []string{ready}},
		{"the ring is lost and found", []any{among, chord.View{}, among}, []string{ready, gone, ready}},
		{"the others are lost, the ring is not", []any{among, alone, alone}, []string{ready}},
		{"one member lies", []any{among, "refused", "refused"}, []string{ready}},
		{"all refuse it", []any{"refused", alone}, []string{out}},
		{"all refuse it once it is alone", []any{alone, "refused", "refused", alone}, []string{ready, out}},
		{"one member lied, and the others are switched off later", []any{among, "refused", alone, among}, []string{ready}},
		{"one member lies while the others are off", []any{among, alone, "refused", among, alone}, []string{ready, out, ready}},
		{"one member lies before the others are found", []any{"refused", among, alone}, []string{ready}},
		{"it was revoked", []any{among, "revoked", alone, among}, []string{ready, out}},
		{"it was revoked before it began", []any{"revoked", alone, among}, []string{out}},
		{"it was revoked and has no ring", []any{"revoked", among, chord.View{}, alone}, []string{out, gone}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var (
					service          binder
					changed          = make(chan chord.View)
					refused, revoked = make(chan struct{}, 1), make(chan struct{}, 1)
					told             []string
					barred           int
				)
				r := &registration{
					service: &service, aor: "sip:103@office", online: phone.Online{Extension: "103"}, changed: changed,
					refused: refused, revoked: revoked, keep: func(context.Context) error { return nil },
					tell: func(ev phone.Event) {
						switch ev := ev.(type) {
						case phone.Online:
							told = append(told, ready)
						case phone.Offline:
							told = append(told, "offline "+ev.Reason)
						}
					},
					barred: func() { barred++ }, log: slog.New(slog.DiscardHandler),
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- r.run(ctx) }()
				for _, step := range tt.steps {
					switch step := step.(type) {
					case chord.View:
						changed <- step
					case string:
						nudge(map[string]chan struct{}{"refused": refused, "revoked": revoked}[step])
					}
					synctest.Wait()
				}
				cancel()
				if err := <-ended; err != nil || fmt.Sprint(told) != fmt.Sprint(tt.want) {
					t.Errorf("told %q, want %q, %v", told, tt.want, err)
				}
				if r.bound.Load() != (told[len(told)-1] == ready) {
					t.Errorf("bound %v", r.bound.Load())
				}
				if (barred == 1) != slices.Contains(told, out) {
					t.Errorf("said %d times that it is barred", barred)
				}
				if want := len(slices.DeleteFunc(told, func(s string) bool { return s != ready })); int(service.n.Load()) != want {
					t.Errorf("registered %d times, want %d", service.n.Load(), want)
				}
			})
		})
	}
}
