package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// The commands for accounts, contacts and messages. Each has words of its own
// behind its name, list if there is none.

// word is what such a command is to do.
func word(name string, args []string, withArgument ...string) (what, arg string, err error) {
	hint := "help " + name
	if len(args) == 0 || args[0] == "list" {
		if len(args) > 1 {
			return "", "", usageError{fmt.Sprintf("%q is too much", args[1]), hint}
		}
		return "list", "", nil
	}
	for _, w := range withArgument {
		if args[0] != w {
			continue
		}
		if len(args) < 2 || args[1] == "" {
			return "", "", usageError{w + " what?", hint}
		}
		return w, args[1], nil
	}
	return "", "", usageError{fmt.Sprintf("%q is none of list, %s", args[0], strings.Join(withArgument, ", ")), hint}
}

// done is the answer to what has nothing to say.
type done struct {
	Done string `json:"done"`
}

func writeDone(p *page, d done) { p.line("%s", d.Done) }

func accounts(ctx context.Context, s *shell, o *options, args []string) error {
	what, user, err := word("accounts", args, "add", "remove")
	switch {
	case err != nil:
		return err
	case what == "list":
		list, err := s.phone.Accounts(ctx)
		return answer(s, o, writeAccounts)(some(list), err)
	case what == "add":
		return answer(s, o, writeNewAccount)(s.phone.AddAccount(ctx, user, o.password, o.name))
	}
	return answer(s, o, writeDone)(done{fmt.Sprintf("account %s is removed", user)}, s.phone.RemoveAccount(ctx, user))
}

func contacts(ctx context.Context, s *shell, o *options, args []string) error {
	what, number, err := word("contacts", args, "set", "remove")
	switch {
	case err != nil:
		return err
	case what == "list":
		list, err := s.phone.Contacts(ctx)
		return answer(s, o, writeContacts)(some(list), err)
	case what == "set" && (o.lamp < 0 || o.lamp > 255):
		return usageError{fmt.Sprintf("--lamp: there is no lamp %d", o.lamp), "from 1 on, or 0 for none"}
	case what == "set":
		c := Contact{Number: number, Name: o.name, Lamp: o.lamp}
		return answer(s, o, writeContact)(c, s.phone.SetContact(ctx, c))
	}
	return answer(s, o, writeDone)(done{fmt.Sprintf("contact %s is removed", number)}, s.phone.RemoveContact(ctx, number))
}

func messages(ctx context.Context, s *shell, o *options, args []string) error {
	what, id, err := word("messages", args, "read", "delete")
	if err != nil {
		return err
	}
	list, err := s.phone.Messages(ctx)
	if err != nil || what == "list" {
		return answer(s, o, writeMessages)(some(list), err)
	}
	m, err := chooseMessage(list, id)
	if err != nil {
		return err
	}
	if what == "read" {
		return answer(s, o, writeMessage)(m, nil)
	}
	return answer(s, o, writeDone)(done{fmt.Sprintf("message %s is deleted", m.ID)}, s.phone.DeleteMessage(ctx, m.ID))
}

// chooseMessage finds the one message that is meant.
func chooseMessage(list []Message, id string) (Message, error) {
	var found []Message
	for _, m := range list {
		if m.ID == id {
			return m, nil
		}
		if strings.HasPrefix(strings.ToLower(m.ID), strings.ToLower(id)) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return Message{}, hinted{fmt.Errorf("no message %q", id), "messages list shows them"}
	case 1:
		return found[0], nil
	}
	return Message{}, hinted{errors.New("several messages begin like that"), "give more of the ID, as messages list shows it"}
}

func writeAccounts(p *page, list []Account) {
	if len(list) == 0 {
		p.line("no accounts")
		p.hint("accounts add USER makes one for a SIP phone or program that is not of this office's kind")
		return
	}
	rows := [][]string{{"USER", "NAME", "ADDRESS", "MADE AT"}}
	for _, a := range list {
		rows = append(rows, []string{a.User, a.Name, bare(a.AOR), short(a.Node)})
	}
	p.table(rows...)
	p.line("%s", count(len(list), "account", "accounts"))
}

func writeNewAccount(p *page, a NewAccount) {
	p.line("account %s is made", a.User)
	p.fields(
		[2]string{"address", bare(a.AOR)},
		[2]string{"user", a.User},
		[2]string{"realm", a.Realm},
		[2]string{"password", a.Password},
	)
	if a.Password != "" {
		p.line("Note the password down: it is not shown again.")
	}
	if a.Remark != "" {
		p.line("remark: %s", a.Remark)
	}
	p.hint("as server enter the IP address of any phone of the office: members shows them; registrations shows when it is in")
}

func writeContacts(p *page, list []Contact) {
	if len(list) == 0 {
		p.line("no contacts")
		p.hint("contacts set 102 --name Workshop adds one")
		return
	}
	rows := [][]string{{"NUMBER", "NAME", "LAMP"}}
	for _, c := range list {
		rows = append(rows, []string{c.Number, c.Name, lampName(c.Lamp)})
	}
	p.table(rows...)
}

func writeContact(p *page, c Contact) {
	text := "contact " + c.Number + " is set"
	if c.Name != "" {
		text += ": " + c.Name
	}
	if c.Lamp > 0 {
		text += ", on lamp " + lampName(c.Lamp)
	}
	p.line("%s", text)
}

func lampName(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func writeMessages(p *page, list []Message) {
	if len(list) == 0 {
		p.line("no messages")
		return
	}
	rows := [][]string{{"ID", "SENT", "FROM", "NAME", "TEXT"}}
	for _, m := range list {
		rows = append(rows, []string{m.ID, m.Sent.Format("2006-01-02 15:04"), bare(m.From), m.Name, beginning(m.Text)})
	}
	p.table(rows...)
	p.hint("messages read ID shows all of one, messages delete ID removes it")
}

// beginning is as much of a text as fits into a line of a list.
func beginning(text string) string {
	const most = 40
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(runes)
}

func writeMessage(p *page, m Message) {
	p.fields(
		[2]string{"from", strings.TrimSpace(m.Name + " " + bare(m.From))},
		[2]string{"sent", m.Sent.Format("2006-01-02 15:04:05")},
	)
	p.line("")
	for line := range strings.Lines(m.Text) {
		p.line("%s", strings.TrimRight(line, "\r\n"))
	}
}
