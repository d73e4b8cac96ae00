package usage

import (
	"cmp"
	"context"
	"crypto/ecdh"
	crand "crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/sip/digest"
)

// MaxAccounts is how many the office may have: all are read together.
const MaxAccounts = 500

// Limits on a password, in octets.
const (
	maxPassword    = 128
	strongPassword = 12 // a shorter one is taken, with a remark
)

// Account is the SIP account of an existing client.
type Account struct {
	User string // "alice", in lower case
	Name string // for people, may be empty
	MD5  bool   // the client may authenticate with MD5, as old ones must
	By   string // Node-ID of the phone at which it was made
}

// Accounts are the SIP accounts of existing clients, one CREDENTIAL record each,
// all at one point of the ring. Every phone keeps a copy of all in memory, so that
// a look-up takes no time and strangers cannot tell by it who exists.
//
// A password is not kept, but who reads a digest.Secret can log in with it: it is known
// to all phones of the office and to whoever takes one apart.
type Accounts struct {
	ring    Ring
	writer  *Writer
	members *Members
	changes *Changes
	office  string

	adding sync.Mutex // one account is added or removed at a time

	mu     sync.RWMutex // guards what follows
	loaded bool
	all    map[string]credential
	by     map[string]overlay.ID
}

// NewAccounts makes the accounts of an office, whose name is their realm.
func NewAccounts(ring Ring, writer *Writer, members *Members, changes *Changes, office string) *Accounts {
	a := &Accounts{ring: ring, writer: writer, members: members, changes: changes, office: office}
	changes.Watch(overlay.Credential, func(ctx context.Context, _ overlay.ID) error { return a.read(ctx) })
	return a
}

// Errors of Add and Remove, for people.
var (
	ErrAccountExists = errors.New("there is such an account")
	ErrNoAccount     = errors.New("there is no such account")
)

// hinted is an error for people.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string  { return h.hint }
func (h hinted) Unwrap() error { return h.error }

// Lookup returns an account's secret. It takes no time; an account that was made
// just now at another phone may be missed, and is known two seconds later.
func (a *Accounts) Lookup(user string) (digest.Secret, bool) {
	c, ok := a.get(user)
	if !ok {
		a.changes.Doubt(overlay.Credential)
		return digest.Secret{}, false
	}
	s := digest.Secret{SHA256: c.sha256[:]}
	if c.weak {
		s.MD5 = c.md5[:]
	}
	return s, true
}

