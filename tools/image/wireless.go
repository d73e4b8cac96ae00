package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"chordophone/storage/fat"
)

// wifi takes the firmware for the wireless network, and checks its name and password.
func (p *phone) wifi(o options) (err error) {
	if o.WifiFirmware != "" {
		if p.wireless, p.models, err = wifiFirmware(o.WifiFirmware); err != nil {
			return err
		}
	}
	if o.Wifi == "" {
		return nil
	}
	if err := checkNetwork(o.Wifi); err != nil {
		return err
	}
	const where = "hint: WIFI_FIRMWARE=DIR, the folder /lib/firmware of a Raspberry Pi OS; Debian's package firmware-brcm80211 has it for models 3 to 5, not for the Zero 2 W"
	if len(p.models) == 0 {
		return fmt.Errorf("a wireless network, but no firmware for Wi-Fi chips, which may not come with an image (%s)", where)
	}
	// Boards that begin with zero are made for the Zero 2 W, as their descriptions say.
	if strings.HasPrefix(p.wiring.Name, "zero") && !slices.Contains(p.models, zero2) {
		return fmt.Errorf("%s has Wi-Fi firmware for models %s, but board %s is a Zero 2 W's (%s)", o.WifiFirmware, strings.Join(p.models, ", "), p.wiring.Name, where)
	}
	return nil
}

// checkNetwork says whether a text is SSID:PASS; no password is an open network.
// IEEE 802.11, sections 9.4.2.2 and J.4.1
func checkNetwork(text string) error {
	ssid, pass, ok := strings.Cut(text, ":")
	if !ok || ssid == "" || len(ssid) > 32 || !printable(ssid) {
		return errors.New("a wireless network is SSID:PASS, the SSID of 1 to 32 characters without a colon")
	}
	if pass != "" && (len(pass) < 8 || len(pass) > 63 || !printable(pass)) {
		return errors.New("the password of a wireless network has 8 to 63 characters of ASCII")
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

const zero2 = "Zero 2 W"

// chips are the Wi-Fi chips of the models, by the number in their firmware's names.
var chips = []struct{ number, models string }{
	{"43430", "3 B"},
	{"43436", zero2},
	{"43455", "3 A+, 3 B+, 4, 400, 5"},
	{"43456", "400, 5"},
}

var firmwareName = regexp.MustCompile(`^brcmfmac(\d{5})[^/]*$`)

// maxFirmware is the size of all such files together, in octets: today's have 4 MB.
const maxFirmware = 16 * mib

// wifiFirmware takes the firmware of the models' Wi-Fi chips from a folder such as
// /lib/firmware. It goes to the first partition and not into a slot, so that no update
// takes it away. It also returns the models that have some.
func wifiFirmware(dir string) (files []fat.File, models []string, err error) {
	found := map[string]string{} // name to path
	for _, d := range []string{dir, filepath.Join(dir, "brcm")} {
		list, err := os.ReadDir(d)
		if errors.Is(err, fs.ErrNotExist) && d != dir {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for _, e := range list {
			if firmwareName.MatchString(e.Name()) {
				found[e.Name()] = filepath.Join(d, e.Name())
			}
		}
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	total := 0
	for _, chip := range chips {
		whole := false
		for _, name := range names {
			if firmwareName.FindStringSubmatch(name)[1] != chip.number {
				continue
			}
			b, err := os.ReadFile(found[name]) // through links, of which there are many
			if errors.Is(err, fs.ErrNotExist) {
				continue // a link into a package that is not there
			}
			if err != nil {
				return nil, nil, err
			}
			if total += len(b); total > maxFirmware {
				return nil, nil, fmt.Errorf("%s holds more than %d MiB of Wi-Fi firmware", dir, maxFirmware/mib)
			}
			files = append(files, fat.Bytes("firmware/brcm/"+name, b))
			whole = whole || strings.HasSuffix(name, ".bin")
		}
		if whole {
			models = append(models, chip.models)
		}
	}
	if len(models) == 0 {
		return nil, nil, fmt.Errorf("%s holds no Wi-Fi firmware (hint: brcmfmac43455-sdio.bin and its like, from the folder /lib/firmware of a Raspberry Pi OS; in Debian: firmware-brcm80211)", dir)
	}
	return files, models, nil
}
