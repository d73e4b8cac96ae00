package manage

import "context"

// helpEntry is one line of help --json.
type helpEntry struct {
	Name    string `json:"name"`
	Usage   string `json:"usage"`
	Summary string `json:"summary"`
	About   string `json:"about,omitempty"`
	Example string `json:"example"`
	Viewer  bool   `json:"viewer"` // a viewer may give it, in one way at least
}

func (c *command) entry() helpEntry {
	return helpEntry{c.name, c.usage(), c.summary, c.about, c.example, c.viewer != nil}
}

func help(_ context.Context, s *shell, o *options, args []string) error {
	if len(args) == 0 {
		var list []helpEntry
		for _, c := range commands() {
			list = append(list, c.entry())
		}
		return answer(s, o, writeHelp)(list, nil)
	}
	c := find(args[0])
	if c == nil {
		return usageError{"no such command: " + args[0], "help lists them"}
	}
	return answer(s, o, writeHelpOn)(c.entry(), nil)
}

func writeHelp(p *page, list []helpEntry) {
	p.line("This is a telephone of an office without a server: the phones keep all that they")
	p.line("must know together, in a ring. Each can be asked about the whole office.")
	p.line("")
	var rows [][2]string
	for _, e := range list {
		name := e.Name
		if c := find(name); c.args != "" {
			name += " " + c.args
		}
		rows = append(rows, [2]string{"  " + name, e.Summary})
	}
	p.fields(rows...)
	p.line("")
	p.line("First steps: status says whether all is well, members who belongs to the office,")
	p.line("enrol open lets a new phone in, accounts add alice a SIP phone of another make.")
	p.line("When a call fails: lookup 102, trace 102, log.")
	p.line("Each command takes --json, for scripts. help COMMAND says more, with an example.")
	p.line("With a terminal and no command (ssh -t) the office is shown on a whole screen.")
	p.line("A key that stands behind %s in authorized_keys may only look.", `environment="ROLE=viewer"`)
}

func writeHelpOn(p *page, e helpEntry) {
	p.line("%s: %s", e.Name, e.Summary)
	p.line("")
	p.fields([2]string{"usage", e.Usage}, [2]string{"example", "ssh -p 2222 admin@PHONE " + e.Example})
	if !e.Viewer {
		p.line("for admins only")
	}
	if e.About != "" {
		p.line("")
		p.line("%s", e.About)
	}
}