// List is all accounts, in the order of their names.
func (a *Accounts) List(ctx context.Context) ([]Account, error) {
	if err := a.read(ctx); err != nil {
		return nil, err
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	var out []Account
	for _, user := range slices.Sorted(maps.Keys(a.all)) {
		out = append(out, Account{User: user, Name: a.all[user].name, MD5: a.all[user].weak, By: a.by[user].String()})
	}
	return out, nil
}

// Add makes an account. Without a password it makes one of 128 bits; the password
// it returns is not to be seen again. remark says what is not good about the
// password, if anything. It returns when two disks have the account.
func (a *Accounts) Add(ctx context.Context, user, password, name string) (made, remark string, err error) {
	user = strings.ToLower(user)
	if err := CheckUser(user); err != nil {
		return "", "", err
	}
	if !isText(name, 0, maxName) {
		return "", "", hinted{fmt.Errorf("name %.70q", name), fmt.Sprintf("at most %d octets, no control characters", maxName)}
	}
	switch made = password; {
	case made == "":
		made = crand.Text() // 128 bits at least
	case !isText(made, 1, maxPassword):
		return "", "", hinted{errors.New("the password is too long or has control characters"), fmt.Sprintf("at most %d octets; without one, a good one is made", maxPassword)}
	case len(made) < strongPassword:
		remark = "the password is short; without --password a good one is made"
	}
	a.adding.Lock()
	defer a.adding.Unlock()
	if err := a.free(ctx, user); err != nil {
		return "", "", err
	}
	c := credential{user: user, name: name, weak: true}
	secret := digest.NewSecret(user, a.office, made)
	c.sha256, c.md5 = [32]byte(secret.SHA256), [16]byte(secret.MD5)
	key, err := ecdh.P256().GenerateKey(crand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("account %s: %w", user, err)
	}
	c.mailbox = [32]byte(key.Bytes())
	value, err := c.append(nil)
	if err != nil {
		return "", "", fmt.Errorf("account %s: %w", user, err)
	}
	if err := a.put(ctx, overlay.Record{Key: []byte(user), Value: value}); err != nil {
		return "", "", fmt.Errorf("account %s: %w", user, err)
	}
	return made, remark, nil
}

// free says whether an account of this name can be made.
func (a *Accounts) free(ctx context.Context, user string) error {
	if err := a.read(ctx); err != nil {
		return err
	}
	a.mu.RLock()
	_, exists := a.all[user]
	count := len(a.all)
	a.mu.RUnlock()
	switch {
	case exists:
		return hinted{fmt.Errorf("account %s: %w", user, ErrAccountExists), "to change its password, remove it and add it anew"}
	case count >= MaxAccounts:
		return hinted{fmt.Errorf("account %s: the office has %d accounts, which is the most", user, count), "remove one: accounts list"}
	}
	taken, err := a.members.Has(ctx, user+"@"+a.office)
	if err != nil {
		return err
	}
	if taken {
		return hinted{fmt.Errorf("%s is the extension of a telephone", user), "choose another user name: members lists the extensions"}
	}
	return nil
}

// Remove takes an account away, and its clients' bindings.
func (a *Accounts) Remove(ctx context.Context, user string) error {
	user = strings.ToLower(user)
	a.adding.Lock()
	defer a.adding.Unlock()
	if err := a.read(ctx); err != nil {
		return err
	}
	if _, ok := a.get(user); !ok {
		return hinted{fmt.Errorf("account %s: %w", user, ErrNoAccount), "accounts list shows them"}
	}
	// For ever, as the account itself: a phone that was off must not bring it back.
	if err := a.put(ctx, overlay.Record{Key: []byte(user), Removed: true}); err != nil {
		return fmt.Errorf("account %s: %w", user, err)
	}
	at := overlay.ResourceID(user + "@" + a.office)
	bindings, _, err := a.ring.Get(ctx, at, overlay.Binding)
	if err != nil {
		return fmt.Errorf("account %s is removed, its registrations will expire: %w", user, err)
	}
	for _, b := range bindings {
		gone := overlay.Record{Resource: at, Kind: overlay.Binding, Key: b.Key, Removed: true, Lifetime: tombstoneLife}
		if _, err := a.writer.Put(ctx, gone); err != nil {
			return fmt.Errorf("account %s is removed, its registrations will expire: %w", user, err)
		}
	}
	return nil
}

func (a *Accounts) put(ctx context.Context, r overlay.Record) error {
	r.Resource, r.Kind, r.Lifetime = identity.AccountsResource, overlay.Credential, memberLife
	if _, err := a.writer.Put(ctx, r); err != nil {
		return err
	}
	a.changes.Tell(overlay.Credential, identity.AccountsResource)
	return a.read(ctx)
}

// read brings this phone's copy up to date.
func (a *Accounts) read(ctx context.Context) error {
	records, _, err := a.ring.Get(ctx, identity.AccountsResource, overlay.Credential)
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	all, by := make(map[string]credential), make(map[string]overlay.ID)
	for _, r := range records {
		// One that no Add could have made is nobody's account.
		if c, err := parseCredential(r.Value); err == nil && c.user == string(r.Key) && CheckUser(c.user) == nil && len(all) < MaxAccounts {
			all[c.user], by[c.user] = c, r.Owner
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all, a.by, a.loaded = all, by, true
	return nil
}

// known reports whether an account is there, as far as this phone knows; it reads
// them if it never did.
func (a *Accounts) known(ctx context.Context, user string) (bool, error) {
	a.mu.RLock()
	_, ok := a.all[user]
	loaded := a.loaded
	a.mu.RUnlock()
	if ok {
		return true, nil
	}
	if loaded {
		a.changes.Doubt(overlay.Credential)
		return false, nil
	}
	err := a.read(ctx)
	_, ok = a.get(user)
	return ok, err
}

// get is an account, as far as this phone knows.
func (a *Accounts) get(user string) (credential, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	c, ok := a.all[user]
	return c, ok
}

// CheckUser says whether an account can have this user name: letters, digits and
// inner - . _, which mean the same in every URI. // RFC 3261, section 25.1, unreserved
func CheckUser(user string) error {
	ok := user != "" && len(user) <= maxUser
	for i, c := range user {
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		inner := i > 0 && i < len(user)-1 && strings.ContainsRune("-._", c)
		ok = ok && (letter || inner)
	}
	if !ok {
		return hinted{fmt.Errorf("%.70q cannot be a user name", user), fmt.Sprintf("1 to %d lower case letters and digits, and - . _ within", maxUser)}
	}
	return nil
}

// numbers are the accounts that look like extensions: no telephone may get them.
func numbers(ctx context.Context, ring Ring) (taken []int, err error) {
	records, _, err := ring.Get(ctx, identity.AccountsResource, overlay.Credential)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	for _, r := range records {
		if n, err := strconv.Atoi(string(r.Key)); err == nil && strconv.Itoa(n) == string(r.Key) {
			taken = append(taken, n)
		}
	}
	slices.SortFunc(taken, cmp.Compare)
	return taken, nil
}
