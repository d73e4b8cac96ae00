package firmware

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/config"
	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/storage"
)

// errQuit ends Run without an error: the panel said so.
var errQuit = errors.New("quit")

// Run is a phone: it returns when ctx is cancelled or the panel quits, after
// leaving the ring. line leads to process 1 of the appliance; nil: there is none.
func Run(ctx context.Context, cfg config.Run, version string, std Stdio, line *beat.Line) error {
	logs, log := openLog(cfg, std.Err)
	log.Info("chordophone", "version", version, "data", cfg.Data)
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	db, err := storage.Open(filepath.Join(cfg.Data, storage.File), log)
	if err != nil {
		return err
	}
	defer db.Close()
	addr, err := ownAddress(cfg.Listen, cfg.Floating.Addr())
	if err != nil {
		return err
	}
	member, known, err := membership(ctx, cfg, log)
	alone := errors.Is(err, identity.ErrNone)
	later := unattended(boardName(cfg, std), line) && (passes(err) || turnedAway(err))
	if err != nil && !alone && !later {
		if passes(err) {
			log.Info("one try to join was made; a telephone with a board of its own, or its own card, keeps trying")
		}
		return err
	}
	hw, herr := openHardware(cfg, std, logs, log)
	if herr != nil {
		return herr
	}
	defer hw.Close()
	if later {
		member, known, err = keepJoining(ctx, cfg, hw, err, log)
		alone = turnedAway(err) // and somebody with another code may be at the keys
	}
	if alone && hw.board.Name != "pipe" { // else a script is at the keys
		member, known, err = settle(ctx, cfg, hw, log)
	}
	if err != nil {
		return err
	}
	remembered, err := db.Peers()
	if err != nil {
		return err
	}
	known = append(known, remembered...)
	for _, p := range cfg.Peers {
		known = append(known, overlay.Peer{Addr: p.AddrPort})
	}
	a := &appliance{
		cfg: cfg, version: version, line: line, log: log, logs: logs, db: db, body: hw, member: member,
		self: overlay.Peer{ID: member.ID(), Addr: netip.AddrPortFrom(addr, overlay.Port)},
	}
	if err := a.assemble(known); err != nil {
		return err
	}
	return a.run(ctx)
}

// run gives the phone life. What it stands on ends after what stands on it: first
// calls and telephone, then the ring, then the connections.
func (a *appliance) run(ctx context.Context) error {
	below, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var connections, ring errgroup.Group
	connections.Go(func() error { return a.link.Run(below) })

	onRing, leave := context.WithCancel(below)
	defer leave()
	ring.Go(func() error { return a.node.Run(onRing) })
	ring.Go(func() error { return a.rememberPeers(onRing) })

	aboveRing, silence := context.WithCancel(onRing)
	defer silence()
	var sip errgroup.Group
	sip.Go(func() error { return a.exchange.run(aboveRing) })

	top, topCtx := errgroup.WithContext(ctx)
	top.Go(func() error { return a.calls.Run(topCtx) })
	top.Go(func() error { return a.voice.run(topCtx) })
	top.Go(func() error { return a.desk.run(topCtx) })
	top.Go(func() error { return a.register.run(topCtx) })
	top.Go(func() error { return a.revocations.Run(topCtx) })
	top.Go(func() error { return a.changes.Run(topCtx) })
	top.Go(func() error { return a.directory.run(topCtx) })
	top.Go(func() error { return a.ledger.run(topCtx) })
	top.Go(func() error { return a.keeper.run(topCtx) })
	top.Go(func() error { return a.lookForIsland(topCtx) })
	top.Go(func() error { return a.watchBody(topCtx) })
	top.Go(func() error { return a.guarded(topCtx) })
	top.Go(func() error { return a.times.run(topCtx) })
	if u := a.updater.Load(); u != nil && a.line != nil {
		top.Go(func() error { return u.Run(topCtx) })
	}
	if a.metrics != nil {
		top.Go(func() error { return a.metrics.Run(topCtx) })
	}
	if a.console != nil {
		top.Go(func() error { return a.console.Run(topCtx) })
	}
	if a.discovery != nil {
		top.Go(func() error { return a.discovery.Run(topCtx) })
		top.Go(func() error { return a.hear(topCtx) })
	}
	if a.names != nil {
		top.Go(func() error { return a.names.Run(topCtx) })
	}
	if a.floating != nil {
		top.Go(func() error { return a.floating.Run(topCtx) })
	}
	err := top.Wait()
	if errors.Is(err, errQuit) {
		err = nil
	}
	a.log.Info("leaving the ring")
	a.register.remove(onRing)
	silence()
	err = errors.Join(err, sip.Wait())
	leave()
	err = errors.Join(err, ring.Wait())
	cut()
	err = errors.Join(err, connections.Wait())
	return err
}

// hear passes on what discovery finds.
func (a *appliance) hear(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case peers := <-a.discovery.Heard():
			a.node.Heard(peers)
		}
	}
}
