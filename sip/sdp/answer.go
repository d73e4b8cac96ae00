package sdp

import (
	"fmt"
	"slices"
	"strings"
)

// Answer answers an offer with what local would itself have offered: RFC 3264,
// section 6. local has one stream, audio. The best audio stream of the offer is
// taken, an encrypted one before one in the clear; all other streams are refused by
// port 0 in their places. The error matches ErrNotAcceptable.
func Answer(offer, local Description) (Description, error) {
	if len(local.Media) != 1 {
		panic("BUG: answer from a description that is not one stream")
	}
	own := local.Media[0]
	best, err := -1, fmt.Errorf("%w: no audio offered", ErrNotAcceptable)
	var stream Media
	for i, m := range offer.Media {
		if m.Kind != "audio" || m.Port == 0 {
			continue
		}
		a, e := answerMedia(m, own)
		if e != nil {
			err = fmt.Errorf("%w: %w", ErrNotAcceptable, e)
			continue
		}
		if best < 0 || len(a.Cryptos) > len(stream.Cryptos) {
			best, stream = i, a
		}
	}
	if best < 0 {
		return Description{}, err
	}
	answer := Description{Origin: local.Origin, Media: make([]Media, len(offer.Media))}
	for i, m := range offer.Media {
		answer.Media[i] = m.Refused()
	}
	answer.Media[best] = stream
	return answer, nil
}

// Refused is the m= line that refuses a stream: port 0, the same formats.
func (m Media) Refused() Media {
	return Media{Kind: m.Kind, Protocol: m.Protocol, Codecs: m.Codecs, Formats: m.Formats}
}

// answerMedia answers one audio stream.
func answerMedia(offer, own Media) (Media, error) {
	if offer.Protocol != AVP && offer.Protocol != SAVP {
		return Media{}, fmt.Errorf("protocol %q", offer.Protocol)
	}
	if !offer.Addr.IsValid() {
		return Media{}, fmt.Errorf("no usable address for audio")
	}
	if offer.Addr.IsMulticast() {
		return Media{}, fmt.Errorf("multicast audio")
	}
	a := own
	a.Protocol = offer.Protocol
	a.Direction = offer.Direction.answer(own.Direction)
	a.Codecs, a.Cryptos = nil, nil
	sound := false
	for _, c := range offer.Codecs {
		i := slices.IndexFunc(own.Codecs, c.Is)
		if i < 0 {
			continue
		}
		// The offer's payload type and order, section 6.1; our parameters.
		o := own.Codecs[i]
		a.Codecs = append(a.Codecs, Codec{PT: c.PT, Name: o.Name, Rate: c.Rate, Channels: o.Channels, Fmtp: o.Fmtp})
		sound = sound || c.Sound()
	}
	a.Codecs = Redundant(a.Codecs)
	a.VoIPMetrics = own.VoIPMetrics && offer.VoIPMetrics
	if !sound {
		return Media{}, fmt.Errorf("no codec in common")
	}
	c, ok := chooseCrypto(offer.Cryptos, own.Cryptos)
	switch {
	case ok:
		a.Cryptos = []Crypto{c}
	case offer.Protocol == SAVP:
		return Media{}, fmt.Errorf("no usable SRTP key")
	case own.Protocol == SAVP:
		return Media{}, fmt.Errorf("unencrypted audio refused")
	}
	return a, nil
}

// Redundant writes into the parameters of each redundant format what it may hold twice:
// the best codec of its rate (RFC 2198, section 5). Without one the format is left out.
func Redundant(codecs []Codec) []Codec {
	out := codecs[:0]
	for _, c := range codecs {
		if strings.EqualFold(c.Name, Redundancy) {
			i := slices.IndexFunc(codecs, func(o Codec) bool { return o.Sound() && o.Rate == c.Rate })
			if i < 0 {
				continue
			}
			c.Fmtp = fmt.Sprintf("%d/%d", codecs[i].PT, codecs[i].PT)
		}
		out = append(out, c)
	}
	return out
}

// chooseCrypto takes the first offered key whose suite is ours, and answers with
// our key under the offer's tag: RFC 4568, section 5.1.2.
func chooseCrypto(offered, own []Crypto) (Crypto, bool) {
	for _, o := range offered {
		for _, c := range own {
			if c.Suite == o.Suite {
				c.Tag = o.Tag
				return c, true
			}
		}
	}
	return Crypto{}, false
}

// Check verifies that answer answers offer: the same streams, one audio stream
// taken, codecs and key among the offered ones (RFC 3264, section 7; RFC 4568,
// section 5.1.3). The error matches ErrNotAcceptable.
func Check(offer, answer Description) error {
	if err := check(offer, answer); err != nil {
		return fmt.Errorf("%w: answer: %w", ErrNotAcceptable, err)
	}
	return nil
}

func check(offer, answer Description) error {
	if len(answer.Media) != len(offer.Media) {
		return fmt.Errorf("%d streams for %d offered", len(answer.Media), len(offer.Media))
	}
	i := answer.Audio()
	if i < 0 {
		return fmt.Errorf("audio refused")
	}
	o, a := offer.Media[i], answer.Media[i]
	switch {
	case o.Kind != "audio" || o.Port == 0:
		return fmt.Errorf("audio that was not offered")
	case a.Protocol != o.Protocol:
		return fmt.Errorf("protocol %q for %q", a.Protocol, o.Protocol)
	case !a.Addr.IsValid() || a.Addr.IsMulticast():
		return fmt.Errorf("no usable address for audio")
	case !slices.ContainsFunc(a.Codecs, func(c Codec) bool {
		return c.Sound() && slices.ContainsFunc(o.Codecs, c.Is)
	}):
		return fmt.Errorf("no codec in common")
	case a.Protocol == SAVP || len(a.Cryptos) > 0:
		if _, _, ok := Keys(o, a); !ok {
			return fmt.Errorf("no usable SRTP key")
		}
	}
	return nil
}

// Keys returns the keys that an offered and an answered stream agree on, in the
// order of the arguments; whose the offer was does not matter. The answer has one
// key, and its tag says to which of the offer it belongs.
func Keys(a, b Media) (Crypto, Crypto, bool) {
	if len(a.Cryptos) != 1 && len(b.Cryptos) != 1 {
		return Crypto{}, Crypto{}, false
	}
	for _, x := range a.Cryptos {
		for _, y := range b.Cryptos {
			if x.Tag == y.Tag && x.Suite == y.Suite {
				return x, y, true
			}
		}
	}
	return Crypto{}, Crypto{}, false
}
