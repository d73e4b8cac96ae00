package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ListType is the type of a printed List.
const ListType = "application/rlmi+xml"

// MaxResources is how many resources one list has.
const MaxResources = 64

// List is an rlmi document: RFC 4662, section 5.
type List struct {
	URI       string
	Version   uint32 // one more in each document of a subscription
	Full      bool   // all resources, not only those that have changed
	Resources []Resource
}

// Resource is one entry. Without State it has no instance: nothing is known yet.
type Resource struct {
	URI    string
	Name   string // for people
	State  string // active, pending or terminated, as a subscription's
	Reason string // why it is terminated
	CID    string // the part that holds its state, empty if none does
}

// ParseList reads an rlmi document with at most one instance to each resource.
func ParseList(octets []byte) (List, error) {
	root, err := read(octets, rlmiSpace, "list")
	if err != nil {
		return List{}, err
	}
	version, err := strconv.ParseUint(root.attr("version"), 10, 32)
	if err != nil {
		return List{}, malformed("version %.20q", root.attr("version"))
	}
	l := List{URI: root.attr("uri"), Version: uint32(version)}
	if err := identifier("uri", l.URI); err != nil {
		return List{}, err
	}
	switch full := root.attr("fullState"); full {
	case "true", "1":
		l.Full = true
	case "false", "0":
	default:
		return List{}, malformed("fullState %.20q", full)
	}
	for _, e := range root.all(rlmiSpace, "resource") {
		if len(l.Resources) == MaxResources {
			return List{}, malformed("more than %d resources", MaxResources)
		}
		r, err := parseResource(e)
		if err != nil {
			return List{}, err
		}
		l.Resources = append(l.Resources, r)
	}
	return l, nil
}

func parseResource(e *element) (Resource, error) {
	r := Resource{URI: e.attr("uri")}
	if err := identifier("uri", r.URI); err != nil {
		return r, err
	}
	if n := e.first(rlmiSpace, "name"); n != nil {
		r.Name = plain(n.text, maxNote)
	}
	switch instances := e.all(rlmiSpace, "instance"); len(instances) {
	case 0:
	case 1:
		i := instances[0]
		r.State, r.Reason, r.CID = i.attr("state"), i.attr("reason"), i.attr("cid")
		if i.attr("id") == "" || !slices.Contains([]string{"active", "pending", "terminated"}, r.State) {
			return r, malformed("instance without id or state")
		}
		for _, s := range []string{r.Reason, r.CID} {
			if s != "" {
				if err := identifier("reason or cid", s); err != nil {
					return r, err
				}
			}
		}
	default:
		return r, malformed("%d instances", len(instances))
	}
	return r, nil
}

// Bytes prints l.
func (l List) Bytes() []byte {
	var b strings.Builder
	b.WriteString(header)
	fmt.Fprintf(&b, `<list xmlns="%s" uri="%s" version="%d" fullState="%t">`+"\n", rlmiSpace, escaped(l.URI), l.Version, l.Full)
	for _, r := range l.Resources {
		fmt.Fprintf(&b, `<resource uri="%s">`, escaped(r.URI))
		if r.Name != "" {
			fmt.Fprintf(&b, "<name>%s</name>", escaped(r.Name))
		}
		if r.State != "" {
			fmt.Fprintf(&b, `<instance id="office" state="%s"`, r.State)
			if r.Reason != "" {
				fmt.Fprintf(&b, ` reason="%s"`, escaped(r.Reason))
			}
			if r.CID != "" {
				fmt.Fprintf(&b, ` cid="%s"`, escaped(r.CID))
			}
			b.WriteString("/>")
		}
		b.WriteString("</resource>\n")
	}
	b.WriteString("</list>\n")
	return []byte(b.String())
}
