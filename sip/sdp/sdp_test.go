package sdp

import (
	"bytes"
	"errors"
	"fmt"
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

const keyA, keyB = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", "YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2" // of RFC 4568

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

func TestParseCrypto(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
		life uint64
		mki  []byte
	}{
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|2^20|1:4", true, 1 << 20, []byte{0, 0, 0, 1}},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyB + "|1066:4", true, 0, []byte{0, 0, 4, 42}},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA, true, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|2^48", true, 1 << 48, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + " WSH=128 -x=1", true, 0, nil},
		{"2 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==", true, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|2^49", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|0", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|01", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|1:129", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|256:1", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|1:4|2^20", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA[:36], false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + "|1:4;inline:" + keyB + "|2:4", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 uri:" + keyA, false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + " UNENCRYPTED_SRTP", false, 0, nil},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + keyA + " KDR=1", false, 0, nil},
		{"1 F8_128_HMAC_SHA1_80 inline:" + keyA, false, 0, nil},
		{"0123456789 AES_CM_128_HMAC_SHA1_80 inline:" + keyA, false, 0, nil},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" + keyA, false, 0, nil},
		{"", false, 0, nil},
	} {
		got, err := parseCrypto(c.text)
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if err != nil {
			if strings.Contains(err.Error(), keyA) {
				t.Errorf("the key stands in the error %q", err)
			}
			continue
		}
		if got.Lifetime != c.life || !bytes.Equal(got.MKI, c.mki) {
			t.Errorf("%q: lifetime %d, MKI %x", c.text, got.Lifetime, got.MKI)
		}
	}
}

func TestKeysStayOutOfLogs(t *testing.T) {
	d := own(SAVP, NewCrypto(1, AESCM128HMACSHA180))
	raw := fmt.Sprint(d.Media[0].Cryptos[0].Key)
	for _, f := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(f, d); !strings.Contains(s, "***") || strings.Contains(s, raw) {
			t.Errorf("%s prints %s", f, s)
		}
	}
}

