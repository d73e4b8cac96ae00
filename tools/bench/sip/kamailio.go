package sip

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"chordophone/tools/bench/procs"
)

//go:embed data/kamailio.cfg
var kamailioConfig []byte

// startKamailio starts the peer.
func startKamailio(ctx context.Context, host *procs.Host, dir, domain string) (*target, error) {
	t := &target{name: kamailio, entry: kamailioAddr, home: kamailioAddr, log: filepath.Join(dir, "kamailio.log")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return t, err
	}
	config := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(config, kamailioConfig, 0o600); err != nil {
		return t, err
	}
	log, err := os.Create(t.log)
	if err != nil {
		return t, err
	}
	defer log.Close()
	// 512 MB for all together, 32 MB for each process.
	cmd := exec.Command("kamailio", "-f", config, "-m", "512", "-M", "32", "-DD", "-E", "-Y", dir,
		"-A", "LISTEN=udp:"+kamailioAddr.String()+":5060", "-A", "DOMAIN="+domain)
	cmd.Stderr = log
	if host.Private {
		// Its children end with it, however it ends.
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	}
	p, err := host.Start(cmd, func(string) {})
	if err != nil {
		return t, err
	}
	t.procs = []*procs.Process{p}
	a, err := newAgent(host, tormentorAddr, sipPort)
	if err != nil {
		return t, err
	}
	defer a.close()
	return t, t.explain(a.awaitLife(ctx, t.entry))
}

// kamailioVersion is what the package manager says; empty: it is not installed.
func kamailioVersion() string {
	if _, err := exec.LookPath("kamailio"); err != nil {
		return ""
	}
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "kamailio").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
