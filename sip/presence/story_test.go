package presence

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// play feeds a story's inputs to a machine, and ticks when the machine wants them,
// and compares what it does. A line is "time input: actions"; a tick that nothing
// comes of is not told.
func play(t *testing.T, story string, next func() time.Time, step func(now time.Time, input string) []string) {
	t.Helper()
	var got []string
	start := time.Now()
	tell := func(at time.Duration, input string) {
		acts := step(start.Add(at), input)
		if input != "tick" || len(acts) > 0 {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%v %s: %s", at, input, strings.Join(acts, ", "))))
		}
	}
	ticks := func(until time.Duration) {
		for n := 0; !next().IsZero() && next().Sub(start) <= until; n++ {
			if n == 1000 {
				t.Fatal("a tick brings nothing and is wanted again")
			}
			tell(next().Sub(start), "tick")
		}
	}
	want := strings.Split(strings.TrimSpace(story), "\n")
	for i, line := range want {
		want[i] = strings.TrimSpace(line)
		head, _, _ := strings.Cut(want[i], ":")
		at, input, _ := strings.Cut(head, " ")
		d, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		if input == "tick" {
			continue
		}
		ticks(d)
		tell(d, input)
	}
	ticks(3 * time.Hour)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSubscription(t *testing.T) {
	for name, story := range map[string]string{
		// RFC 6665, section 4.2.2: "Upon successfully accepting or refreshing a
		// subscription, notifiers MUST send a NOTIFY request immediately". 4.2.3: "If
		// it is not refreshed before its expiration, the notifier ... SHOULD generate a
		// NOTIFY request with "timeout"".
		"from beginning to end": `
			0s subscribe 60 known: NOTIFY active;expires=60
			30ms answered 200:
			10s changed: NOTIFY active;expires=50
			10.03s answered 200:
			40s subscribe 60 known: NOTIFY active;expires=60
			40.03s answered 200:
			1m40s tick: NOTIFY terminated;reason=timeout
			1m40.03s answered 200: forget`,
		"what changes quickly is collected, and the last is told": `
			0s subscribe 60 known: NOTIFY active;expires=60
			30ms answered 200:
			50ms changed:
			60ms changed:
			200ms tick: NOTIFY active;expires=60
			210ms changed:
			230ms answered 200:
			400ms tick: NOTIFY active;expires=60
			430ms answered 200:
			1m0s tick: NOTIFY terminated;reason=timeout
			1m0.03s answered 200: forget`,
		"one at a time, however long it takes": `
			0s subscribe 60 known: NOTIFY active;expires=60
			1s changed:
			20s subscribe 60 known:
			25s answered 200: NOTIFY active;expires=55
			26s changed:
			57s answered 408: forget
			58s changed:`,
		"a fetch": `
			0s subscribe 0 known: NOTIFY terminated;reason=timeout
			10ms changed:
			30ms answered 200: forget`,
		"the end is asked for": `
			0s subscribe 60 known: NOTIFY active;expires=60
			10ms subscribe 0 known:
			30ms answered 200:
			200ms tick: NOTIFY terminated;reason=timeout
			230ms answered 500: forget`,
		"nothing is known at first": `
			0s subscribe 60 unknown:
			300ms changed: NOTIFY active;expires=60
			310ms answered 481: forget`,
		"nothing becomes known": `
			0s subscribe 60 unknown:
			500ms tick: NOTIFY active;expires=60
			510ms answered 200:
			550ms changed: NOTIFY active;expires=60
			560ms answered 481: forget`,
		"ended here while a NOTIFY is under way": `
			0s subscribe 60 known: NOTIFY active;expires=60
			10ms end rejected:
			20ms subscribe 60 known:
			30ms answered 200: NOTIFY terminated;reason=rejected
			40ms answered 200: forget`,
		"the watcher is overloaded": `
			0s subscribe 3600 known: NOTIFY active;expires=3600
			10ms answered 503 20:
			1s changed:
			20.01s tick: NOTIFY active;expires=3580
			20.02s answered 500:
			25.02s tick: NOTIFY active;expires=3575
			25.03s answered 500: forget`,
		"the watcher is overloaded, and comes back": `
			0s subscribe 3600 known: NOTIFY active;expires=3600
			10ms answered 503 20:
			1s subscribe 3600 known: NOTIFY active;expires=3600
			1.01s answered 200:
			1h0m1s tick: NOTIFY terminated;reason=timeout
			1h0m1.01s answered 200: forget`,
		"it expires while a NOTIFY is under way": `
			0s subscribe 60 known: NOTIFY active;expires=60
			50s changed:
			1m20s answered 200: NOTIFY terminated;reason=timeout
			1m21s answered 200: forget`,
	} {
		t.Run(name, func(t *testing.T) {
			var s subscription
			play(t, story, func() time.Time { return s.next() }, func(now time.Time, input string) []string {
				var word, arg string
				var n int
				fmt.Sscan(input, &word, &n, &arg)
				var in any
				switch word {
				case "subscribe":
					in = subscribe{time.Duration(n) * time.Second, arg == "known"}
				case "changed":
					in = changed{}
				case "answered":
					after, _ := time.ParseDuration(arg + "s")
					in = answered{n, after}
				case "end":
					in = end{strings.Fields(input)[1]}
				case "tick":
					in = tick{}
				default:
					t.Fatal(input)
				}
				var out []string
				for _, a := range s.step(now, in.(interface{ input() })) {
					out = append(out, a.String())
				}
				return out
			})
		})
	}
}

// The waits of a link are random; with this generator they are 1.25 s.
type quarter struct{}

func (quarter) Uint64() uint64 { return 1<<63 | 1<<35 }

func TestLink(t *testing.T) {
	for name, story := range map[string]string{
		"up, lost and made again before anybody hears of it": `
			0s begin: connect
			50ms connected: reached
			10s lost: connect anew
			10.2s connected: reached`,
		"the plug is pulled and put back": `
			0s begin: connect
			50ms connected: reached
			10s lost: connect anew
			10.5s tick: vanished
			15s failed:
			15.1s tick: connect anew
			16s connected: reached`,
		"nobody there, and nobody says so": `
			0s begin: connect
			2s tick: vanished
			5s failed:
			5.1s tick: connect anew
			5.11s failed:
			6.35s tick: connect anew
			6.4s connected: reached
			7s lost: connect anew
			7.01s failed: vanished
			8.25s tick: connect anew`,
		"the ring is believed only so far": `
			0s begin: connect
			50ms connected: reached
			10s gone: hang up, connect anew
			10.01s lost:
			10.1s connected: reached
			11s back:
			12s lost: connect anew
			12.1s gone:
			12.2s back:
			12.3s failed: vanished
			12.4s back: connect anew`,
	} {
		t.Run(name, func(t *testing.T) {
			l := link{rng: rand.New(quarter{})}
			play(t, story, func() time.Time {
				return l.next()
			}, func(now time.Time, input string) []string {
				var acts []linkAct
				switch input {
				case "begin":
					acts = l.begin(now)
				case "connected":
					acts = l.connected()
				case "failed":
					acts = l.failed(now)
				case "lost":
					acts = l.lost(now)
				case "gone":
					acts = l.gone(now)
				case "back":
					acts = l.back(now)
				case "tick":
					acts = l.tick(now)
				default:
					t.Fatal(input)
				}
				var out []string
				for _, a := range acts {
					out = append(out, a.String())
				}
				return out
			})
		})
	}
}
