package sdp

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Suite is an SRTP crypto-suite.
type Suite string

// The suites that we use: RFC 4568, section 6.2.1, and RFC 7714, section 14.2. The
// 32-bit tag of AES_CM_128_HMAC_SHA1_32 buys six bytes a packet and is left out.
const (
	AESCM128HMACSHA180 Suite = "AES_CM_128_HMAC_SHA1_80"
	AEADAES128GCM      Suite = "AEAD_AES_128_GCM"
)

// KeyLen is the length of the master key in bytes, 0 for a suite not known here.
func (s Suite) KeyLen() int {
	if s == AESCM128HMACSHA180 || s == AEADAES128GCM {
		return 16
	}
	return 0
}

// SaltLen is the length of the master salt in bytes.
func (s Suite) SaltLen() int {
	switch s {
	case AESCM128HMACSHA180:
		return 14
	case AEADAES128GCM:
		return 12
	}
	return 0
}

// maxLifetime is how many SRTP packets one master key may protect: 2^48, RFC 3711,
// section 9.2.
const maxLifetime = 1 << 48

// Crypto is one crypto attribute: the key with which its writer protects what it
// sends.
type Crypto struct {
	Tag      int
	Suite    Suite
	Key      []byte // master key, then master salt
	Lifetime uint64 // packets; 0 means the suite's default, 2^48
	MKI      []byte // master key identifier in each packet, nil if none
}

// NewCrypto makes an attribute with a fresh random key.
func NewCrypto(tag int, suite Suite) Crypto {
	key := make([]byte, suite.KeyLen()+suite.SaltLen())
	rand.Read(key)
	return Crypto{Tag: tag, Suite: suite, Key: key}
}

// GoString keeps keys out of logs.
func (c Crypto) GoString() string { return c.redacted() }

// String keeps keys out of logs.
func (c Crypto) String() string { return c.redacted() }

func (c Crypto) redacted() string { return fmt.Sprintf("%d %s ***", c.Tag, c.Suite) }

// attribute writes the attribute's value, RFC 4568, section 9.2.
func (c Crypto) attribute() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s inline:%s", c.Tag, c.Suite, base64.StdEncoding.EncodeToString(c.Key))
	if c.Lifetime != 0 {
		fmt.Fprintf(&b, "|%d", c.Lifetime)
	}
	if c.MKI != nil {
		fmt.Fprintf(&b, "|%s:%d", new(big.Int).SetBytes(c.MKI), len(c.MKI))
	}
	return b.String()
}

// parseCrypto reads an attribute's value. The error means that this attribute is
// invalid or asks for what we do not do; another may still be usable (section 5.1.2).
func parseCrypto(s string) (Crypto, error) {
	f := strings.Fields(s)
	if len(f) < 3 {
		return Crypto{}, fmt.Errorf("crypto attribute of %d fields", len(f))
	}
	tag, err := digits(f[0], 9)
	if err != nil {
		return Crypto{}, fmt.Errorf("crypto tag: %w", err)
	}
	c := Crypto{Tag: int(tag), Suite: Suite(f[1])}
	if c.Suite.KeyLen() == 0 {
		return Crypto{}, fmt.Errorf("crypto-suite %q not known", f[1])
	}
	if err := c.parseKey(f[2]); err != nil {
		return Crypto{}, err
	}
	for _, p := range f[3:] {
		// An unknown parameter makes the attribute unusable unless it begins with
		// a dash, section 6.3.7. The window size is a hint, section 6.3.6; the rest
		// would weaken the stream or change its key derivation.
		if !strings.HasPrefix(p, "-") && !strings.HasPrefix(p, "WSH=") {
			return Crypto{}, fmt.Errorf("session parameter %q not supported", p)
		}
	}
	return c, nil
}

// parseKey reads inline:<key||salt>["|"lifetime]["|"MKI":"length], section 6.1.
func (c *Crypto) parseKey(s string) error {
	info, ok := strings.CutPrefix(s, "inline:")
	if !ok || strings.Contains(info, ";") {
		return fmt.Errorf("not one inline key")
	}
	f := strings.Split(info, "|")
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(f[0], "="))
	if err != nil {
		return fmt.Errorf("key is not base64") // the text itself must not reach a log
	}
	if want := c.Suite.KeyLen() + c.Suite.SaltLen(); len(key) != want {
		return fmt.Errorf("key of %d bytes, want %d", len(key), want)
	}
	c.Key = key
	f = f[1:]
	if len(f) > 0 && !strings.Contains(f[0], ":") { // a lifetime never includes a colon
		if c.Lifetime, err = parseLifetime(f[0]); err != nil {
			return fmt.Errorf("key lifetime: %w", err)
		}
		f = f[1:]
	}
	if len(f) > 0 {
		if c.MKI, err = parseMKI(f[0]); err != nil {
			return fmt.Errorf("master key identifier: %w", err)
		}
		f = f[1:]
	}
	if len(f) > 0 {
		return fmt.Errorf("key with trailing fields")
	}
	return nil
}

func parseLifetime(s string) (uint64, error) {
	if exp, ok := strings.CutPrefix(s, "2^"); ok {
		n, err := digits(exp, 2)
		if err != nil || n > 48 {
			return 0, fmt.Errorf("%q out of range", s)
		}
		return 1 << n, nil
	}
	n, err := digits(s, 15)
	if err != nil {
		return 0, err
	}
	if n == 0 || n > maxLifetime {
		return 0, fmt.Errorf("%q out of range", s)
	}
	return n, nil
}

func parseMKI(s string) ([]byte, error) {
	value, length, ok := strings.Cut(s, ":")
	if !ok {
		return nil, fmt.Errorf("%q without length", s)
	}
	n, err := digits(length, 3)
	if err != nil || n < 1 || n > 128 {
		return nil, fmt.Errorf("length %q out of range", length)
	}
	v, err := digits(value, 18) // 128 bytes are allowed; no phone has that many keys
	if err != nil || v == 0 {
		return nil, fmt.Errorf("value %q out of range", value)
	}
	mki := new(big.Int).SetUint64(v)
	if mki.BitLen() > int(n)*8 {
		return nil, fmt.Errorf("value %q does not fit %d bytes", value, n)
	}
	return mki.FillBytes(make([]byte, n)), nil
}

// digits reads a decimal number of at most max digits without leading zeroes.
func digits(s string, max int) (uint64, error) {
	if s == "" || len(s) > max || len(s) > 1 && s[0] == '0' {
		return 0, fmt.Errorf("%q is not a number of 1 to %d digits", s, max)
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, fmt.Errorf("%q is not a number", s)
		}
	}
	return strconv.ParseUint(s, 10, 64)
}
