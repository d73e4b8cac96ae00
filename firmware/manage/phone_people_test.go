package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

func (f *fakePhone) Revoke(_ context.Context, node string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revoked = append(f.revoked, node)
	return nil
}

func (f *fakePhone) OpenEnrolment(context.Context) (Enrolment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = true
	return Enrolment{Open: true, Code: "314159", LeftS: 600}, nil
}

func (f *fakePhone) OpenEnrolmentFor(_ context.Context, extension string) (Enrolment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := Enrolment{Open: true, Code: "271828", LeftS: 600, Extension: extension}
	switch extension {
	case "102":
		return Enrolment{}, hinted{errors.New("extension 102: the telephone to be replaced is alive"), "switch it off"}
	case "103":
		e.Replaces, e.SeenS = nodes[2], 7200
	case "104":
		e.Replaces = nodes[3]
	}
	f.open = true
	return e, nil
}

func (f *fakePhone) CloseEnrolment(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = false
	return nil
}

func (f *fakePhone) Accounts(context.Context) ([]Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.accounts), nil
}

func (f *fakePhone) AddAccount(_ context.Context, user, password, name string) (NewAccount, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if user == "102" {
		return NewAccount{}, hinted{errors.New("102 is the extension of a telephone"), "choose another user name: members lists the extensions"}
	}
	made := NewAccount{User: user, AOR: "sip:" + user + "@acme", Name: name, Realm: "acme"}
	switch {
	case password == "":
		made.Password = "HDJ4WZ3N6QYTRX2KBVCMPLSGFA"
	case len(password) < 12:
		made.Remark = "the password is short; without --password a good one is made"
	}
	f.accounts = append(f.accounts, Account{User: user, AOR: made.AOR, Name: name, MD5: true, Node: nodes[0]})
	return made, nil
}

func (f *fakePhone) RemoveAccount(_ context.Context, user string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.accounts)
	f.accounts = slices.DeleteFunc(f.accounts, func(a Account) bool { return a.User == user })
	if len(f.accounts) == n {
		return hinted{fmt.Errorf("account %s: there is no such account", user), "accounts list shows them"}
	}
	return nil
}

func (f *fakePhone) Contacts(context.Context) ([]Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.contacts), nil
}

func (f *fakePhone) SetContact(_ context.Context, c Contact) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contacts = append(slices.DeleteFunc(f.contacts, func(o Contact) bool { return o.Number == c.Number }), c)
	return nil
}

func (f *fakePhone) RemoveContact(_ context.Context, number string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contacts = slices.DeleteFunc(f.contacts, func(o Contact) bool { return o.Number == number })
	return nil
}

func (f *fakePhone) Messages(context.Context) ([]Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.messages), nil
}

func (f *fakePhone) DeleteMessage(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages = slices.DeleteFunc(f.messages, func(m Message) bool { return m.ID == id })
	return nil
}

// somePosts are messages, one of them from somebody who knows terminals.
func somePosts() []Message {
	sent := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	return []Message{
		{ID: "4XK2AAAA", From: "sip:102@acme", Name: "Zoë", Sent: sent, Text: "The parcel has come.\nIt stands at the door, where everybody falls over it."},
		{ID: "4XZZBBBB", From: "sip:eve@acme", Sent: sent.Add(time.Hour), Text: "\x1b[2Jred\u202e"},
	}
}
