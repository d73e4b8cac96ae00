package firmware

import (
	"context"
	"os"

	"chordophone/firmware/config"
	"chordophone/firmware/phone/selftest"
	"chordophone/overlay/identity"
)

// This file is what the console does with the configuration and the body of this phone.

func (c console) Settings(context.Context) (config.Report, error) { return c.cfg.Report(), nil }

func (c console) Configure(_ context.Context, key string, values []string) error {
	c.configuring.Lock()
	defer c.configuring.Unlock()
	path, text, err := c.cfg.Edit(key, values)
	if err != nil {
		return err
	}
	if err := identity.WriteFile(path, text, os.Rename); err != nil {
		return hinted{err, "nothing was changed; is the card full, or the folder not to be written to?"}
	}
	c.log.Warn("the configuration was changed", "key", key, "file", path, "hint", "it holds from the next start on")
	return nil
}

func (c console) SelfTest(context.Context) ([]selftest.Result, error) {
	return selftest.Check(c.body.parts()), nil
}
