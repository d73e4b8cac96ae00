package manage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
)

// commands are all commands, in the order in which help lists them.
func commands() []*command {
	return []*command{
		{
			name: "status", viewer: anyone, summary: "this phone in a few figures", time: askTime,
			about:   "Ready means that it can call and be called. What somebody should see to stands at the end.",
			example: "status --json | jq .ring.size",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				st, err := s.phone.Status(ctx)
				st.Problems, st.Ring.Successors = some(st.Problems), some(st.Ring.Successors)
				return answer(s, o, writeStatus)(st, err)
			},
		},
		{
			name: "members", viewer: anyone, summary: "the phones of the office", time: askTime,
			about:   "All that were ever enrolled, whether they are switched on or not.",
			example: "members",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				list, err := s.phone.Members(ctx)
				return answer(s, o, writeMembers)(some(list), err)
			},
		},
		{
			name: "registrations", viewer: anyone, summary: "who is reached where", time: askTime,
			about:   "All addresses that are registered now: phones, and the contacts of other SIP clients with the phone that serves each.",
			example: "registrations",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				list, err := s.phone.Registrations(ctx)
				return answer(s, o, writeRegistrations)(some(list), err)
			},
		},
		{
			name: "calls", viewer: anyone, summary: "calls in progress and the call log", time: askTime,
			about:   "Newest first. Times are by this phone's clock.",
			example: "calls --last 100",
			flags:   func(o *options, f *flag.FlagSet) { f.IntVar(&o.last, "last", 20, "`N`") },
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				if o.last < 0 {
					return usageError{"--last: a number of calls is not negative", ""}
				}
				list, err := s.phone.Calls(ctx, o.last)
				return answer(s, o, writeCalls)(some(list), err)
			},
		},
		{
			name: "lookup", viewer: anyone, args: "AOR", summary: "where an address is reached", time: askTime, least: 1, most: 1,
			about:   "AOR is an address of record: an extension (102), user@office or sip:user@office.",
			example: "lookup 102",
			names:   addresses,
			run: func(ctx context.Context, s *shell, o *options, args []string) error {
				aor, err := addressOfRecord(ctx, s.phone, args[0])
				if err != nil {
					return err
				}
				l, err := s.phone.Lookup(ctx, aor)
				l.Bindings = some(l.Bindings)
				return answer(s, o, writeLookup)(l, err)
			},
		},
		{
			name: "trace", viewer: anyone, args: "AOR", summary: "the way to an address through the ring", time: askTime, least: 1, most: 1,
			about:   "Names each phone that was asked. AOR as for lookup.",
			example: "trace 102",
			names:   addresses,
			run: func(ctx context.Context, s *shell, o *options, args []string) error {
				aor, err := addressOfRecord(ctx, s.phone, args[0])
				if err != nil {
					return err
				}
				t, err := s.phone.Trace(ctx, aor)
				t.Hops, t.Bindings = some(t.Hops), some(t.Bindings)
				return answer(s, o, writeTrace)(t, err)
			},
		},
		{
			name: "ring", viewer: anyone, summary: "this phone's neighbours in the ring", time: askTime,
			about:   "Predecessor and successors are the phones before and after it on the circle, fingers those farther away.",
			example: "ring",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				r, err := s.phone.Ring(ctx)
				r.Predecessors, r.Successors = some(r.Predecessors), some(r.Successors)
				r.Fingers, r.Peers = some(r.Fingers), some(r.Peers)
				return answer(s, o, writeRing)(r, err)
			},
		},
		{
			name: "audit", summary: "prove the ring, and repair it", time: auditTime,
			about:   "Goes round the ring once, compares all copies of all records, and repairs what is missing or differs. Fails if something stays wrong.",
			example: "audit && echo all is well",
			run:     audit,
		},
		{
			name: "enrol", args: "open|close|replace EXT", summary: "let new phones in", time: askTime, least: 1, most: 2,
			about: "Opens the office to new phones for a while, with a pairing code that is shown here and on the phone. Three wrong codes close it. " +
				"replace is for a phone that is dead for good: the new phone that joins with that code has its extension, contacts and unread messages, " +
				"and the dead one is shut out for ever, at that moment and not before. A phone that is alive is not replaced. " +
				"Its call log and settings are lost: if you have a backup of it, restore that instead. " +
				"With an extension that nobody has, the new phone gets that one.",
			example: "enrol replace 103",
			names:   words("close", "open", "replace").then("replace", extensions),
			run:     enrol,
		},
		{
			name: "revoke", args: "MEMBER", summary: "shut a phone out of the office, for ever", time: askTime, least: 1, most: 1,
			about: "For a phone that was lost or stolen. MEMBER is its extension or the beginning of its node, as members shows them. It cannot be undone: to come back, the phone must be enrolled anew. " +
				"enrol replace gives its extension, contacts and unread messages to another.",
			example: "revoke 103",
			names:   extensions,
			run:     revoke,
		},
		{
			name: "accounts", viewer: lists, args: "list|add USER|remove USER", summary: "accounts of other SIP phones and programs", time: askTime, most: 2,
			about: "Each is valid at every phone of the office, two seconds later: whichever is entered as its server. " +
				"Without --password a good one is made and shown once. --name is for people. remove ends its registrations, too.",
			example: "accounts add alice --name 'Alice Ames'",
			flags: func(o *options, f *flag.FlagSet) {
				f.StringVar(&o.password, "password", "", "`P`")
				f.StringVar(&o.name, "name", "", "`NAME`")
			},
			names: words("add", "list", "remove").then("remove", accountNames),
			run:   accounts,
		},
		{
			name: "contacts", viewer: lists, args: "list|set NUMBER|remove NUMBER", summary: "whom this phone knows by name", time: askTime, most: 2,
			about: "NUMBER is an extension or the user name of an account. With --lamp the lamp of that number " +
				"shows whether it is free, rings, is busy, or is out of reach. set replaces the contact of the same number.",
			example: "contacts set 102 --name Workshop --lamp 1",
			flags: func(o *options, f *flag.FlagSet) {
				f.StringVar(&o.name, "name", "", "`NAME`")
				f.IntVar(&o.lamp, "lamp", 0, "`N`")
			},
			names: words("list", "remove", "set").then("remove", contactNumbers).then("set", extensions),
			run:   contacts,
		},
		{
			name: "messages", args: "list|read ID|delete ID", summary: "text messages that wait for this phone", time: askTime, most: 2,
			about: "Oldest first. They wait for seven days at most, sealed so that only this phone can read them. " +
				"ID is as list shows it; its beginning is enough.",
			example: "messages read 4XK2",
			names:   words("delete", "list", "read").then("read", messageIDs).then("delete", messageIDs),
			run:     messages,
		},
		{
			name: "config", args: "show|get KEY|set KEY VALUE...|unset KEY", summary: "the configuration of this phone", time: askTime, most: maxValues,
			viewer: func(args []string) bool { return len(args) == 0 || args[0] == "show" || args[0] == "get" },
			about: "What holds now, from where (default, file or flag), and what the file says by now. Secrets are shown as stars. " +
				"set and unset change the file, and what they write holds from the next start on; a value that config check would refuse is not written. " +
				"A key that may be given more than once takes several values. found, join and extension count only for a phone that belongs to no office yet.",
			example: "config set hot-line 100",
			names:   words("get", "set", "show", "unset").then("get", configKeys).then("set", configKeys).then("unset", configKeys),
			run:     configure,
		},
		{
			name: "clock", args: "[set TIME]", summary: "the time of day, and where it is from", time: askTime, most: 2,
			viewer: func(args []string) bool { return len(args) == 0 },
			about: "set is for an office without a time server. TIME is 2026-11-23T10:30 in this phone's time-zone, or, with an offset, " +
				"2026-11-23T10:30:00+01:00 or 2026-11-23T09:30:00Z (UTC). The other phones take it over within minutes, an hour at the most; where there are four or more, " +
				"one of them is not believed alone, and the time is set on so many as clock set says. " +
				"A clock is set forward only, and one that is less than a minute ahead runs slower until it is right; more than a year at once asks for --sure, for there is no way back but a time server.",
			example: "clock set $(date -u +%FT%TZ)",
			flags:   func(o *options, f *flag.FlagSet) { f.BoolVar(&o.sure, "sure", false, "") },
			names:   words("set"),
			run:     setClock,
		},
		{
			name: "selftest", viewer: anyone, summary: "what is wrong with the parts of this phone", time: askTime,
			about: "Tells what the phone has noticed by itself: a device that is missing, a chip that does not answer, a line that never moves. " +
				"That a lamp shines, the bell rings and each key works only a person can tell, who lifts the handset and dials *#0*#. Fails if something is wrong.",
			example: "selftest",
			run:     selfTest,
		},
		{
			name: "log", viewer: anyone, summary: "what happened, in words",
			about:   "With --follow (-f) it goes on until Ctrl-C.",
			example: "log --follow",
			flags: func(o *options, f *flag.FlagSet) {
				f.BoolVar(&o.follow, "follow", false, "")
				f.BoolVar(&o.follow, "f", false, "")
			},
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				if !o.follow {
					return s.phone.Log(ctx, s.lines(o, s.out), false)
				}
				w := newSpool(s.lines(o, s.out))
				err := s.phone.Log(ctx, w, true)
				_, dropped := w.close()
				if dropped > 0 {
					fmt.Fprintf(s.err, "log: %d lines lost: the reader is too slow\n", dropped)
				}
				return streamed(err)
			},
		},
		{
			name: "dump", summary: "the last events, to reproduce a fault",
			about:   "Prints what the ring and the telephone have gone through, for tools/replay. It contains extensions, addresses and every key that was pressed, so perhaps a PIN; no speech and nothing secret of the office.",
			example: "dump > fault.txt",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				return s.phone.Dump(ctx, s.lines(o, s.out))
			},
		},
		{
			name: "capture", summary: "the ring's messages, for Wireshark",
			about:   "Writes a pcap file to standard output, until it is interrupted or for a while (--for 10s). At the end it says on standard error how much it was.",
			example: "capture | wireshark -k -i -",
			flags:   func(o *options, f *flag.FlagSet) { f.DurationVar(&o.period, "for", 0, "`TIME`") },
			run:     capture,
		},
		{
			name: "metrics", viewer: anyone, summary: "figures for Prometheus", time: askTime,
			about:   "The same as over HTTP, if the configuration has a metrics-port. No names and no numbers of telephones are among them.",
			example: "metrics | promtool check metrics",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				list, err := s.phone.Metrics(ctx)
				return answer(s, o, writeMetrics)(some(list), err)
			},
		},
		{
			name: "backup", summary: "identity and memory of this phone, encrypted", time: keepTime,
			about: "Takes a passphrase of at least 10 characters as the first line of standard input and writes a file for restore. " +
				"It is encrypted by age (age -d opens it, too) and holds the phone's keys: keep file and passphrase apart.",
			example: "backup < passphrase.txt > reception.age",
			run:     makeBackup,
		},
		{
			name: "restore", summary: "bring a backup back, onto this phone or a new one", time: keepTime,
			about: "Takes the passphrase as the first line of standard input and the backup behind it. Nothing is changed if anything is wrong with it. " +
				"--replace makes this phone another one of the office, which is gone; --older goes back behind what this phone has. Then reboot.",
			example: "restore < <(cat passphrase.txt reception.age)",
			flags: func(o *options, f *flag.FlagSet) {
				f.BoolVar(&o.older, "older", false, "")
				f.BoolVar(&o.replace, "replace", false, "")
			},
			run: restore,
		},
		{
			name: "update", args: "[status|now]", summary: "install a signed release", time: updateTime, most: 1,
			viewer: func(args []string) bool { return len(args) == 1 && args[0] == "status" },
			about: "Takes the release file as standard input and writes it beside the one that runs, while calls go on. " +
				"As soon as nobody calls the phone starts with it on trial, and goes back by itself if it does not do. Then the other phones take the release from it, in their update-hours. " +
				"update status says where that stands; update now lets a phone whose release waits for its hour start with it.",
			example: "update < chordophone.release",
			names:   words("now", "status"),
			run:     update,
		},
		{
			name: "reboot", summary: "start this phone anew", time: askTime,
			about:   "Calls in progress end.",
			example: "reboot",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				if s.device == nil {
					return errNoAppliance
				}
				return answer(s, o, writeDone)(done{"the phone starts anew"}, s.device.Reboot(ctx))
			},
		},
		{
			name: "version", viewer: anyone, summary: "which program this is", time: askTime,
			example: "version",
			run: func(ctx context.Context, s *shell, o *options, _ []string) error {
				return answer(s, o, writeVersion)(s.phone.Version(), nil)
			},
		},
		{
			name: "help", viewer: anyone, args: "[COMMAND]", summary: "this list, or more on one command", most: 1,
			example: "help lookup",
			names:   func(context.Context, Phone, []string) []string { return names() },
			run:     help,
		},
	}
}

