// Package pgerror holds all errors with which the server refuses a statement.
// Each is a kind, with its SQLSTATE and the server's message. Code that
// predicts an error (the catalog, the model of a statement's effects) builds it
// from a kind and the objects in the message. Code that reports one checks its
// kind. So no message is written twice, and none is parsed.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
package pgerror

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is one kind of error.
type Kind struct {
	// SQLSTATE is the server's code: 42P07.
	SQLSTATE string
	// Format is the server's message, with %s for each object: relation "%s" already exists.
	Format string
}

// NewRefusal returns a refusal of the kind, for the objects in its message.
func (k Kind) NewRefusal(objects ...string) *Refusal {
	return &Refusal{Kind: k, Objects: objects}
}

// Refusal is an error of the server.
type Refusal struct {
	Kind
	// Objects are the objects in the message, in its order: the column, then
	// the relation.
	Objects []string
	// Since and Until are the first and the last major version with this error;
	// 0 means no limit.
	Since, Until int
}

// AppliesTo reports whether a version gives this error; atLeast reports whether it is
// of a major version or newer.
func (r *Refusal) AppliesTo(atLeast func(major int) bool) bool {
	return (r.Since == 0 || atLeast(r.Since)) && (r.Until == 0 || !atLeast(r.Until+1))
}

// Message returns the server's message: relation "users" already exists. It is
// "" for nil.
func (r *Refusal) Message() string {
	if r == nil {
		return ""
	}
	if len(r.Objects) == 0 {
		return r.Format
	}
	list := make([]any, len(r.Objects))
	for i, o := range r.Objects {
		list[i] = o
	}
	return fmt.Sprintf(r.Format, list...)
}

// IsDuplicate reports whether the cause is that something exists already.
func (k Kind) IsDuplicate() bool {
	switch k.SQLSTATE {
	case "42P07", "42P06", "42701", "42710", "42723":
		return true
	}
	return false
}

// IsMissing reports whether the cause is that something does not exist.
func (k Kind) IsMissing() bool {
	switch k.SQLSTATE {
	case "42P01", "42703", "42704", "42883", "3F000":
		return true
	}
	return false
}

// IsSyntaxError reports whether the server cannot parse the statement. In that case it
// checks no schema and locks nothing.
func (k Kind) IsSyntaxError() bool {
	return k == SyntaxAt || k == SyntaxAtEnd || k == SyntaxOf || k == FromAlias
}

// IsFormError reports whether the cause is the wording of the statement, or an option
// that it names, and not the schema.
func (k Kind) IsFormError() bool {
	return k.IsSyntaxError() || k == ParameterUnknown || k == PublicationParameter || k == OptionUnknown || k == OptionNot || k == PrivilegeUnknown ||
		k == CopyHeader || k == CopyHeaderLines || k == CopyOnError || k == SubscriptionOption
}

// Equal reports whether two refusals are the same; nil means none.
func (r *Refusal) Equal(o *Refusal) bool {
	if r == nil || o == nil {
		return r == o
	}
	return r.Kind == o.Kind && r.Since == o.Since && r.Until == o.Until && slices.Equal(r.Objects, o.Objects)
}

// CountPlaces returns how many objects the message names.
func (k Kind) CountPlaces() int { return strings.Count(k.Format, "%s") }
