package sip

import (
	"bytes"
	"context"
	"embed"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chordophone/tools/bench/procs"
)

//go:embed data/*.xml
var scenarios embed.FS

const (
	calleeUser = "callee"
	callerUser = "caller"
	users      = 400 // who register
)

// sipp runs SIPp on the scenarios in its directory.
type sipp struct {
	host *procs.Host
	dir  string
	runs int
	cseq int // of REGISTER, sent so far
}

// userName is one of those who register.
func userName(i int) string { return fmt.Sprintf("user-%03d", i) }

// accounts are all that the scenarios use.
func accounts() []string {
	all := []string{callerUser, calleeUser}
	for i := range users {
		all = append(all, userName(i))
	}
	return all
}

func newSipp(host *procs.Host, dir string) (*sipp, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := scenarios.ReadDir("data")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := scenarios.ReadFile("data/" + f.Name())
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), text, 0o600); err != nil {
			return nil, err
		}
	}
	list := "SEQUENTIAL\n"
	for i := range users {
		list += userName(i) + "\n"
	}
	return &sipp{host: host, dir: dir, cseq: 1}, os.WriteFile(filepath.Join(dir, "users.csv"), []byte(list), 0o600)
}

// result is SIPp's account of a run.
type result struct {
	Created int     `json:"created"`
	OK      int     `json:"ok"`
	Failed  int     `json:"failed"`
	Refused int     `json:"refused,omitempty"` // with 503
	Again   int     `json:"retransmissions"`
	Seconds float64 `json:"seconds"`
}

// good is what came to its end as it should.
func (r result) good() int { return r.OK - r.Refused }

// clean reports whether nothing failed and nothing was refused.
func (r result) clean(want int) bool { return r.Failed == 0 && r.good() == want }

// calls makes n calls at a rate, each of the given length.
func (s *sipp) calls(ctx context.Context, to netip.Addr, rate, n int, hold time.Duration) (result, error) {
	return s.run(ctx, "caller.xml", callerAddr, rate, n, to.String(), "-s", calleeUser, "-d", strconv.Itoa(int(hold.Milliseconds())))
}

// registers sends a REGISTER of each of the first n users at a rate; expires is in
// seconds.
func (s *sipp) registers(ctx context.Context, to netip.Addr, rate, n, expires int) (result, error) {
	return s.run(ctx, "register.xml", registrantAddr, rate, n, append(s.bindings(1), to.String(), "-key", "expires", strconv.Itoa(expires))...)
}

// refreshes lets all users refresh their bindings for some seconds, so many of them a
// second. The result counts refreshes; what has failed are clients.
func (s *sipp) refreshes(ctx context.Context, to netip.Addr, rate, seconds int) (r result, err error) {
	loops := rounds(rate, seconds)
	text, err := scenarios.ReadFile("data/refresh.xml")
	if err != nil {
		return r, err
	}
	text = bytes.ReplaceAll(text, []byte(`"LOOPS"`), fmt.Appendf(nil, `"%d"`, loops))
	if err := os.WriteFile(filepath.Join(s.dir, "refresh.xml"), text, 0o600); err != nil {
		return r, err
	}
	pause := time.Duration(users) * time.Second / time.Duration(rate)
	r, err = s.run(ctx, "refresh.xml", registrantAddr, rate, users,
		append(s.bindings(loops), to.String(), "-d", strconv.Itoa(int(pause.Milliseconds())))...)
	r.Created, r.OK = r.Created*loops, r.OK*loops
	return r, err
}

// rounds is how often each user refreshes.
func rounds(rate, seconds int) int { return max(1, rate*seconds/users) }

// bindings are the arguments by which a user's REGISTER have the same Call-ID in all
// runs, and a CSeq that only grows. // RFC 3261, section 10.2
func (s *sipp) bindings(requests int) []string {
	s.cseq += requests
	return []string{"-inf", "users.csv", "-cid_str", "binding-%u@%s", "-base_cseq", strconv.Itoa(s.cseq - requests)}
}

// common are the arguments of every run: no keyboard, no calls of SIPp's own to clear
// up what failed, and a buffer that makes up for its single thread.
func (s *sipp) common(scenario string, own netip.Addr) []string {
	return []string{"-sf", scenario, "-i", own.String(), "-p", "5060", "-nostdin", "-default_behaviors", "none,abortunexp",
		"-buff_size", "4194304", "-l", "30000"}
}

func (s *sipp) run(ctx context.Context, scenario string, own netip.Addr, rate, n int, more ...string) (result, error) {
	s.runs++
	stats := fmt.Sprintf("%s-%d.csv", strings.TrimSuffix(scenario, ".xml"), s.runs)
	limit := max(8, 2*n/rate+6) // seconds: what has not ended by then has failed
	if scenario == "refresh.xml" {
		limit += 20
	}
	args := append(s.common(scenario, own), "-r", strconv.Itoa(rate), "-m", strconv.Itoa(n),
		"-timeout", strconv.Itoa(limit), "-trace_stat", "-stf", stats, "-fd", "1")
	cmd := exec.Command("sipp", append(args, more...)...)
	cmd.Dir = s.dir
	said := new(said)
	cmd.Stderr = said
	start := time.Now()
	p, err := s.host.Start(cmd, func(string) {})
	if err != nil {
		return result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(limit+20)*time.Second)
	defer cancel()
	p.Wait(ctx) // how it ends says only whether a call has failed
	p.Kill()
	text, err := os.ReadFile(filepath.Join(s.dir, stats))
	if err != nil {
		return result{}, fmt.Errorf("sipp: %w: %s", err, said)
	}
	r, err := parseStats(string(text))
	r.Seconds = time.Since(start).Seconds()
	return r, err
}

// parseStats reads the last line of what -trace_stat writes.
func parseStats(text string) (r result, err error) {
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.FieldsPerRecord = ';', -1
	rows, err := in.ReadAll()
	if err != nil {
		return r, err
	}
	if len(rows) < 2 {
		return r, fmt.Errorf("sipp: no statistics in %.100q", text)
	}
	head, last := rows[0], rows[len(rows)-1]
	get := func(name string, required bool) int {
		for i, h := range head {
			if h == name && i < len(last) {
				n, perr := strconv.Atoi(last[i])
				if perr != nil {
					err = perr
				}
				return n
			}
		}
		if required {
			err = fmt.Errorf("sipp: no %s among its statistics", name)
		}
		return 0
	}
	r = result{
		Created: get("TotalCallCreated", true), OK: get("SuccessfulCall(C)", true), Failed: get("FailedCall(C)", true),
		Again: get("Retransmissions(C)", true), Refused: get("GenericCounter1(C)", false),
	}
	return r, err
}

// callee answers all calls until it is told to stop. scenario says how.
func (s *sipp) callee(scenario string) (stop func(), err error) {
	cmd := exec.Command("sipp", s.common(scenario, calleeAddr)...)
	cmd.Dir = s.dir
	p, err := s.host.Start(cmd, func(string) {})
	if err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond) // it says nothing when it is up
	return func() {
		p.Kill()
		p.Wait(context.Background())
	}, nil
}
