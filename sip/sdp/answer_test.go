package sdp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
