package pgerror

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
