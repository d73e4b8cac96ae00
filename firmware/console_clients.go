package firmware

import (
	"context"
	"errors"
	"strings"

	"chordophone/firmware/manage"
	"chordophone/firmware/usage"
	"chordophone/hal"
)

// This file is what the console does for the clients that people already own, and
// for this phone's contacts and messages.

func (c console) Accounts(ctx context.Context) ([]manage.Account, error) {
	list, err := c.accounts.List(ctx)
	out := make([]manage.Account, len(list))
	for i, a := range list {
		out[i] = manage.Account{User: a.User, AOR: "sip:" + a.User + "@" + c.member.Office(), Name: a.Name, MD5: a.MD5, Node: a.By}
	}
	return out, err
}

func (c console) AddAccount(ctx context.Context, user, password, name string) (manage.NewAccount, error) {
	made, remark, err := c.accounts.Add(ctx, user, password, name)
	if err != nil {
		return manage.NewAccount{}, err
	}
	user = strings.ToLower(user)
	return manage.NewAccount{
		User: user, AOR: "sip:" + user + "@" + c.member.Office(), Name: name, Realm: c.member.Office(),
		Password: made, Remark: remark,
	}, nil
}

func (c console) RemoveAccount(ctx context.Context, user string) error {
	return c.accounts.Remove(ctx, user)
}

func (c console) Contacts(ctx context.Context) ([]manage.Contact, error) {
	list, err := c.contacts.List(ctx, c.exchange.self)
	out := make([]manage.Contact, len(list))
	for i, one := range list {
		number, _, _ := strings.Cut(one.AOR, "@")
		out[i] = manage.Contact{Number: number, Name: one.Name, Lamp: int(one.Lamp)}
	}
	return out, err
}

// lampsOfContacts is how many lamps there are for contacts.
const lampsOfContacts = hal.Lamps - hal.LampContact

func (c console) SetContact(ctx context.Context, one manage.Contact) error {
	if one.Lamp < 0 || one.Lamp > lampsOfContacts {
		return hinted{errors.New("there is no such lamp"), "lamps of contacts are 1 to 10; 0 is none"}
	}
	return c.contacts.Set(ctx, usage.Contact{
		Owner: c.exchange.self, AOR: c.addressOf(one.Number), Name: one.Name, Order: uint16(one.Lamp), Lamp: uint8(one.Lamp),
	})
}

func (c console) RemoveContact(ctx context.Context, number string) error {
	return c.contacts.Remove(ctx, c.exchange.self, c.addressOf(number))
}

func (c console) addressOf(number string) string {
	return strings.ToLower(number) + "@" + c.member.Office()
}

func (c console) Messages(ctx context.Context) ([]manage.Message, error) {
	list, err := c.mailbox.Waiting(ctx, c.exchange.self)
	out := make([]manage.Message, len(list))
	for i, m := range list {
		from, _, _ := strings.Cut(m.From, "@")
		out[i] = manage.Message{ID: m.ID, From: from, Name: m.Name, Sent: m.Sent, Text: string(m.Body)}
	}
	return out, err
}

func (c console) DeleteMessage(ctx context.Context, id string) error {
	list, err := c.mailbox.Waiting(ctx, c.exchange.self)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.ID == id {
			return c.mailbox.Remove(ctx, m)
		}
	}
	return hinted{errors.New("there is no such message"), "see messages"}
}
