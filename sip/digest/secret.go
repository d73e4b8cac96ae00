package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
)

// Algorithm is the hash of a challenge.
type Algorithm uint8

const (
	SHA256 Algorithm = iota + 1
	MD5
)

// String is the name in a challenge: RFC 7616, section 3.3.
func (a Algorithm) String() string {
	if a == MD5 {
		return "MD5"
	}
	return "SHA-256"
}

// size is that of a hash, in octets.
func (a Algorithm) size() int {
	if a == MD5 {
		return md5.Size
	}
	return sha256.Size
}

// appendHash appends the hash of text in hexadecimal digits.
func (a Algorithm) appendHash(b, text []byte) []byte {
	if a == MD5 {
		sum := md5.Sum(text)
		return hex.AppendEncode(b, sum[:])
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(b, sum[:])
}

// Secret is what an office keeps of a password: H(user:realm:password) in both
// algorithms. It suffices to log in, so it is as secret as the password.
type Secret struct {
	SHA256 []byte // 32 octets
	MD5    []byte // 16 octets, or empty: this account does not take MD5
}

// NewSecret makes the Secret of a password.
func NewSecret(user, realm, password string) Secret {
	text := []byte(user + ":" + realm + ":" + password)
	s, m := sha256.Sum256(text), md5.Sum(text)
	return Secret{SHA256: s[:], MD5: m[:]}
}

func (s Secret) of(a Algorithm) []byte {
	if a == MD5 {
		return s.MD5
	}
	return s.SHA256
}
