package audio

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"chordophone/tools/bench/procs"
)

// baresip is the peer, driven over its ctrl_tcp module.
type baresip struct {
	*procs.Process
	name   string
	conn   net.Conn
	events chan string // types of its events
}

const baresipConfig = `poll_method epoll
sip_listen ADDRESS:5060
call_local_timeout 120
call_max_calls 4
audio_player jack,bs
audio_source jack,bs
audio_alert ausine,440
audio_level no
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
ausrc_format float
auplay_format float
auenc_format s16
audec_format s16
audio_buffer 20-160
rtp_tos 184
rtp_ports 10000-20000
rtcp_mux no
jitter_buffer_delay 5-10
rtp_stats yes
statmode_default off
module_path MODULES
module g711.so
module jack.so
module ausine.so
module plc.so
module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
ctrl_tcp_listen 127.0.0.1:4441
jack_client_name NAME
jack_connect_ports no
ringback_disabled yes
menu_bell no
`

// startBaresip starts one that answers every call by itself.
func startBaresip(ctx context.Context, host *procs.Host, card *soundCard, dir, name, address string, urgent []string) (*baresip, error) {
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	modules, _ := filepath.Glob("/usr/lib*/baresip/modules")
	more, _ := filepath.Glob("/usr/lib/*/baresip/modules")
	if modules = append(modules, more...); len(modules) == 0 {
		return nil, fmt.Errorf("audio: baresip's modules are nowhere below /usr/lib")
	}
	for file, text := range map[string]string{
		"config":   strings.NewReplacer("ADDRESS", address, "NAME", name, "MODULES", modules[0]).Replace(baresipConfig),
		"accounts": fmt.Sprintf("<sip:%s@%s>;regint=0;auth_pass=none;audio_codecs=PCMU;ptime=20;answermode=auto\n", name, domain),
		"contacts": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	args := append(urgent[:len(urgent):len(urgent)], "baresip", "-f", dir)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "JACK_DEFAULT_SERVER="+card.name)
	b := &baresip{name: name, events: make(chan string, 100)}
	var err error
	if b.Process, err = host.Start(cmd, func(string) {}); err != nil {
		return nil, err
	}
	for limit := time.Now().Add(20 * time.Second); ; {
		err = host.Do(func() (err error) {
			b.conn, err = net.DialTimeout("tcp4", "127.0.0.1:4441", time.Second)
			return err
		})
		if err == nil {
			break
		}
		select {
		case <-b.Ended():
			return nil, fmt.Errorf("audio: baresip %s ended", name)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(limit) {
			return nil, fmt.Errorf("audio: baresip %s: %w", name, err)
		}
	}
	go b.read()
	return b, nil
}

// read ends with the connection, which the process's end closes.
func (b *baresip) read() {
	r := bufio.NewReader(b.conn)
	for {
		text, err := readNetstring(r)
		if err != nil {
			return
		}
		var e struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(text, &e) != nil || e.Type == "" {
			continue
		}
		select {
		case b.events <- e.Type:
		default: // nobody listens
		}
	}
}

// do gives it a command.
func (b *baresip) do(command, params string) error {
	text, err := json.Marshal(map[string]string{"command": command, "params": params, "token": "bench"})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(b.conn, "%d:%s,", len(text), text)
	return err
}

// wait waits for an event.
func (b *baresip) wait(ctx context.Context, kind string) error {
	for {
		select {
		case e := <-b.events:
			if e == kind {
				return nil
			}
			if e == "CALL_CLOSED" && kind != e {
				return fmt.Errorf("audio: baresip %s: the call was closed, not %s", b.name, kind)
			}
		case <-b.Ended():
			return fmt.Errorf("audio: baresip %s ended", b.name)
		case <-ctx.Done():
			return fmt.Errorf("audio: baresip %s: no %s: %w", b.name, kind, ctx.Err())
		}
	}
}

// forget drops what was not waited for.
func (b *baresip) forget() {
	for len(b.events) > 0 {
		<-b.events
	}
}
