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

// Rows that a statement writes, and the values in them.
var (
	ListsUnequal      = Kind{"42601", "VALUES lists must all be the same length"}
	TooManyTargets    = Kind{"42601", "INSERT has more target columns than expressions"}
	TooManyValues     = Kind{"42601", "INSERT has more expressions than target columns"}
	SetTwice          = Kind{"42601", `multiple assignments to same column "%s"`}
	NullValue         = Kind{"23502", `null value in column "%s" of relation "%s" violates not-null constraint`}
	CheckViolated     = Kind{"23514", `new row for relation "%s" violates check constraint "%s"`}
	ConflictExclusion = Kind{"42809", "ON CONFLICT DO UPDATE not supported with exclusion constraints"}
	ConflictNoArbiter = Kind{"42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification"}
	AlwaysGenerated   = Kind{"428C9", `cannot insert a non-DEFAULT value into column "%s"`}
	OnlyDefault       = Kind{"428C9", `column "%s" can only be updated to DEFAULT`}

	ValueType      = Kind{"42804", `column "%s" is of type %s but %s is of type %s`}
	ValueRange     = Kind{"22003", "%s out of range"}
	ValueRangeText = Kind{"22003", `value "%s" is out of range for type %s`}
	ValueTooLong   = Kind{"22001", "value too long for type %s"}
	ValueSyntax    = Kind{"22P02", `invalid input syntax for type %s: "%s"`}
	ValueJSON      = Kind{"22P02", "invalid input syntax for type json"}
	ValueLabel     = Kind{"22P02", `invalid input value for enum %s: "%s"`}
	ValueArray     = Kind{"22P02", `malformed array literal: "%s"`}
	ValueDate      = Kind{"22007", `invalid input syntax for type %s: "%s"`}
	ValueDateRange = Kind{"22008", `date/time field value out of range: "%s"`}
)

// Syntax that a version does not have.
var (
	SyntaxAt          = Kind{"42601", `syntax error at or near "%s"`}
	SyntaxAtEnd       = Kind{"42601", "syntax error at end of input"}
	SyntaxOf          = Kind{"42601", "%s"}
	FromAlias         = Kind{"42601", "subquery in FROM must have an alias"}
	DoSelectReturning = Kind{"42601", "ON CONFLICT DO SELECT requires a RETURNING clause"}
	DoSelectInference = Kind{"42601", "ON CONFLICT DO SELECT requires inference specification or constraint name"}
	FromMissing       = Kind{"42P01", `missing FROM-clause entry for table "%s"`}
)

// Parameters that a version does not have, or not with a value.
var (
	SettingUnknown = Kind{"42704", `unrecognized configuration parameter "%s"`}
	StringsOff     = Kind{"0A000", "non-standard string literals are not supported"}
)
