package phone

import "strings"

// This file is what somebody sets on the telephone itself, and what outlives it: two
// volumes, locked keys, a bell that is off.

// MaxVolume is the loudest.
const MaxVolume = 10

// normalVolume changes nothing.
const normalVolume = 7

// settings are those of now.
func (p *Phone) settings() Settings {
	return Settings{Volume: p.volume, Bell: p.bell, Locked: p.locked, Silent: p.silent}
}

// set takes settings over.
func (p *Phone) set(s Settings) {
	if min(s.Volume, s.Bell) < 0 || max(s.Volume, s.Bell) > MaxVolume {
		p.dropped++
		return
	}
	p.volume, p.bell, p.locked, p.silent = s.Volume, s.Bell, s.Locked, s.Silent
}

// renderSettings gives what of the settings differs.
func (p *Phone) renderSettings() {
	now, shown := p.settings(), p.shown.kept
	if now == shown {
		return
	}
	p.shown.kept = now
	if now.Volume != shown.Volume {
		p.do(Volume{now.Volume})
	}
	if now.Bell != shown.Bell {
		p.do(BellVolume{now.Bell})
	}
	p.do(Keep{now})
}

// turn makes louder or softer what the menu shows, else what somebody hears: with the
// handset in its cradle the bell, else the earpiece.
func (p *Phone) turn(louder bool) {
	volume, note := &p.volume, ""
	switch {
	case p.menu.page == bellVolume:
		volume = &p.bell
	case p.menu.page != closed:
	case p.state == idle, p.state == ringing, p.state == reminding:
		volume, note = &p.bell, "bell "
	}
	if louder {
		*volume = min(*volume+1, MaxVolume)
	} else {
		*volume = max(*volume-1, 0)
	}
	if p.menu.page == closed {
		p.remark(note + bar(*volume))
	}
}

// bar draws a volume.
func bar(volume int) string {
	return "[" + strings.Repeat("#", volume) + strings.Repeat("-", MaxVolume-volume) + "]"
}
