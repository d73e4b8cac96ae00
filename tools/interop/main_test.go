//go:build interop

package interop

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const (
	officeName = "office"
	hosts      = 44
	accounts   = 480
)

// What all trials share, made once by TestMain.
var (
	with    = os.Getenv("INTEROP_WITH") // "kamailio": try the harness itself
	kills   = 5                         // INTEROP_KILLS
	program string                      // the binary under test: what users run, built anew
	output  string                      // build/interop
	network *lan
	users   = make(chan string, accounts)
	voices  []*voice
	ours    *phones
	theirs  *kamailio
	results = new(table)
)

// packages are the programs that the trials need, by their Debian packages.
var packages = []struct{ program, debian string }{
	{"ip", "iproute2"},
	{"openssl", "openssl"},
	{"/usr/sbin/kamailio", "kamailio"},
	{"/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so", "kamailio-tls-modules"},
	{"baresip", "baresip-core"},
	{"linphonec", "linphone-cli"},
	{"sipp", "sip-tester"},
	{"sipsak", "sipsak"},
}

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "32") // the stage limits what runs at a time
	os.Exit(run(m))
}

func run(m *testing.M) int {
	began := time.Now()
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stopped
		end() // the programs end with this process, the namespaces do not
		os.Exit(1)
	}()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		end()
		return 1
	}
	defer end()
	code := m.Run()
	if err := results.write(filepath.Join(output, "..", "interop.txt"), time.Since(began)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func end() {
	if ours != nil {
		ours.stop()
	}
	if theirs != nil {
		theirs.stop()
	}
	if network != nil {
		network.remove()
	}
}

func prepare() (err error) {
	if os.Getuid() != 0 {
		return fmt.Errorf("the trials make network namespaces: run them as root")
	}
	missing := ""
	for _, p := range packages {
		if _, err := exec.LookPath(p.program); err != nil && !exists(p.program) {
			missing += " " + p.debian
		}
	}
	if missing != "" {
		return fmt.Errorf("please install the Debian packages:%s", missing)
	}
	if text := os.Getenv("INTEROP_KILLS"); text != "" {
		if kills, err = strconv.Atoi(text); err != nil || kills < 1 {
			return fmt.Errorf("INTEROP_KILLS=%s is not a number of trials", text)
		}
	}
	if output, err = filepath.Abs("../../build/interop"); err != nil {
		return err
	}
	if err = os.RemoveAll(output); err != nil {
		return err
	}
	if err = os.MkdirAll(output, 0o755); err != nil {
		return err
	}
	if voices, err = makeVoices(output); err != nil {
		return err
	}
	if network, err = newLAN(hosts); err != nil {
		return err
	}
	if theirs, err = startKamailio(<-network.free, filepath.Join(output, "control")); err != nil {
		return err
	}
	var names []string
	for i := range accounts {
		name := fmt.Sprint(7000 + i) // what a keypad can dial
		names = append(names, name)
		if i < accounts-1 { // the last one is for asking whether accounts are known
			users <- name
		}
	}
	if with == "kamailio" {
		return nil
	}
	if program = os.Getenv("INTEROP_PROGRAM"); program == "" {
		if program, err = built(); err != nil {
			return err
		}
	}
	ours, err = startPhones([]*host{<-network.free, <-network.free, <-network.free, <-network.free}, filepath.Join(output, "office"), names)
	return err
}

func built() (string, error) {
	program := filepath.Join(output, "bin", "chordophone")
	build := exec.Command("go", "build", "-o", program, "chordophone/firmware/cmd/chordophone")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the program does not build: %w\n%s", err, out)
	}
	return program, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
