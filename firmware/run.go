package firmware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"chordophone/firmware/config"
	"chordophone/firmware/manage"
	"chordophone/firmware/phone"
	"chordophone/firmware/tone"
	"chordophone/firmware/usage"
	"chordophone/hal"
	"chordophone/overlay"
	"chordophone/overlay/capture"
	"chordophone/overlay/chord"
	"chordophone/overlay/discover"
	"chordophone/overlay/identity"
	"chordophone/overlay/link"
	"chordophone/overlay/node"
	"chordophone/sip/media"
	"chordophone/sip/ua"
	"chordophone/storage"
)

// sipsPort is where SIP over TLS is served. // RFC 3261, section 19.1.2
const sipsPort = 5061

// sshPort is where the console is; on the appliance it is 22.
const sshPort = 2222

// errQuit ends Run without an error: the panel said so.
var errQuit = errors.New("quit")

// Run is a phone: it returns when ctx is cancelled or the panel quits, after
// leaving the ring.
func Run(ctx context.Context, cfg config.Run, version string, std Stdio) error {
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
	addr, err := ownAddress(cfg.Listen)
	if err != nil {
		return err
	}
	member, known, err := membership(ctx, cfg, log)
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
	hw, err := openHardware(cfg, std, logs)
	if err != nil {
		return err
	}
	defer hw.Close()
	a, err := assemble(cfg, version, log, db, hw, addr, member, known)
	if err != nil {
		return err
	}
	a.logs = logs
	return a.run(ctx)
}

// appliance is a phone put together.
type appliance struct {
	version string
	started time.Time
	log     *slog.Logger
	logs    *logBook
	db      *storage.DB
	member  *identity.Identity
	self    overlay.Peer

	link        *link.Link
	frames      *capture.Hub
	node        *node.Node
	members     *usage.Members
	places      *usage.Registrations
	revocations *usage.Revocations
	door        doorkeeper
	calls       *ua.UA
	voice       *voice
	desk        *desk
	ledger      *ledger
	register    *registration
	console     *manage.Server    // nil: none
	discovery   *discover.Service // nil: none
	ring        <-chan chord.View // for the memory of peers
}

