package pace

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(1000)
		begin := time.Now()
		var wg sync.WaitGroup
		for range 4 { // whoever they are, together
			wg.Go(func() {
				for range 5 {
					if err := p.Wait(t.Context(), 500); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if took := time.Since(begin); took != 9500*time.Millisecond {
			t.Errorf("10000 octets took %v; all but the last 500 take 9.5 s", took)
		}
		// What was not used in a quiet time is not made up for.
		time.Sleep(time.Hour)
		begin = time.Now()
		for range 3 {
			p.Wait(t.Context(), 500)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("after an hour it took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := p.Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
