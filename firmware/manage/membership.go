package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

func enrol(ctx context.Context, s *shell, o *options, args []string) error {
	switch {
	case args[0] == "replace" && len(args) == 1:
		return usageError{"replace whom?", "enrol replace EXT: members lists them"}
	case args[0] == "replace":
		return answer(s, o, writeEnrolment)(s.phone.OpenEnrolmentFor(ctx, args[1]))
	case len(args) > 1:
		return usageError{fmt.Sprintf("%q is too much", args[1]), "help enrol"}
	case args[0] == "open":
		return answer(s, o, writeEnrolment)(s.phone.OpenEnrolment(ctx))
	case args[0] == "close":
		return answer(s, o, writeEnrolment)(Enrolment{}, s.phone.CloseEnrolment(ctx))
	}
	return usageError{fmt.Sprintf("%q is none of open, close, replace", args[0]), "enrol open, enrol close, or enrol replace EXT"}
}

func revoke(ctx context.Context, s *shell, o *options, args []string) error {
	members, err := s.phone.Members(ctx)
	if err != nil {
		return err
	}
	m, err := choose(members, args[0])
	if err != nil {
		return err
	}
	switch {
	case m.Self:
		return hinted{errors.New("that is this phone itself"), "revoke it at another phone of the office"}
	case m.Revoked:
		return fmt.Errorf("extension %s (node %s) was revoked before", m.Extension, m.Node)
	}
	if err := s.phone.Revoke(ctx, m.Node); err != nil {
		return err
	}
	m.Revoked, m.Online = true, false
	return answer(s, o, writeRevoked)(m, nil)
}

// leastNode is how many digits a node must be given with: as many as members
// shows, so that a wrong extension is not taken for a node.
const leastNode = 8

// choose finds the one member that is meant: by extension or by node.
func choose(members []Member, name string) (Member, error) {
	var found []Member
	for _, m := range members {
		if m.Extension == name && !m.Revoked {
			found = append(found, m)
		}
	}
	if len(found) == 0 && len(name) >= leastNode {
		for _, m := range members {
			if strings.HasPrefix(m.Node, strings.ToLower(name)) {
				found = append(found, m)
			}
		}
	}
	switch len(found) {
	case 0:
		return Member{}, hinted{fmt.Errorf("no member %q", name), "members lists them"}
	case 1:
		return found[0], nil
	}
	return Member{}, hinted{fmt.Errorf("%d members are %q", len(found), name), "give the node instead, as members --json shows it"}
}
