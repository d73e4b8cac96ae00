package sdp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const keyA, keyB = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", "YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2" // of RFC 4568

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
