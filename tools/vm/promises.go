package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// truth is what is known of a fact that the telephone is to keep.
type truth int

const (
	unsure truth = iota // asked for, and never answered: either is right
	kept                // it was told to be there
	gone                // it was told to be not
)

// promises are what the telephone has acknowledged. They are for several goroutines.
type promises struct {
	arrive time.Duration // how long messages that wait may take to arrive
	settle time.Duration // how long all else may take to be there: from another telephone

	mu       sync.Mutex
	serial   int
	contacts map[string]map[string]truth // account, contact URI
	accounts map[string]truth
	messages map[string]truth // text; gone once received
	made     tally            // since the power came on
}

// tally counts acknowledgements.
type tally struct{ contacts, accounts, messages int }

func (t tally) all() int { return t.contacts + t.accounts + t.messages }

func newPromises() *promises {
	return &promises{arrive: time.Minute, contacts: map[string]map[string]truth{}, accounts: map[string]truth{}, messages: map[string]truth{}}
}

// next is a number that was never used.
func (p *promises) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	return p.serial
}

// note notes what became of a fact, and counts it if the telephone told.
func (p *promises) note(facts map[string]truth, fact string, t truth, count *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	facts[fact] = t
	if t != unsure {
		*count++
	}
}

// of returns an account's contacts.
func (p *promises) of(account string) map[string]truth {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.contacts[account] == nil {
		p.contacts[account] = map[string]truth{}
	}
	return p.contacts[account]
}

// pick returns a fact that is kept, "" if there are fewer than least.
func (p *promises) pick(facts map[string]truth, least int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for f, t := range facts {
		if t == kept {
			all = append(all, f)
		}
	}
	if len(all) < least {
		return ""
	}
	return slices.Min(all)
}

// vacant returns one of so many facts that is not there. They are few and come again, for
// what is removed is kept in mind for an hour, and counts among the records of its writer.
func (p *promises) vacant(facts map[string]truth, of int, name func(i int) string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range of {
		p.serial++
		f := name(p.serial % of)
		if t, known := facts[f]; !known || t == gone {
			return f
		}
	}
	p.serial++
	return name(p.serial + of)
}

// begin forgets the tally.
func (p *promises) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = tally{}
}

// count is the tally.
func (p *promises) count() tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made
}

// differ holds facts against what is there, and takes that for the truth.
func (p *promises) differ(what string, facts map[string]truth, there []string) (broken []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range slices.Sorted(maps.Keys(facts)) {
		is := slices.Contains(there, f)
		switch {
		case facts[f] == kept && !is:
			broken = append(broken, what+" "+f+" is lost")
		case facts[f] == gone && is:
			broken = append(broken, what+" "+f+" was removed and is back")
		}
	}
	if p.settle > 0 {
		return broken // what is not there, and was not promised either, may still come
	}
	for f := range facts {
		facts[f] = gone
		if slices.Contains(there, f) {
			facts[f] = kept
		}
	}
	return broken
}

// deliver notes that texts arrived, and returns how many are still to come.
func (p *promises) deliver(texts []string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range texts {
		p.messages[t] = gone
	}
	n := 0
	for _, t := range p.messages {
		if t == kept {
			n++
		}
	}
	return n
}

// box is the account whose owner is away, registrants those whose contacts change.
const box = "box"

var registrants = [...]string{"reg0", "reg1", "reg2"}

// check asks the telephone for all that it promised, and returns what is missing.
func (p *promises) check(ctx context.Context, c *client, con *console) (broken []string, err error) {
	for end := time.Now().Add(p.settle); ; time.Sleep(500 * time.Millisecond) {
		if broken, err = p.look(ctx, c, con); err == nil && len(broken) == 0 || !time.Now().Before(end) {
			break
		}
	}
	if err != nil {
		return broken, err
	}
	lost, err := p.collect(ctx, c)
	return append(broken, lost...), err
}

// look is check for what does not arrive as a message.
func (p *promises) look(ctx context.Context, c *client, con *console) (broken []string, err error) {
	var list []struct{ User string }
	if err := con.run(&list, "accounts list"); err != nil {
		return nil, err
	}
	var users []string
	for _, a := range list {
		users = append(users, a.User)
	}
	broken = p.differ("account", p.accounts, users)
	if len(broken) > 0 {
		return broken, nil // whom it does not know it may not be asked for
	}
	for _, r := range registrants {
		there, err := c.register(ctx, r, "", 0)
		if err != nil {
			return broken, err
		}
		broken = append(broken, p.differ("contact of "+r, p.of(r), there)...)
	}
	return broken, nil
}

// collect lets the owner of the box come, take the messages that wait, and go.
func (p *promises) collect(ctx context.Context, c *client) (broken []string, err error) {
	if _, err := c.register(ctx, box, c.contact(box), 600); err != nil {
		return nil, err
	}
	for end := time.Now().Add(p.arrive); p.deliver(c.messages()) > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	there, err := c.register(ctx, box, c.contact(box), 0)
	if err != nil {
		return nil, err
	}
	if len(there) > 0 {
		return nil, fmt.Errorf("%s is still registered: %q", box, there)
	}
	p.deliver(c.messages())
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range slices.Sorted(maps.Keys(p.messages)) {
		if p.messages[text] == kept {
			broken = append(broken, "message "+text+" is lost")
		}
		delete(p.messages, text)
	}
	return broken, nil
}

// work has the telephone promise things until ctx ends.
func (p *promises) work(ctx context.Context, c *client, con *console) {
	var all sync.WaitGroup
	for _, r := range registrants {
		all.Go(func() {
			for ctx.Err() == nil {
				p.registration(ctx, c, r)
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			text := fmt.Sprintf("message-%d", p.next())
			p.note(p.messages, text, unsure, nil)
			if c.message(ctx, registrants[0], box, text) == nil {
				p.note(p.messages, text, kept, &p.made.messages)
			}
		}
	})
	all.Go(func() {
		for ctx.Err() == nil && p.account(con) == nil {
		}
	})
	all.Wait()
}

// registration adds a contact, or removes one if there are many.
func (p *promises) registration(ctx context.Context, c *client, user string) {
	facts := p.of(user)
	contact, expires, told := p.pick(facts, 5), 0, gone
	if contact == "" {
		contact, expires, told = p.vacant(facts, 32, func(i int) string { return c.contact(fmt.Sprintf("c%d", i)) }), 3600, kept
	}
	p.note(facts, contact, unsure, nil)
	if _, err := c.register(ctx, user, contact, expires); err == nil {
		p.note(facts, contact, told, &p.made.contacts)
	}
}

// account adds an account, or removes one if there are many.
func (p *promises) account(con *console) error {
	user, told := p.pick(p.accounts, 10), gone
	command := "accounts remove " + user
	if user == "" {
		user, told = p.vacant(p.accounts, 64, func(i int) string { return fmt.Sprintf("a%d", i) }), kept
		command = "accounts add " + user + " --password '" + password + "'"
	}
	p.note(p.accounts, user, unsure, nil)
	if err := con.run(nil, command); err != nil {
		return err
	}
	p.note(p.accounts, user, told, &p.made.accounts)
	return nil
}