func TestAnswer(t *testing.T) {
	secure := own(SAVP, NewCrypto(1, AESCM128HMACSHA180), NewCrypto(2, AEADAES128GCM))
	optional := own(AVP, NewCrypto(1, AESCM128HMACSHA180))
	audio := []string{"a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-16"}
	key := func(tag int, suite Suite) string {
		return "a=crypto:" + NewCrypto(tag, suite).attribute()
	}
	for _, c := range []struct {
		name  string
		local Description
		offer []string
		want  []string // streams of the answer; none: not acceptable
	}{
		{"takes the offer's order and payload types", optional,
			append([]string{"m=audio 4000 RTP/AVP 0 18 8 96"}, audio...),
			[]string{"audio 16390 RTP/AVP 0 8 96 sendrecv"}},
		{"dynamic payload type of a static codec", optional,
			[]string{"m=audio 4000 RTP/AVP 97", "a=rtpmap:97 pcmu/8000/1"},
			[]string{"audio 16390 RTP/AVP 97 sendrecv"}},
		{"refuses other streams in their places", optional,
			[]string{"m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0", "m=image 6000 udptl t38"},
			[]string{"video 0 RTP/AVP 31 sendrecv", "audio 16390 RTP/AVP 0 sendrecv", "image 0 udptl t38 sendrecv"}},
		{"hold", optional,
			[]string{"m=audio 4000 RTP/AVP 0", "a=sendonly"},
			[]string{"audio 16390 RTP/AVP 0 recvonly"}},
		{"inactive", optional,
			[]string{"m=audio 4000 RTP/AVP 0", "a=inactive"},
			[]string{"audio 16390 RTP/AVP 0 inactive"}},
		{"SRTP by the offer's first known suite, under its tag", secure,
			[]string{"m=audio 4000 RTP/SAVP 0", "a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:AAAA", key(4, AEADAES128GCM), key(5, AESCM128HMACSHA180)},
			[]string{"audio 16390 RTP/SAVP 0 sendrecv 4 AEAD_AES_128_GCM"}},
		{"optional SRTP in the way of RTP/AVP with crypto", secure,
			[]string{"m=audio 4000 RTP/AVP 0", key(1, AESCM128HMACSHA180)},
			[]string{"audio 16390 RTP/AVP 0 sendrecv 1 AES_CM_128_HMAC_SHA1_80"}},
		{"the encrypted one of two", optional,
			[]string{"m=audio 4000 RTP/AVP 0", "m=audio 4000 RTP/SAVP 0", key(1, AESCM128HMACSHA180)},
			[]string{"audio 0 RTP/AVP 0 sendrecv", "audio 16390 RTP/SAVP 0 sendrecv 1 AES_CM_128_HMAC_SHA1_80"}},
		{"no crypto where it is required", secure, []string{"m=audio 4000 RTP/AVP 0"}, nil},
		{"RTP/SAVP without a key", optional, []string{"m=audio 4000 RTP/SAVP 0"}, nil},
		{"RTP/SAVP with an unusable key", optional,
			[]string{"m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA"}, nil},
		{"no common codec", optional, []string{"m=audio 4000 RTP/AVP 18"}, nil},
		{"events alone are no sound", optional, append([]string{"m=audio 4000 RTP/AVP 96"}, audio...), nil},
		{"multicast", optional, []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 233.252.0.1/127"}, nil},
		{"host name", optional, []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 pc.example.com"}, nil},
		{"no audio", optional, []string{"m=video 5000 RTP/AVP 31"}, nil},
		{"audio refused", optional, []string{"m=audio 0 RTP/AVP 0"}, nil},
		{"nothing", optional, nil, nil},
		{"other profile", optional, []string{"m=audio 4000 UDP/TLS/RTP/SAVP 0"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			offer := parse(t, c.offer...)
			answer, err := Answer(offer, c.local)
			if len(c.want) == 0 {
				if !errors.Is(err, ErrNotAcceptable) {
					t.Fatalf("answered %s, error %v; want ErrNotAcceptable", answer.Bytes(), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			back, err := Parse(answer.Bytes())
			if err != nil {
				t.Fatalf("%v in\n%s", err, answer.Bytes())
			}
			if diff := cmp.Diff(c.want, streams(back)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if err := Check(offer, back); err != nil {
				t.Errorf("the offerer refuses it: %v", err)
			}
			if i := back.Audio(); len(back.Media[i].Cryptos) > 0 {
				l, r, ok := Keys(back.Media[i], offer.Media[i])
				if !ok || bytes.Equal(l.Key, r.Key) {
					t.Errorf("keys %v %v %v", l, r, ok)
				}
			}
		})
	}
}

// streams is a short form of a description.
func streams(d Description) (s []string) {
	for _, m := range d.Media {
		l := fmt.Sprintf("%s %d %s", m.Kind, m.Port, m.Protocol)
		for _, c := range m.Codecs {
			l += fmt.Sprintf(" %d", c.PT)
		}
		for _, f := range m.Formats {
			l += " " + f
		}
		l += " " + m.Direction.String()
		for _, c := range m.Cryptos {
			l += fmt.Sprintf(" %d %s", c.Tag, c.Suite)
		}
		s = append(s, l)
	}
	return s
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

// TestAnswerBesideSound: redundancy names the codec that it repeats under the payload
// type of this exchange, and does not stand alone; two channels are another codec than one;
// quality reports are answered if both want them.
func TestAnswerBesideSound(t *testing.T) {
	own := Description{Media: []Media{{Kind: "audio", Protocol: AVP, Port: 4000, VoIPMetrics: true, Codecs: Redundant([]Codec{
		{PT: 9, Name: "G722", Rate: 8000}, {PT: 96, Name: "opus", Rate: 48000, Channels: 2},
		{PT: 121, Name: Redundancy, Rate: 8000}, {PT: 13, Name: ComfortNoise, Rate: 8000},
	})}}}
	if !strings.Contains(string(own.Bytes()), "a=rtpmap:96 opus/48000/2\r\na=rtpmap:121 red/8000\r\na=fmtp:121 9/9\r\n") {
		t.Errorf("%s", own.Bytes())
	}
	const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	for _, c := range []struct {
		offer string
		want  string // payload types of the answer; empty: refused
		xr    bool
	}{
		{"m=audio 5000 RTP/AVP 110 100 13\r\na=rtpmap:110 red/8000\r\na=fmtp:110 100/100\r\na=rtpmap:100 G722/8000\r\na=rtcp-xr:rcvr-rtt=all voip-metrics\r\n", "110 [100/100] 100 13", true},
		{"m=audio 5000 RTP/AVP 110 98\r\na=rtpmap:110 red/8000\r\na=rtpmap:98 opus/48000/2\r\na=rtcp-xr:rcvr-rtt=all\r\n", "98", false},
		{"m=audio 5000 RTP/AVP 98 9\r\na=rtpmap:98 opus/48000\r\n", "9", false},
		{"m=audio 5000 RTP/AVP 13 110\r\na=rtpmap:110 red/8000\r\n", "", false},
	} {
		offer, err := Parse([]byte(head + c.offer))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Answer(offer, own)
		if c.want == "" {
			if !errors.Is(err, ErrNotAcceptable) {
				t.Errorf("%s answered: %v", c.offer, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.offer, err)
			continue
		}
		var list []string
		for _, x := range got.Media[0].Codecs {
			list = append(list, fmt.Sprint(x.PT))
			if x.Fmtp != "" {
				list = append(list, "["+x.Fmtp+"]")
			}
		}
		if s := strings.Join(list, " "); s != c.want || got.Media[0].VoIPMetrics != c.xr {
			t.Errorf("%s is answered by %s, metrics %v", c.offer, s, got.Media[0].VoIPMetrics)
		}
	}
}
