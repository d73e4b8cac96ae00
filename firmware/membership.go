package firmware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"chordophone/firmware/config"
	"chordophone/overlay"
	"chordophone/overlay/discover"
	"chordophone/overlay/identity"
)

// lookTime is how long a newcomer listens for offices.
const lookTime = 2 * time.Second

var errNoOffice = errors.New("no office found on this network")

// hinted is an error with a hint for the person who reads it.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string  { return h.hint }
func (h hinted) Unwrap() error { return h.error }

// membership is the identity that the data directory holds, or else a new one:
// of an office founded here, or joined with a pairing code. It also returns whom
// to join the ring through, if that was learnt now.
func membership(ctx context.Context, cfg config.Run, log *slog.Logger) (*identity.Identity, []overlay.Peer, error) {
	id, err := identity.Load(cfg.Data)
	if !errors.Is(err, identity.ErrNone) {
		return id, nil, err
	}
	wish, _ := strconv.Atoi(cfg.Extension) // checked by config
	var via []overlay.Peer
	switch {
	case cfg.Found != "":
		if id, err = identity.Found(cfg.Found, wish); err == nil {
			log.Info("office founded", "office", id.Office(), "extension", id.Extension())
		}
	case cfg.Join != "":
		if id, via, err = enrol(ctx, cfg, wish, log); err == nil {
			log.Info("enrolled", "office", id.Office(), "extension", id.Extension(), "through", via[0])
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return id, via, id.Save(cfg.Data)
}

// enrol tries the phones that were named, else those that discovery finds with
// their doors open. A wrong code is tried on one phone only: three wrong ones
// close its door.
func enrol(ctx context.Context, cfg config.Run, wish int, log *slog.Logger) (*identity.Identity, []overlay.Peer, error) {
	var doors []netip.AddrPort
	for _, p := range cfg.Peers {
		doors = append(doors, p.AddrPort)
	}
	if len(doors) == 0 {
		if cfg.NoDiscovery {
			return nil, nil, hinted{errors.New("nobody to join"), "name a phone of the office with --peer IP, or leave --no-discovery out"}
		}
		found, err := openDoors(ctx, log)
		if err != nil {
			return nil, nil, err
		}
		doors = found
	}
	err := errors.New("no phone to ask")
	for _, door := range doors {
		var id *identity.Identity
		var via []overlay.Peer
		if id, via, err = identity.Enrol(ctx, door, cfg.Join.Reveal(), wish); err == nil {
			return id, via, checkHanded(id)
		}
		if !errors.Is(err, identity.ErrUnreachable) && !errors.Is(err, identity.ErrEnrolmentClosed) {
			break
		}
		log.Warn("this phone does not take newcomers in", "phone", door, "err", err)
	}
	return nil, nil, err
}

// openDoors looks for the one office here that takes newcomers in.
func openDoors(ctx context.Context, log *slog.Logger) (doors []netip.AddrPort, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	offices, err := discover.Offices(ctx, log)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, o := range offices {
		if o.Enrolling() {
			names = append(names, o.Name)
			for _, p := range o.Open {
				doors = append(doors, p.Addr)
			}
		}
	}
	switch {
	case len(offices) == 0:
		return nil, hinted{errNoOffice, "is another phone on and in the same network? else name one with --peer IP"}
	case len(names) == 0:
		return nil, identity.ErrEnrolmentClosed
	case len(names) > 1:
		return nil, hinted{fmt.Errorf("several offices take newcomers in: %q", names), "name a phone of the right one with --peer IP"}
	}
	return doors, nil
}