// assemble is the one place that names implementations.
func assemble(cfg config.Run, version string, log *slog.Logger, db *storage.DB, hw *hardware, addr netip.Addr, member *identity.Identity, known []overlay.Peer) (*appliance, error) {
	epoch, err := db.Epoch()
	if err != nil {
		return nil, err
	}
	tones, err := tone.New(cfg.Country, media.Rate)
	if err != nil {
		return nil, err
	}
	a := &appliance{
		version: version,
		started: time.Now(),
		log:     log,
		db:      db,
		member:  member,
		self:    overlay.Peer{ID: member.ID(), Addr: netip.AddrPortFrom(addr, overlay.Port)},
		frames:  new(capture.Hub),
		ledger:  newLedger(db, log),
	}
	events := newMailbox()

	// The ring. The enroller stands behind the link's listener and in front of
	// the ring, so it is made first and given its claim when there is one.
	a.door = doorkeeper{panel: hw.panel, tell: events.tell, log: log}
	a.door.enroller = identity.NewEnroller(member, func(ctx context.Context, n identity.Newcomer) (int, error) {
		return a.members.Claim(ctx, n)
	}, log)
	a.link, err = link.Listen(link.Config{
		Self:         a.self,
		Office:       member.Office(),
		TLS:          member.ClientTLS,
		ServerTLS:    member.ServerTLS(),
		NodeOf:       identity.NodeOf,
		Sign:         member.Sign,
		Verify:       member.Verify,
		VerifyRecord: member.VerifyRecord,
		Ring:         func() chord.View { return a.node.View() },
		Tap:          a.frames,
		Version:      version,
		Enrol:        a.door.serve,
		Log:          log,
	})
	if errors.Is(err, link.ErrAddrInUse) {
		return nil, hinted{err, "stop it, or give this one another address with --listen"}
	} else if err != nil {
		return nil, err
	}
	a.node = node.New(node.Config{
		Self:      a.self,
		Chord:     chord.LAN(),
		Known:     known,
		Transport: a.link,
		Store:     db,
		Verify:    member.VerifyRecord,
		Seed:      node.NewSeed(),
		Log:       log,
	})
	a.ring = a.node.Watch()
	writer := usage.NewWriter(a.node, member, epoch)
	a.members = usage.NewMembers(a.node, writer, member)
	a.places = usage.NewRegistrations(a.node, writer, a.members, a.self.ID, sipsPort)
	var revoked []overlay.Record
	err = db.Load(func(r overlay.Record) error {
		if r.Kind == overlay.Revocation {
			revoked = append(revoked, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.revocations = usage.NewRevocations(a.node, writer, a.members, member, a.bar(hw.panel), revoked, log)

	// Calls.
	ports := media.DefaultPorts
	a.calls, err = ua.New(ua.Config{
		User:      fmt.Sprint(member.Extension()),
		Domain:    member.Office(),
		Name:      cfg.Name,
		Listen:    netip.AddrPortFrom(cfg.Listen, sipsPort),
		ServerTLS: member.SIPServerTLS(),
		ClientTLS: member.SIPClientTLS(),
		PeerUser:  identity.UserOf,
		Locate:    a.places,
		NewMedia: func(local netip.Addr) (ua.Media, error) {
			return media.New(media.Config{Local: local, Ports: ports, Secure: media.Required, Log: log})
		},
		Log: log,
	})
	if err != nil {
		return nil, err
	}
	aor := "sip:" + member.User()
	a.register = &registration{
		service: a.places,
		aor:     aor,
		contact: a.calls.Contact(addr),
		online: phone.Online{
			Extension: fmt.Sprint(member.Extension()),
			Office:    member.Office(),
			Node:      a.self.ID.String(),
		},
		changed: a.node.Watch(),
		keep:    a.members.Keep,
		tell:    events.tell,
		log:     log,
	}

	// The telephone.
	a.voice = newVoice(hw.audio, tones, log)
	settings := phone.Default()
	settings.Extension, settings.Office = fmt.Sprint(member.Extension()), member.Office()
	a.desk = &desk{
		phone:    phone.New(settings),
		recorder: newPhoneRecorder(settings, version),
		panel:    hw.panel,
		calls:    a.calls,
		voice:    a.voice,
		enrol:    a.door,
		ledger:   a.ledger,
		events:   events,
		log:      log,
		sounds:   make(map[string]*media.Session),
	}

	a.console, err = manage.New(manage.Config{
		Listen: netip.AddrPortFrom(cfg.Listen, sshPort),
		Dir:    cfg.Data,
		Phone:  console{a},
		Log:    log,
	})
	if err != nil { // a phone without its console is still a phone
		log.Error("no console", "err", err)
	}
	if code := cfg.PairingCode.Reveal(); code != "" {
		log.Warn("enrolment is open with a fixed code until three wrong tries; this is for scripts")
		if err := a.door.enroller.Open(code, 0); err != nil {
			return nil, err
		}
	}
	if len(cfg.Accounts) > 0 {
		log.Warn("accounts for other SIP clients are not served yet; --account has no effect")
	}
	if !cfg.NoDiscovery {
		a.discovery, err = discover.New(discover.Config{
			Self:      a.self,
			Office:    member.Office(),
			Extension: fmt.Sprint(member.Extension()),
			Enrolling: a.door.isOpen,
			Log:       log,
		})
		if err != nil {
			log.Warn("no discovery of other phones", "err", err)
		}
	}
	return a, nil
}

// bar cuts revoked phones off, and says so when this is one.
func (a *appliance) bar(panel hal.Panel) func(nodes ...overlay.ID) {
	return func(nodes ...overlay.ID) {
		a.link.Cut(nodes...)
		a.node.Recheck()
		if slices.Contains(nodes, a.self.ID) {
			panel.Tell(hal.Fault{
				Message: "this phone was shut out of the office",
				Hint:    "remove its data directory and enrol it anew, if it is yours",
			})
		}
	}
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

	top, topCtx := errgroup.WithContext(ctx)
	top.Go(func() error { return a.calls.Run(topCtx) })
	top.Go(func() error { return a.voice.run(topCtx) })
	top.Go(func() error { return a.desk.run(topCtx) })
	top.Go(func() error { return a.register.run(topCtx) })
	top.Go(func() error { return a.revocations.Run(topCtx) })
	top.Go(func() error { return a.ledger.run(topCtx) })
	if a.console != nil {
		top.Go(func() error { return a.console.Run(topCtx) })
	}
	if a.discovery != nil {
		top.Go(func() error { return a.discovery.Run(topCtx) })
		top.Go(func() error { return a.hear(topCtx) })
	}
	err := top.Wait()
	if errors.Is(err, errQuit) {
		err = nil
	}
	a.log.Info("leaving the ring")
	a.register.remove(onRing)
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
