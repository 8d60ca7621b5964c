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

// Objects that are no relations, columns or constraints: schemas, policies,
// publications, statistics, and those whose name alone is known.
var (
	ObjectExists    = Kind{"42710", `%s "%s" already exists`}
	ObjectMissing   = Kind{"42704", `%s "%s" does not exist`}
	ObjectMissingOn = Kind{"42704", `%s "%s" for table "%s" does not exist`}
	SchemaExists    = Kind{"42P06", `schema "%s" already exists`}
	SchemaMissing   = Kind{"3F000", `schema "%s" does not exist`}
	PolicyExists    = Kind{"42710", `policy "%s" for table "%s" already exists`}
	RuleExists      = Kind{"42710", `rule "%s" for relation "%s" already exists`}
	RuleMissing     = Kind{"42704", `rule "%s" for relation "%s" does not exist`}
	TriggerExists   = Kind{"42710", `trigger "%s" for relation "%s" already exists`}

	PublicationAll       = Kind{"55000", `publication "%s" is defined as FOR %s`}
	PublicationSetsAll   = Kind{"55000", `publication "%s" does not support %s operations`}
	PublicationAttached  = Kind{"55000", `cannot attach table "%s" as partition because it is referenced in %s EXCEPT clause`}
	PublicationExcept    = Kind{"22023", `cannot specify relation "%s" in the publication EXCEPT clause`}
	PublicationRelation  = Kind{"22023", `cannot add relation "%s" to publication`}
	PublicationMember    = Kind{"42710", `relation "%s" is already member of publication "%s"`}
	PublicationNoMember  = Kind{"42704", `relation "%s" is not part of the publication`}
	PublicationWhere     = Kind{"0A000", "invalid publication WHERE expression"}
	PublicationWhereHere = Kind{"22023", `cannot use publication WHERE clause for relation "%s"`}
	PublicationList      = Kind{"22023", `cannot use column list for relation "%s"`}
	PublicationParameter = Kind{"42601", `unrecognized publication parameter: "%s"`}
	SubscriptionOption   = Kind{"42601", `unrecognized subscription parameter: "%s"`}
	UnidentifiedUpdate   = Kind{"42P10", `cannot update table "%s"`}
	UnidentifiedDelete   = Kind{"42P10", `cannot delete from table "%s"`}
	PublishesUpdates     = Kind{"55000", `cannot update table "%s" because it does not have a replica identity and publishes updates`}
	PublishesDeletes     = Kind{"55000", `cannot delete from table "%s" because it does not have a replica identity and publishes deletes`}

	TriggerEnforced = Kind{"0A000", "TRIGGER constraints cannot be marked ENFORCED"}
	RecoveryMissing = Kind{"55000", "recovery is not in progress"}
	DropSpecialRole = Kind{"22023", "cannot use special role specifier in DROP ROLE"}

	OptionUnknown    = Kind{"42601", `unrecognized %s option "%s"`}
	OptionNot        = Kind{"42601", `option "%s" not recognized`}
	PrivilegeUnknown = Kind{"42601", `unrecognized privilege type "%s"`}
)

