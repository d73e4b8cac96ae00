package manage

import (
	"fmt"
	"strings"
)

// role is what somebody who was let in may do.
type role uint8

const (
	viewer role = iota // only looks: changes nothing, and sees no secrets and no messages
	admin
)

func (r role) String() string { return [...]string{"viewer", "admin"}[r] }

// roleOption is the option of a line in authorized_keys that says the role. It is one
// of OpenSSH's, whose tools do not stumble over it:
//
//	environment="ROLE=viewer" ssh-ed25519 AAAA... trainee
const roleOption = "environment"

// parseRole reads the value of that option, with its quotation marks.
func parseRole(value string) (role, error) {
	name, is, ok := strings.Cut(strings.Trim(value, `"`), "=")
	if !ok || name != "ROLE" {
		return viewer, fmt.Errorf(`option %s is not known here but as %s="ROLE=viewer"`, roleOption, roleOption)
	}
	for _, r := range []role{viewer, admin} {
		if is == r.String() {
			return r, nil
		}
	}
	return viewer, fmt.Errorf("role %q is neither %s nor %s", is, viewer, admin)
}

// may says whether somebody of this role may give a command. Who adds a command and
// does not think of this shuts viewers out.
func (r role) may(c *command, args []string) bool {
	return r == admin || c.viewer != nil && c.viewer(args)
}

// anyone lets viewers give a command, lists only those uses of it that list.
func anyone([]string) bool { return true }
func lists(args []string) bool {
	return len(args) == 0 || args[0] == "list"
}
