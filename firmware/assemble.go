package firmware

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/config"
	"chordophone/firmware/floating"
	"chordophone/firmware/manage"
	"chordophone/firmware/metrics"
	"chordophone/firmware/phone"
	"chordophone/firmware/tone"
	updates "chordophone/firmware/update"
	"chordophone/firmware/usage"
	"chordophone/hal"
	"chordophone/overlay"
	"chordophone/overlay/capture"
	"chordophone/overlay/chord"
	"chordophone/overlay/discover"
	"chordophone/overlay/identity"
	"chordophone/overlay/link"
	"chordophone/overlay/node"
	"chordophone/sip/dns"
	"chordophone/sip/media"
	"chordophone/sip/ua"
	"chordophone/storage"
)

// Where SIP is served: UDP and TCP, and TLS. // RFC 3261, section 19.1.2
const (
	sipPort  = 5060
	sipsPort = 5061
)

// appliance is a phone put together.
type appliance struct {
	cfg     config.Run
	version string
	started time.Time
	log     *slog.Logger
	logs    *logBook
	db      *storage.DB
	body    *hardware
	member  *identity.Identity
	self    overlay.Peer

	configuring sync.Mutex // held while the configuration file is changed

	document    *configuration // the office's
	link        *link.Link
	frames      *capture.Hub
	node        *node.Node
	ring        <-chan chord.View // for the memory of peers
	sight       <-chan chord.View // for lookForIsland
	changes     *usage.Changes
	members     *usage.Members
	places      *usage.Registrations
	accounts    *usage.Accounts
	clients     *usage.Clients
	mailbox     *usage.Mailbox
	contacts    *usage.Contacts
	revocations *usage.Revocations
	directory   *directory
	door        doorkeeper
	refused     chan struct{} // capacity 1: a member does not accept this phone's certificate
	revoked     chan struct{} // capacity 1: this phone has read that it was revoked

	exchange *exchange
	calls    *ua.UA
	register *registration
	events   *mailbox // for the desk
	desk     *desk
	voice    *voice
	ledger   *ledger
	keeper   *keeper
	times    *timekeeping
	line     *beat.Line // to process 1; nil: this machine is not the program's own
	releases *usage.Releases
	updater  atomic.Pointer[updates.Updater] // nil: none yet

	console   *manage.Server    // nil: none
	metrics   *metrics.Server   // nil: none
	discovery *discover.Service // nil: none
	names     *dns.Server       // nil: none
	floating  *floating.Service // nil: none
}

