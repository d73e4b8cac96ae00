package network

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mdlayher/wifi"
)

const (
	wifiRetry  = 10 * time.Second
	minPassKey = 8 // IEEE 802.11, annex J.4
	maxPassKey = 63
	maxName    = 32
)

var errWiFi = errors.New(`wifi: not NAME:PASSWORD, a name of 1 to 32 octets and a password of 8 to 63 or none`)

// wifiNetwork is the Wi-Fi network to join.
type wifiNetwork struct{ name, password string }

// parseWiFi reads NAME:PASSWORD; a password may have colons, a name may not. No password
// is an open network.
func parseWiFi(s string) (n wifiNetwork, err error) {
	var colon bool
	n.name, n.password, colon = strings.Cut(s, ":")
	if !colon || n.name == "" || len(n.name) > maxName || n.password != "" && (len(n.password) < minPassKey || len(n.password) > maxPassKey) {
		return wifiNetwork{}, errWiFi
	}
	return n, nil
}

// joinWiFi keeps the first Wi-Fi interface in a network. The handshake is that of the
// device's firmware; the kernel says when the link works.
func joinWiFi(ctx context.Context, text string) error {
	n, err := parseWiFi(text)
	if err != nil {
		note("%v", err)
		return nil // the cable works without
	}
	last := ""
	for {
		err := n.join()
		if text := fmt.Sprint(err); text != last {
			last = text
			if err != nil {
				note("wifi: %v", err)
			} else {
				note("wifi: in %q, or about to be", n.name)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wifiRetry):
		}
	}
}

// join asks the first Wi-Fi interface to join, if it is nowhere.
func (n wifiNetwork) join() error {
	c, err := wifi.New()
	if err != nil {
		return err
	}
	defer c.Close()
	all, err := c.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.Type != wifi.InterfaceTypeStation || i.Name == "" {
			continue
		}
		if bss, err := c.BSS(i); err == nil && bss.SSID == n.name && bss.Status == wifi.BSSStatusAssociated {
			return nil
		}
		if n.password == "" {
			return c.Connect(i, n.name)
		}
		return c.ConnectWPAPSK(i, n.name, n.password)
	}
	return errors.New("no Wi-Fi interface; does the image hold its firmware?")
}
