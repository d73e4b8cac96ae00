package threats

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// sameness is an answer without what is random or the asker's own.
func sameness(m message) string {
	var fields []string
	for name, values := range m.MIMEHeader {
		switch name {
		case "Via", "From", "To", "Call-Id", "Cseq":
			continue
		}
		text := strings.Join(values, "|")
		for strings.Contains(text, `nonce="`) {
			before, rest, _ := strings.Cut(text, `nonce="`)
			_, after, _ := strings.Cut(rest, `"`)
			text = before + "NONCE" + after
		}
		fields = append(fields, name+": "+text)
	}
	slices.Sort(fields)
	return m.start + " " + strings.Join(fields, " / ")
}

// T3: a scanner goes through the numbers 100 to 9999 with INVITE, OPTIONS and REGISTER.
// No telephone rings, no answer tells a number that exists from one that does not, nor
// does the time that it takes.
func TestScanner(t *testing.T) {
	t.Parallel()
	p := found(t, 3, "2000", "3000", "4000")
	p.udp(51, 0, "2000").register()
	exists := map[int]bool{101: true, 2000: true, 3000: true, 4000: true}
	methods := []string{"INVITE", "OPTIONS", "REGISTER"}
	var sources []*agent
	for i := range 100 {
		sources = append(sources, p.udp(100+i, 0, "scanner"))
	}
	p.seen(rings)
	answers := map[string]map[string][]int{} // by method and answer: the numbers
	answered := 0
	began := time.Now()
	sent := 0
	probe := func(number int, method string) {
		a := sources[sent%len(sources)]
		uri := fmt.Sprintf("sip:%d@office", number)
		target := uri
		if method == "REGISTER" {
			target = "sip:office"
		}
		a.user = fmt.Sprint(number) // also as whom it claims to be
		a.call = fmt.Sprintf("%s-%d", method, number)
		a.request(method, target, "<"+uri+">", "", "")
		sent++
		pace(began, sent, 850)
	}
	collect := func() {
		for _, a := range sources {
			for {
				m, ok := a.receive(0)
				if !ok {
					break
				}
				method, number, _ := strings.Cut(m.Get("Call-Id"), "-")
				if m.status() < 200 {
					t.Errorf("%s to %s: %s", method, number, m.start)
				}
				var n int
				fmt.Sscan(number, &n)
				if answers[method] == nil {
					answers[method] = map[string][]int{}
				}
				key := sameness(m)
				answers[method][key] = append(answers[method][key], n)
				answered++
			}
		}
	}
	for number := 100; number <= 9999; number++ {
		if exists[number] {
			for _, m := range methods {
				probe(number, m)
			}
		} else {
			probe(number, methods[number%len(methods)])
		}
		if number%50 == 0 {
			collect()
		}
	}
	time.Sleep(time.Second)
	collect()
	enumerated := 0
	for method, kinds := range answers {
		if len(kinds) == 1 {
			continue
		}
		for key, numbers := range kinds {
			t.Errorf("%s: %d numbers answer %s", method, len(numbers), key)
			for _, n := range numbers {
				if exists[n] {
					enumerated++
				}
			}
		}
	}
	rang := p.seen(rings)
	t.Logf("%d probes, %d answers (retransmissions among them), rings %d, numbers enumerated %d", sent, answered, rang, enumerated)
	if rang != 0 || answered < sent/2 {
		t.Errorf("rings %d, answers %d", rang, answered)
	}

	// How long it takes, one after the other.
	for _, method := range methods {
		times := map[bool][]time.Duration{}
		for i := range 400 {
			number := []int{2000, 7000, 101, 7001, 3000, 7002}[i%6]
			a := sources[i%len(sources)]
			for {
				if _, ok := a.receive(0); !ok {
					break
				}
			}
			uri := fmt.Sprintf("sip:%d@office", number)
			target := uri
			if method == "REGISTER" {
				target = "sip:office"
			}
			a.user, a.call = fmt.Sprint(number), fmt.Sprintf("timing-%s-%d", method, i)
			time.Sleep(3 * time.Millisecond) // within the rate
			at := time.Now()
			a.request(method, target, "<"+uri+">", "", "")
			if _, ok := a.final(soon); !ok {
				t.Fatal("no answer")
			}
			times[exists[number]] = append(times[exists[number]], time.Since(at))
		}
		median := func(of bool) time.Duration {
			slices.Sort(times[of])
			return times[of][len(times[of])/2]
		}
		there, not := median(true), median(false)
		t.Logf("%s: median %v for who exists, %v for who does not", method, there, not)
		if d := (there - not).Abs(); d > max(2*time.Millisecond, (there+not)/4) {
			t.Errorf("%s: the medians differ by %v", method, d)
		}
	}
	// The control: who may call learns the difference, and the telephone rings.
	caller := p.udp(52, 0, "3000")
	if m := caller.ask("INVITE", "sip:7000@office", "<sip:7000@office>", "", ""); m.status() != 404 {
		t.Errorf("who may ask for nobody gets %s", m.start)
	}
	caller.call += "x"
	ringsOnce(t, p, caller)
}

// ringsOnce has somebody who may call 101, and give up.
func ringsOnce(t *testing.T, p *phone, a *agent) {
	t.Helper()
	p.seen(rings)
	uri := "sip:" + p.number() + "@office"
	a.request("INVITE", uri, "<"+uri+">", "Content-Type: application/sdp\n", offer(40000))
	m, ok := a.final(soon)
	if !ok || m.status() != 407 {
		t.Fatalf("INVITE: %q", m.start)
	}
	a.acknowledge("INVITE", uri, m)
	a.request("INVITE", uri, "<"+uri+">", a.credentials(m, "INVITE", uri)+"\nContent-Type: application/sdp\n", offer(40000))
	p.expect("ringing", rings)
	a.send(fmt.Sprintf("CANCEL %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=%s;rport\nMax-Forwards: 70\nFrom: <sip:%s@office>;tag=f%s\nTo: <%s>\nCall-ID: %s\nCSeq: %d CANCEL\n",
		uri, a.transport(), a.local, a.branch, a.user, a.call, uri, a.call, a.n), "")
	p.expect("the end of the call", callEnded)
}

func (p *phone) number() string { return "101" }

// offer is a description of sound in the clear, PCMA, at a port of 127.0.41.50.
func offer(port int) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.41.50\r\ns=-\r\nc=IN IP4 127.0.41.50\r\nt=0 0\r\nm=audio %d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n", port)
}
