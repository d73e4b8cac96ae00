package media

import (
	"fmt"

	"github.com/pion/srtp/v3"

	"chordophone/sip/sdp"
)

// replayWindow is how many packets back a copy is still recognised (RFC 3711,
// section 3.3.2 wants at least 64).
const replayWindow = 128

// newContext makes the SRTP context of one direction from its key.
func newContext(c *sdp.Crypto) (*srtp.Context, error) {
	profile := srtp.ProtectionProfileAes128CmHmacSha1_80
	if c.Suite == sdp.AEADAES128GCM {
		profile = srtp.ProtectionProfileAeadAes128Gcm
	}
	options := []srtp.ContextOption{
		srtp.SRTPReplayProtection(replayWindow),
		srtp.SRTCPReplayProtection(replayWindow),
	}
	if c.MKI != nil {
		options = append(options, srtp.MasterKeyIndicator(c.MKI))
	}
	n := c.Suite.KeyLen()
	ctx, err := srtp.CreateContext(c.Key[:n], c.Key[n:], profile, options...)
	if err != nil {
		return nil, fmt.Errorf("media: SRTP context for %s: %w", c.Suite, err)
	}
	return ctx, nil
}