// assemble puts the parts together: here, and nowhere else, implementations are
// named. known is where to look for the ring.
func (a *appliance) assemble(known []overlay.Peer) error {
	a.started = time.Now()
	a.frames = new(capture.Hub)
	a.events = newMailbox()
	a.ledger = newLedger(a.db, a.log)
	a.keeper = newKeeper(a.db, a.log)
	a.refused, a.revoked = make(chan struct{}, 1), make(chan struct{}, 1)
	for _, part := range []func() error{
		a.makeLink,
		func() error { return a.makeNode(known) },
		a.makeCalls,
		a.makeTelephone,
		a.openDoor,
		a.makeUpdates,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	a.makeConsole()
	a.makeMetrics()
	a.makeDiscovery()
	a.makeNames()
	a.makeFloating()
	return nil
}

// makeLink listens for other phones, and for newcomers.
func (a *appliance) makeLink() (err error) {
	a.door = doorkeeper{panel: a.body.panel, tell: a.events.tell, holder: a.holder, log: a.log}
	a.door.enroller = identity.NewEnroller(a.member, a.claim, a.log)
	a.document = openConfiguration(a.cfg.Data, a.member, a.log)
	a.door.enroller.Configuration = a.document.Document
	a.times = a.newTimekeeping()
	a.link, err = link.Listen(link.Config{
		Self:          a.self,
		Office:        a.member.Office(),
		TLS:           a.member.ClientTLS,
		ServerTLS:     a.member.ServerTLS(),
		NodeOf:        identity.NodeOf,
		Sign:          a.member.Sign,
		Verify:        a.member.Verify,
		VerifyRecord:  a.member.VerifyRecord,
		Ring:          func() chord.View { return a.node.View() },
		Configuration: a.document,
		Tap:           a.frames,
		Version:       a.version,
		Time:          a.times.tell,
		Enrol:         a.door.serve,
		Update:        a.serveUpdate,
		ShutOut: func(by overlay.Peer) {
			a.log.Debug("a phone of the office does not accept this one's certificate: it was revoked", "by", by)
			nudge(a.refused)
		},
		Log: a.log,
	})
	if errors.Is(err, link.ErrAddrInUse) {
		err = hinted{err, "stop it, or give this one another address with --listen"}
	}
	return err
}

// makeNode makes the node of the ring and what is kept there.
func (a *appliance) makeNode(known []overlay.Peer) error {
	epoch, err := a.db.Epoch()
	if err != nil {
		return err
	}
	a.node = node.New(node.Config{
		Self:      a.self,
		Chord:     chord.LAN(),
		Known:     known,
		Transport: a.link,
		Store:     a.db,
		Verify:    a.member.VerifyRecord,
		Seed:      node.NewSeed(),
		Log:       a.log,
	})
	a.ring, a.sight = a.node.Watch(), a.node.Watch()
	a.times.views = a.node.Watch()
	writer := usage.NewWriter(a.node, a.member, epoch)
	a.changes = usage.NewChanges(a.node, writer, a.self.ID, a.log)
	a.members = usage.NewMembers(a.node, writer, a.member, a.changes)
	a.places = usage.NewRegistrations(a.node, writer, a.self.ID, sipsPort)
	a.accounts = usage.NewAccounts(a.node, writer, a.members, a.changes, a.member.Office())
	a.clients = usage.NewClients(a.node, writer, a.places, a.members, a.accounts, a.self.ID)
	a.mailbox = usage.NewMailbox(a.node, writer, a.members, a.accounts, a.clients, a.changes, a.member)
	a.contacts = usage.NewContacts(a.node, writer, a.changes)
	a.releases = usage.NewReleases(a.node, writer, a.self.ID)
	a.directory = newDirectory(a.self, a.members, a.node.Watch(), a.log)

	var revoked []overlay.Record
	err = a.db.Load(func(r overlay.Record) error {
		if r.Kind == overlay.Revocation {
			revoked = append(revoked, r)
		}
		return nil
	})
	a.revocations = usage.NewRevocations(a.node, writer, a.members, a.member, a.bar, revoked, a.log)
	a.mailbox.Heir(a.revocations.Has, a.messagesLost)
	return err
}

// makeCalls makes all that speaks SIP, and this phone's registration.
func (a *appliance) makeCalls() error {
	if err := a.makeExchange(); err != nil {
		return err
	}
	a.register = &registration{
		service: a.places,
		aor:     "sip:" + a.member.User(),
		contact: a.calls.Contact(a.self.Addr.Addr()),
		online: phone.Online{
			Extension: strconv.Itoa(a.member.Extension()),
			Office:    a.member.Office(),
			Node:      a.self.ID.String(),
		},
		changed: a.node.Watch(),
		refused: a.refused,
		revoked: a.revoked,
		keep:    a.prepare,
		tell:    a.events.tell,
		barred:  a.sayBarred,
		log:     a.log,
	}
	return nil
}

// makeTelephone makes what a person lifts and hears.
func (a *appliance) makeTelephone() error {
	tones, err := tone.New(a.cfg.Country, hal.Rate)
	if err != nil {
		return err
	}
	a.voice = newVoice(a.body.audio, tones, a.log)
	settings := phone.Default()
	settings.Extension, settings.Office = strconv.Itoa(a.member.Extension()), a.member.Office()
	settings.CallWaiting = a.cfg.CallWaiting
	a.desk = &desk{
		phone:    phone.New(settings),
		recorder: newPhoneRecorder(settings, a.version),
		panel:    a.body.panel,
		calls:    a.calls,
		voice:    a.voice,
		gain:     a.body.audio.SetGain,
		bell:     a.body.audio.SetBell,
		keep:     a.keeper.keep,
		enrol:    a.door,
		ledger:   a.ledger,
		events:   a.events,
		log:      a.log,
		sounds:   make(map[string]*media.Session),
		parts:    a.body.parts,
		again:    append(slices.Concat(a.keeper.kept(), a.pastCalls()), phone.HotLine{Number: a.cfg.HotLine}),
	}
	return nil
}

// openDoor opens enrolment if scripts want it.
func (a *appliance) openDoor() error {
	code := a.cfg.PairingCode.Reveal()
	if code == "" {
		return nil
	}
	a.log.Warn("enrolment is open with a fixed code until three wrong tries; this is for scripts")
	return a.door.enroller.Open(code, 0)
}

// makeConsole makes the SSH console. A phone without it is still a phone.
func (a *appliance) makeConsole() {
	var err error
	var machine manage.Appliance
	if u := a.updater.Load(); u != nil && a.line != nil {
		machine = ownMachine{u, a.restart}
	}
	a.console, err = manage.New(manage.Config{
		Appliance: machine,
		Listen:    netip.AddrPortFrom(a.cfg.Listen, a.cfg.SSH),
		Dir:       a.cfg.Data,
		Phone:     console{a},
		Log:       a.log,
	})
	if err != nil {
		a.log.Error("no console", "err", err)
		return
	}
	a.desk.again = append(a.desk.again, phone.HostKey{Fingerprint: a.console.Fingerprint()})
}

// makeMetrics makes the figures for programs, if somebody wants them.
func (a *appliance) makeMetrics() {
	if a.cfg.Metrics == 0 {
		return
	}
	var err error
	a.metrics, err = metrics.Listen(netip.AddrPortFrom(a.cfg.Listen, a.cfg.Metrics), console{a}.Metrics, a.log)
	if err != nil {
		a.log.Error("no metrics", "err", err)
	}
}

// makeDiscovery makes what finds other phones without being told where.
func (a *appliance) makeDiscovery() {
	if a.cfg.NoDiscovery {
		return
	}
	var err error
	a.discovery, err = discover.New(discover.Config{
		Self:      a.self,
		Office:    a.member.Office(),
		Extension: strconv.Itoa(a.member.Extension()),
		Enrolling: a.door.isOpen,
		Log:       a.log,
	})
	if err != nil {
		a.log.Warn("no discovery of other phones", "err", err)
	}
}

// bar cuts revoked phones off, forgets what they signed, and says so when this
// phone is one of them.
func (a *appliance) bar(nodes ...overlay.ID) {
	a.link.Cut(nodes...)
	a.node.Recheck()
	if slices.Contains(nodes, a.self.ID) {
		nudge(a.revoked)
	}
}
