package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"
)

// Monitor is QEMU's machine protocol. // QEMU: docs/interop/qmp-spec.txt
type Monitor struct {
	conn net.Conn
	in   *json.Decoder

	mu   sync.Mutex // one command at a time
	gone []string   // devices that were deleted
}

// patience is how long the emulator may take for an answer.
const patience = time.Minute

// dial connects to a socket that the emulator is about to make.
func dial(ctx context.Context, path string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func dialMonitor(ctx context.Context, path string) (*Monitor, error) {
	conn, err := dial(ctx, path)
	if err != nil {
		return nil, err
	}
	m := &Monitor{conn: conn, in: json.NewDecoder(conn)}
	if _, err := m.Do("qmp_capabilities", nil); err != nil {
		return nil, err
	}
	return m, nil
}

// message is anything that the emulator says.
type message struct {
	Event string `json:"event"`
	Data  struct {
		Device string `json:"device"`
	} `json:"data"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
}

// Do carries out a command.
func (m *Monitor) Do(command string, args map[string]any) (json.RawMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn.SetDeadline(time.Now().Add(patience))
	ask := map[string]any{"execute": command}
	if args != nil {
		ask["arguments"] = args
	}
	if err := json.NewEncoder(m.conn).Encode(ask); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	for {
		answer, err := m.next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", command, err)
		case answer.Error != nil:
			return nil, fmt.Errorf("%s: %s", command, answer.Error.Desc)
		case answer.Return != nil:
			return answer.Return, nil
		}
	}
}

// next reads one message and keeps in mind which devices are gone.
func (m *Monitor) next() (answer message, err error) {
	if err := m.in.Decode(&answer); err != nil {
		return answer, err
	}
	if answer.Event == "DEVICE_DELETED" {
		m.gone = append(m.gone, answer.Data.Device)
	}
	return answer, nil
}

// Plug puts a device in.
func (m *Monitor) Plug(driver, id string, properties map[string]any) error {
	args := map[string]any{"driver": driver, "id": id}
	for k, v := range properties {
		args[k] = v
	}
	_, err := m.Do("device_add", args)
	return err
}

// Unplug pulls a device out, and waits until it is.
func (m *Monitor) Unplug(id string) error {
	if _, err := m.Do("device_del", map[string]any{"id": id}); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn.SetDeadline(time.Now().Add(patience))
	for {
		for i, g := range m.gone {
			if g == id {
				m.gone = append(m.gone[:i], m.gone[i+1:]...)
				return nil
			}
		}
		if _, err := m.next(); err != nil {
			return fmt.Errorf("device_del %s: %w", id, err)
		}
	}
}

// Quit ends the machine in good order: QEMU finishes its files.
func (m *Machine) Quit() error {
	if _, err := m.Monitor.Do("quit", nil); err != nil {
		m.Kill()
		return err
	}
	select {
	case <-m.gone:
		return nil
	case <-time.After(patience):
		m.Kill()
		return fmt.Errorf("%s does not quit", m.Name)
	}
}

// find returns the path of the only device of a type below a path of QEMU's objects.
func (m *Monitor) find(below, kind string) (string, error) {
	raw, err := m.Do("qom-list", map[string]any{"path": below})
	if err != nil {
		return "", err
	}
	var list []struct{ Name, Type string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", err
	}
	for _, o := range list {
		if o.Type == "child<"+kind+">" {
			return below + "/" + o.Name, nil
		}
	}
	return "", fmt.Errorf("the machine has no %s", kind)
}
