package manage

import (
	"context"
	"errors"
)

// capture streams until ctx is done.
func capture(ctx context.Context, s *shell, o *options, _ []string) error {
	if s.terminal {
		return usageError{"a capture is not for a terminal", "on your computer: ssh ... capture | wireshark -k -i -"}
	}
	if o.period < 0 {
		return usageError{"--for: a time is not negative", ""}
	}
	if o.period > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.period)
		defer cancel()
	}
	w := newSpool(s.out)
	err := s.phone.Capture(ctx, w)
	var sum captured
	sum.Bytes, sum.Dropped = w.close()
	if err := streamed(err); err != nil {
		return err
	}
	toErr := *s
	toErr.out = s.err
	return answer(&toErr, o, writeCaptured)(sum, nil)
}

// captured is what capture says at the end.
type captured struct {
	Bytes   int64 `json:"bytes"`
	Dropped int64 `json:"dropped"` // packets, because the reader was too slow
}

// streamed is the error of a stream: to be ended is no failure.
func streamed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
