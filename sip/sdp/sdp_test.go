package sdp

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// text makes SDP of lines.
func text(lines ...string) []byte {
	return []byte(strings.Join(lines, "\r\n") + "\r\n")
}

// head is what comes before the first stream.
var head = []string{"v=0", "o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1", "s=-", "c=IN IP4 198.51.100.1", "t=0 0"}

func parse(t *testing.T, lines ...string) Description {
	t.Helper()
	d, err := Parse(text(append(head[:len(head):len(head)], lines...)...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// own is what our side would offer.
func own(protocol string, cryptos ...Crypto) Description {
	a := netip.MustParseAddr("192.0.2.7")
	return Description{
		Origin: Origin{ID: 7, Version: 1, Addr: a},
		Media: []Media{{
			Kind: "audio", Protocol: protocol, Addr: a, Port: 16390, RTCPPort: 16391,
			Codecs: []Codec{
				{PT: 8, Name: "PCMA", Rate: 8000},
				{PT: 0, Name: "PCMU", Rate: 8000},
				{PT: 101, Name: TelephoneEvent, Rate: 8000, Fmtp: "0-15"},
			},
			Ptime: 20 * time.Millisecond, Cryptos: cryptos,
		}},
	}
}

var addrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestBytesParsesBack(t *testing.T) {
	d := own(SAVP, NewCrypto(1, AESCM128HMACSHA180), NewCrypto(2, AEADAES128GCM))
	d.Media[0].Cryptos[1].Lifetime = 1 << 20
	d.Media[0].Cryptos[1].MKI = []byte{0, 0, 0, 1}
	d.Media[0].RTCPPort = 20000
	d.Media[0].Direction = SendOnly
	d.Media[0].MaxPtime = 40 * time.Millisecond
	got, err := Parse(d.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got, addrs); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

func TestParseDefaults(t *testing.T) {
	d := parse(t,
		"a=recvonly",
		"m=audio 49170 RTP/AVP 0 9 96 97",
		"a=rtpmap:97 iLBC/8000",
		"m=audio 49180 RTP/AVP 8",
		"c=IN IP6 2001:db8::9",
		"a=sendrecv",
		"a=rtcp:53020",
	)
	first, second := d.Media[0], d.Media[1]
	want := []Codec{{PT: 0, Name: "PCMU", Rate: 8000}, {PT: 9, Name: "G722", Rate: 8000}, {PT: 97, Name: "iLBC", Rate: 8000}}
	if diff := cmp.Diff(want, first.Codecs); diff != "" {
		t.Errorf("static and mapped codecs; 96 has no map (-want +got)\n%s", diff)
	}
	if first.Direction != RecvOnly || second.Direction != SendRecv {
		t.Errorf("directions %v, %v", first.Direction, second.Direction)
	}
	if first.Addr.String() != "198.51.100.1" || second.Addr.String() != "2001:db8::9" {
		t.Errorf("addresses %v, %v", first.Addr, second.Addr)
	}
	if first.RTCPPort != 49171 || second.RTCPPort != 53020 {
		t.Errorf("RTCP ports %d, %d", first.RTCPPort, second.RTCPPort)
	}
}

func TestParseHold2543(t *testing.T) {
	d := parse(t, "m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0")
	if d.Media[0].Direction != SendOnly {
		t.Errorf("direction %v, want sendonly", d.Media[0].Direction)
	}
}

func TestParseErrors(t *testing.T) {
	many := append([]string(nil), head...)
	for range maxMedia + 1 {
		many = append(many, "m=audio 4000 RTP/AVP 0")
	}
	for name, b := range map[string][]byte{
		"empty":        nil,
		"not SDP":      []byte("hello"),
		"huge":         bytes.Repeat([]byte("a"), maxBytes+1),
		"many streams": text(many...),
		"payload type": text(append(head[:5:5], "m=audio 4000 RTP/AVP 200")...),
	} {
		if _, err := Parse(b); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v, want ErrSyntax", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	offer := own(SAVP, NewCrypto(1, AESCM128HMACSHA180), NewCrypto(2, AEADAES128GCM))
	good := func() Description {
		d := own(SAVP, NewCrypto(2, AEADAES128GCM))
		d.Media[0].Port = 4000
		return d
	}
	if err := Check(offer, good()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Description){
		"audio refused":           func(d *Description) { d.Media[0].Port = 0 },
		"another protocol":        func(d *Description) { d.Media[0].Protocol = AVP },
		"one stream more":         func(d *Description) { d.Media = append(d.Media, d.Media[0]) },
		"no stream":               func(d *Description) { d.Media = nil },
		"no key":                  func(d *Description) { d.Media[0].Cryptos = nil },
		"tag of another suite":    func(d *Description) { d.Media[0].Cryptos[0].Tag = 1 },
		"tag that nobody offered": func(d *Description) { d.Media[0].Cryptos[0].Tag = 9 },
		"two keys": func(d *Description) {
			d.Media[0].Cryptos = append(d.Media[0].Cryptos, NewCrypto(1, AESCM128HMACSHA180))
		},
		"codec not offered": func(d *Description) { d.Media[0].Codecs = []Codec{{PT: 18, Name: "G729", Rate: 8000}} },
		"no address":        func(d *Description) { d.Media[0].Addr = netip.Addr{} },
	} {
		d := good()
		spoil(&d)
		if err := Check(offer, d); !errors.Is(err, ErrNotAcceptable) {
			t.Errorf("%s: %v, want ErrNotAcceptable", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(own(SAVP, NewCrypto(1, AESCM128HMACSHA180)).Bytes())
	f.Add(text(append(head[:5:5], "m=audio 49170 RTP/AVP 0 8 97", "a=rtpmap:97 iLBC/8000", "m=video 0 RTP/AVP 31", "a=sendonly")...))
	f.Add(text(append(head[:5:5], "m=audio 1 RTP/SAVP 0", "c=IN IP6 ::", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+keyA+"|2^20|1:4")...))
	local := own(AVP, NewCrypto(1, AESCM128HMACSHA180))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("error %v does not match ErrSyntax", err)
			}
			return
		}
		answer, err := Answer(d, local)
		if err != nil {
			if !errors.Is(err, ErrNotAcceptable) {
				t.Fatalf("error %v does not match ErrNotAcceptable", err)
			}
			return
		}
		back, err := Parse(answer.Bytes())
		if err != nil {
			t.Fatalf("answer does not parse: %v\n%s", err, answer.Bytes())
		}
		if err := Check(d, back); err != nil {
			t.Fatalf("answer does not answer: %v\n%s", err, answer.Bytes())
		}
	})
}
