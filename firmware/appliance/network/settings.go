package network

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/pelletier/go-toml/v2"
)

// settingsFile is the configuration file in the data folder, which is the telephone's:
// this program reads what is of the machine in it, and leaves it to the telephone to
// complain of the rest.
const settingsFile = "config.toml"

const maxSettings = 64 << 10 // octets

// settings are the keys of the configuration that are about the machine.
type settings struct {
	WiFi   string   `toml:"wifi"` // NAME:PASSWORD
	Clocks []string `toml:"ntp"`  // time servers, before those that DHCP names
}

// readSettings reads them. Without a file, or with a bad one, there are none.
func readSettings(path string) (s settings, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSettings+1))
	if err != nil {
		return s, err
	}
	if len(text) > maxSettings {
		return s, fmt.Errorf("%s: longer than %d octets", path, maxSettings)
	}
	if err := toml.Unmarshal(text, &s); err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(s.Clocks) > maxClocks {
		s.Clocks = s.Clocks[:maxClocks]
	}
	return s, nil
}