// answer prints what the phone has answered, as JSON or as text.
func answer[T any](s *shell, o *options, text func(*page, T)) func(T, error) error {
	return func(v T, err error) error {
		if err != nil {
			return err
		}
		if o.json {
			return writeJSON(s.out, v)
		}
		var p page
		text(&p, v)
		_, err = s.out.Write(p.Bytes())
		return err
	}
}

// some makes an empty list of a nil one: in JSON, [] and not null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// addressOfRecord completes an extension to an address of record.
func addressOfRecord(ctx context.Context, phone Phone, s string) (string, error) {
	if len(s) > 4 && strings.EqualFold(s[:4], "sip:") { // RFC 3261, section 7.3.1
		s = s[4:]
	}
	user, office, ok := strings.Cut(s, "@")
	if !ok {
		st, err := phone.Status(ctx)
		if err != nil {
			return "", err
		}
		office = st.Office
	}
	if user == "" || office == "" || strings.ContainsFunc(user+office, func(r rune) bool { return r <= ' ' || strings.ContainsRune("@:;?<>\"\x7f", r) }) {
		return "", usageError{fmt.Sprintf("%q is not an address of record", s), "an extension like 102, or user@office"}
	}
	return "sip:" + user + "@" + office, nil
}

func audit(ctx context.Context, s *shell, o *options, _ []string) error {
	a, err := s.phone.Audit(ctx)
	a.Findings = some(a.Findings)
	if err := answer(s, o, writeAudit)(a, err); err != nil {
		return err
	}
	if !a.OK {
		return hinted{errors.New("not all is well"), "wait a minute, while the ring repairs itself, and try again"}
	}
	return nil
}
