//go:build interop

package interop

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed testdata/kamailio.cfg
var kamailioConfig string

// kamailio is the control: an office of one server that others wrote.
type kamailio struct {
	*process
	host *host
}

// startKamailio runs one on a host.
func startKamailio(h *host, dir string) (*kamailio, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	key := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		"-keyout", filepath.Join(dir, "key.pem"), "-out", filepath.Join(dir, "cert.pem"), "-days", "2", "-subj", "/CN="+officeName)
	if out, err := key.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("openssl: %w: %s", err, out)
	}
	config := filepath.Join(dir, "kamailio.cfg")
	text := strings.NewReplacer("ADDRESS", h.address, "OFFICE", officeName, "DIRECTORY", dir).Replace(kamailioConfig)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := start("kamailio", h.command("kamailio", "-f", config, "-m", "64", "-M", "8", "-DD", "-E",
		"-P", filepath.Join(dir, "pid"), "-Y", dir), filepath.Join(dir, "kamailio.log"), nil)
	if err != nil {
		return nil, err
	}
	k := &kamailio{process: p, host: h}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var c net.Conn
		if c, err = h.dial(net.JoinHostPort(h.address, "5061")); err == nil {
			c.Close()
			return k, nil
		}
		if time.Now().After(deadline) {
			k.stop()
			return nil, fmt.Errorf("kamailio does not listen: %w\n%s", err, k.tail(10))
		}
	}
}

func (k *kamailio) name() string                { return "kamailio" }
func (k *kamailio) at(int) string               { return k.host.address }
func (k *kamailio) words(users []string) string { return k.tail(12, users...) }