// Functions, procedures and triggers.
var (
	FunctionExists      = Kind{"42723", `function "%s" already exists with same argument types`}
	FunctionMissing     = Kind{"42883", "function %s does not exist"}
	RoutineMissing      = Kind{"42883", "%s %s does not exist"}
	RoutineMissingNamed = Kind{"42883", `could not find a %s named "%s"`}
	RoutineAmbiguous    = Kind{"42725", `function name "%s" is not unique`}
	NotFunction         = Kind{"42809", "%s is not a function"}
	NotProcedure        = Kind{"42809", "%s is not a procedure"}
	NotAggregate        = Kind{"42809", "function %s is not an aggregate"}
	IsAggregate         = Kind{"42809", `"%s" is an aggregate function`}

	ReplaceKind     = Kind{"42809", "cannot change routine kind"}
	ReplaceOutput   = Kind{"42P13", "cannot change whether a procedure has output parameters"}
	ReplaceResult   = Kind{"42P13", "cannot change return type of existing function"}
	ReplaceName     = Kind{"42P13", `cannot change name of input parameter "%s"`}
	ReplaceDefaults = Kind{"42P13", "cannot remove parameter defaults from existing function"}

	NoLanguage      = Kind{"42P13", "no language specified"}
	DefaultOfOutput = Kind{"42P13", "only input parameters can have default values"}
	DefaultMissing  = Kind{"42P13", "input parameters after one with a default value must also have defaults"}
	VariadicNotLast = Kind{"42P13", "VARIADIC parameter must be the last input parameter"}
	ParameterTwice  = Kind{"42P13", `parameter name "%s" used more than once`}
	ResultMissing   = Kind{"42P13", "function result type must be specified"}
	ResultOfOutput  = Kind{"42P13", "function result type must be %s because of OUT parameters"}

	TriggerFunction       = Kind{"42P17", "function %s must return type trigger"}
	EventTriggerFunction  = Kind{"42P17", "function %s must return type event_trigger"}
	EventUnknown          = Kind{"42601", `unrecognized event name "%s"`}
	TriggerRenamed        = Kind{"0A000", `cannot rename trigger "%s" on table "%s"`}
	TriggerWhenSubquery   = Kind{"0A000", "cannot use subquery in trigger WHEN condition"}
	TriggerWhenStatement  = Kind{"42P17", "statement trigger's WHEN condition cannot reference column values"}
	TriggerWhenInsert     = Kind{"42P17", "INSERT trigger's WHEN condition cannot reference OLD values"}
	TriggerWhenDelete     = Kind{"42P17", "DELETE trigger's WHEN condition cannot reference NEW values"}
	TransitionPartition   = Kind{"0A000", "ROW triggers with transition tables are not supported on partitions"}
	TransitionInheritance = Kind{"0A000", "ROW triggers with transition tables are not supported on inheritance children"}
)

// Types, casts and operators.
var (
	TypeExists              = Kind{"42710", `type "%s" already exists`}
	TypeMissing             = Kind{"42704", `type "%s" does not exist`}
	TypeUsed                = Kind{"0A000", `cannot alter type "%s" because column "%s.%s" uses it`}
	TypeOfTable             = Kind{"2BP01", `cannot alter type "%s" because it is the type of a typed table`}
	TypedMissingColumn      = Kind{"42804", `table is missing column "%s"`}
	TypedOtherColumn        = Kind{"42804", `table has column "%s" where type requires "%s"`}
	TypedOtherType          = Kind{"42804", `table "%s" has different type for column "%s"`}
	TypedExtraColumn        = Kind{"42804", `table has extra column "%s"`}
	NotDomain               = Kind{"42809", "%s is not a domain"}
	NotDomainNamed          = Kind{"42809", `"%s" is not a domain`}
	NotEnum                 = Kind{"42809", "%s is not an enum"}
	LabelExists             = Kind{"42710", `enum label "%s" already exists`}
	LabelMissing            = Kind{"22023", `"%s" is not an existing enum label`}
	DomainConstraintExists  = Kind{"42710", `constraint "%s" for domain "%s" already exists`}
	DomainConstraintMissing = Kind{"42704", `constraint "%s" of domain "%s" does not exist`}
	NoCast                  = Kind{"42846", "cannot cast type %s to %s"}
	NoAutomaticCast         = Kind{"42804", `column "%s" cannot be cast automatically to type %s`}
	NoAutomaticCastUsing    = Kind{"42804", `result of USING clause for column "%s" cannot be cast automatically to type %s`}
	NoOperator              = Kind{"42883", "operator does not exist: %s %s %s"}
	NoCollation             = Kind{"42804", "collations are not supported by type %s"}
)
