package document

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// RelatedType is the type of what Related prints, without its parameters.
const RelatedType = "multipart/related"

const maxParts = MaxResources + 1

// Part is one part of a multipart/related body (RFC 2387).
type Part struct {
	ID   string // Content-ID without its angle brackets
	Type string
	Body []byte
}

// Related puts parts together, of which the first is the root; boundary must not
// occur in any of them, and be of letters and digits. It returns the value of
// Content-Type.
func Related(boundary string, parts []Part) (contentType string, body []byte) {
	var b bytes.Buffer
	for _, p := range parts {
		fmt.Fprintf(&b, "--%s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\nContent-Type: %s\r\n\r\n", boundary, p.ID, p.Type)
		b.Write(p.Body)
		b.WriteString("\r\n")
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	kind, _, _ := strings.Cut(parts[0].Type, ";")
	return fmt.Sprintf(`%s;type="%s";start="<%s>";boundary="%s"`, RelatedType, kind, parts[0].ID, boundary), b.Bytes()
}

// ParseRelated takes a body apart. The root comes first; all parts have an ID and
// a type of their own.
func ParseRelated(contentType string, body []byte) ([]Part, error) {
	if len(body) > MaxDocument {
		return nil, malformed("%d octets", len(body))
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != RelatedType || params["boundary"] == "" {
		return nil, malformed("type %.60q", contentType)
	}
	// The reader takes an end anywhere for the end of all parts.
	if !bytes.HasSuffix(bytes.TrimRight(body, " \t\r\n"), []byte("--"+params["boundary"]+"--")) {
		return nil, malformed("no closing boundary")
	}
	var parts []Part
	seen := map[string]bool{}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, malformed("%v", err)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return nil, malformed("%v", err)
		}
		id := p.Header.Get("Content-ID")
		one := Part{ID: strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">"), Type: p.Header.Get("Content-Type"), Body: data}
		if "<"+one.ID+">" != id || identifier("Content-ID", one.ID) != nil || seen[one.ID] || one.Type == "" || len(parts) == maxParts {
			return nil, malformed("part %d: Content-ID %.60q", len(parts), id)
		}
		if enc := p.Header.Get("Content-Transfer-Encoding"); enc != "" && !strings.EqualFold(enc, "binary") && !strings.EqualFold(enc, "8bit") && !strings.EqualFold(enc, "7bit") {
			return nil, malformed("part encoded as %.20q", enc)
		}
		seen[one.ID] = true
		parts = append(parts, one)
	}
	if len(parts) == 0 {
		return nil, malformed("no part")
	}
	if start := params["start"]; start != "" && start != "<"+parts[0].ID+">" {
		return nil, malformed("start %.60q is not the first part", start)
	}
	return parts, nil
}
