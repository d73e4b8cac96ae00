package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The lines of the text format, as its description gives them.
var (
	helpLine = regexp.MustCompile(`^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$`)
	typeLine = regexp.MustCompile(`^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)$`)
	sample   = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*",?)*)\})? (\S+)$`)
)

// read is a reader of the format written for this test: it returns the values by
// name with labels, and fails at whatever the format does not allow.
func read(text string) (map[string]float64, error) {
	values, kind := make(map[string]float64), make(map[string]string)
	help := ""
	if text != "" && !strings.HasSuffix(text, "\n") {
		return nil, errors.New("the last line does not end")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := helpLine.FindStringSubmatch(line); m != nil {
			help = m[1]
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil {
			if m[1] != help || kind[m[1]] != "" {
				return nil, fmt.Errorf("%q: after help for %q, or twice", line, help)
			}
			kind[m[1]] = m[2]
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || kind[m[1]] == "" || m[1] != help {
			return nil, fmt.Errorf("%q is no sample, or not of the family before it", line)
		}
		v, err := strconv.ParseFloat(m[4], 64)
		if err != nil {
			return nil, err
		}
		if kind[m[1]] == "counter" && (!strings.HasSuffix(m[1], "_total") || v < 0) {
			return nil, fmt.Errorf("%q: no counter", line)
		}
		if _, twice := values[m[1]+m[2]]; twice {
			return nil, fmt.Errorf("%q twice", line)
		}
		values[m[1]+m[2]] = v
	}
	return values, nil
}

func office() []Family {
	return []Family{
		Count("x_calls_total", "Calls \\ made.\nAll of them.", 12),
		Measure("x_ratio", "A part.", 0.25),
		{Name: "x_empty", Help: "Nothing.", Kind: Gauge},
		{Name: "x_dropped_total", Help: "Dropped.", Kind: Counter, Samples: []Sample{
			With("reason", "broken", uint64(1)), With("reason", "a \"b\"\\\nc\xff", 2),
		}},
		Measure("x_big", "Many.", uint64(1)<<40),
	}
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, office()); err != nil {
		t.Fatal(err)
	}
	const want = `# HELP x_calls_total Calls \\ made.\nAll of them.
# TYPE x_calls_total counter
x_calls_total 12
# HELP x_ratio A part.
# TYPE x_ratio gauge
x_ratio 0.25
# HELP x_dropped_total Dropped.
# TYPE x_dropped_total counter
x_dropped_total{reason="broken"} 1
x_dropped_total{reason="a \"b\"\\\nc?"} 2
# HELP x_big Many.
# TYPE x_big gauge
x_big 1099511627776
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	if v, err := read(b.String()); err != nil || len(v) != 5 || v["x_ratio"] != 0.25 {
		t.Errorf("%v, %v", v, err)
	}
	for v, want := range map[float64]string{math.Inf(1): "+Inf", math.Inf(-1): "-Inf", -3: "-3", 1e300: "1e+300"} {
		if got := number(v); got != want {
			t.Errorf("%v: %q", v, got)
		}
	}
	if got := number(math.NaN()); got != "NaN" {
		t.Errorf("%q", got)
	}
}

func TestRequests(t *testing.T) {
	s := &Server{gather: func(context.Context) ([]Family, error) { return office(), nil }, log: slog.New(slog.DiscardHandler), tokens: burst, counted: time.Now()}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/metrics", 200}, {"HEAD", "/metrics", 200}, {"POST", "/metrics", 405}, {"DELETE", "/metrics", 405},
		{"GET", "/", 404}, {"GET", "/../etc/passwd", 404}, {"GET", "/debug/pprof/", 404},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status {
			t.Errorf("%s %s: %d", c.method, c.path, w.Code)
		}
		if c.status != 200 {
			continue
		}
		if got := w.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
			t.Errorf("%q", got)
		}
		if _, err := read(w.Body.String()); err != nil {
			t.Error(err)
		}
	}
	s.gather = func(context.Context) ([]Family, error) { return nil, errors.New("secret reason") }
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", Path, nil))
	if w.Code != 503 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// A flood gets as many readings as the rate allows, and time gives new ones.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gathered := 0
		s := &Server{gather: func(context.Context) ([]Family, error) { gathered++; return nil, nil }, log: slog.New(slog.DiscardHandler), tokens: burst, counted: time.Now()}
		ask := func(n int) (refused int) {
			for range n {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest("GET", Path, nil))
				if w.Code == http.StatusTooManyRequests {
					refused++
				}
			}
			return refused
		}
		if n := ask(1000); n != 1000-burst || gathered != burst {
			t.Errorf("%d refused, %d gathered", n, gathered)
		}
		time.Sleep(3 * refill)
		if n := ask(10); n != 7 {
			t.Errorf("%d refused", n)
		}
	})
}

// Live: it serves, bounds its connections and ends with its context.
func TestServer(t *testing.T) {
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), func(context.Context) ([]Family, error) { return office(), nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	get := func() (int, string) {
		r, err := http.Get("http://" + s.Addr().String() + Path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(b)
	}
	if code, text := get(); code != 200 || !strings.Contains(text, "x_big 1099511627776\n") {
		t.Errorf("%d %q", code, text)
	}
	long, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	// Beyond the bound the rest is not read, so writing may fail.
	go io.WriteString(long, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	head := make([]byte, 12)
	if _, err := io.ReadFull(long, head); err != nil || string(head) != "HTTP/1.1 431" {
		t.Errorf("%q, %v", head, err)
	}
	if _, err := Listen(netip.MustParseAddrPort(s.Addr().String()), nil, nil); err == nil {
		t.Error("two listen at one port")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
