//go:build !noopus

package media

import (
	"github.com/thesyncim/gopus"

	"chordophone/sip/sdp"
)

// Opus (RFC 6716, RFC 7587) for clients that prefer it. A build with the tag noopus
// is without.

const (
	opusRate       = 48000 // of its RTP clock, whatever is coded: RFC 7587, section 4.1
	opusBitRate    = 32000 // bit/s: wideband speech, hardly to be told from the original
	opusComplexity = 3     // of 10: the smallest boards have one slow core
	opusMaxBytes   = 1275  // one frame, RFC 6716, section 3.2.1
)

type opus struct {
	enc *gopus.Encoder
	dec *gopus.Decoder
	pcm [2 * maxTicks]int16
}

func opusKind() (kind, bool) {
	c := sdp.Codec{PT: 96, Name: "opus", Rate: opusRate, Channels: 2,
		Fmtp: "maxplaybackrate=16000;sprop-maxcapturerate=16000;stereo=0;useinbandfec=0"}
	return kind{c, newOpus}, true
}

func newOpus() codec {
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: Rate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err == nil {
		err = enc.SetBitrate(opusBitRate)
	}
	if err == nil {
		err = enc.SetComplexity(opusComplexity)
	}
	if err != nil {
		panic("BUG: Opus encoder: " + err.Error())
	}
	dec, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(Rate, 1))
	if err != nil {
		panic("BUG: Opus decoder: " + err.Error())
	}
	return &opus{enc: enc, dec: dec}
}

func (o *opus) encode(dst []byte, pcm []int16) []byte {
	if o.enc.FrameSize() != len(pcm) && o.enc.SetFrameSize(len(pcm)) != nil {
		return dst
	}
	n := len(dst)
	room := dst[n:min(cap(dst), n+opusMaxBytes)]
	k, err := o.enc.EncodeInt16(pcm, room)
	if err != nil {
		return dst
	}
	return dst[:n+k]
}

// decode gives silence for what the decoder refuses, so that time goes on.
func (o *opus) decode(dst []int16, payload []byte) []int16 {
	want := 2 * o.ticks(payload)
	n, err := o.dec.DecodeInt16(payload, o.pcm[:])
	if err != nil {
		n = 0
	}
	clear(o.pcm[min(n, want):want])
	return append(dst, o.pcm[:want]...)
}

// ticks reads the first two bytes of a packet: RFC 6716, section 3.1.
func (o *opus) ticks(payload []byte) int {
	if len(payload) == 0 {
		return 0
	}
	config, frames := payload[0]>>3, 1
	switch payload[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(payload) < 2 {
			return 0
		}
		frames = int(payload[1] & 0x3F)
	}
	var frame int
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [...]int{80, 160, 320, 480}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		frame = 80 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 20 << (config & 3)
	}
	if frames*frame > maxTicks {
		return 0
	}
	return frames * frame
}
