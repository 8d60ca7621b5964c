// Package refuse holds all that the server says no with: each way of saying no
// is a kind, with its SQLSTATE and the server's words. Whoever finds a refusal
// (the fold of the catalog, the model of what a statement does) makes it of a
// kind and the objects that it is about; whoever reports one asks for its kind.
// Nobody writes the words a second time, and nobody reads them.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
package refuse

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is one way of saying no.
type Kind struct {
	// State is the SQLSTATE: 42P07.
	State string
	// Words are the server's, with %s for each object.
	Words string
}

// Of is a refusal of the kind, about the objects that its words ask for.
func (k Kind) Of(objects ...string) *Refusal {
	return &Refusal{Kind: k, Objects: objects}
}

// Refusal is the server's no.
type Refusal struct {
	Kind
	// Objects are what it is about, in the order of the words: the column, then
	// the relation.
	Objects []string
	// Since and Until are the first and the last major version that refuse; 0:
	// there is none before, or after, that does not.
	Since, Until int
}

// On reports whether a version refuses; atLeast tells whether it is of a major
// version or newer.
func (r *Refusal) On(atLeast func(major int) bool) bool {
	return (r.Since == 0 || atLeast(r.Since)) && (r.Until == 0 || !atLeast(r.Until+1))
}

// Message is what the server says: relation "users" already exists;
// nothing for nil.
func (r *Refusal) Message() string {
	if r == nil {
		return ""
	}
	if len(r.Objects) == 0 {
		return r.Words
	}
	list := make([]any, len(r.Objects))
	for i, o := range r.Objects {
		list[i] = o
	}
	return fmt.Sprintf(r.Words, list...)
}

// There reports whether something exists already.
func (k Kind) There() bool {
	switch k.State {
	case "42P07", "42P06", "42701", "42710", "42723":
		return true
	}
	return false
}

// Absent reports whether something does not exist.
func (k Kind) Absent() bool {
	switch k.State {
	case "42P01", "42703", "42704", "42883", "3F000":
		return true
	}
	return false
}

// Unread reports whether the server cannot read the statement: it looks at no
// schema then, and locks nothing.
func (k Kind) Unread() bool {
	return k == SyntaxAt || k == SyntaxAtEnd || k == SyntaxOf || k == FromAlias
}

// Form reports whether it is about the words of the statement, or an option that it
// names, and not about a schema.
func (k Kind) Form() bool {
	return k.Unread() || k == ParameterUnknown || k == PublicationParameter || k == OptionUnknown || k == OptionNot || k == PrivilegeUnknown || k == CopyHeader
}

// Equal reports whether two refusals are one; nil is none.
func (r *Refusal) Equal(o *Refusal) bool {
	if r == nil || o == nil {
		return r == o
	}
	return r.Kind == o.Kind && r.Since == o.Since && r.Until == o.Until && slices.Equal(r.Objects, o.Objects)
}

// Places is how many objects the words ask for.
func (k Kind) Places() int { return strings.Count(k.Words, "%s") }
