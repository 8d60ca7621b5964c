package pgerror

// Views, materialized views and rules.
var (
	ViewLosesColumn     = Kind{"42P16", "cannot drop columns from view"}
	ViewRenamesColumn   = Kind{"42P16", `cannot change name of view column "%s" to "%s"`}
	ViewRetypesColumn   = Kind{"42P16", `cannot change data type of view column "%s" from %s to %s`}
	ViewCheckOption     = Kind{"0A000", "WITH CHECK OPTION is supported only on automatically updatable views"}
	ViewNotWritten      = Kind{"55000", `%s view "%s"`}
	ViewColumnNotSet    = Kind{"0A000", `%s column "%s" of view "%s"`}
	NotMaterialized     = Kind{"0A000", `"%s" is not a materialized view`}
	RefreshConcurrently = Kind{"55000", `cannot refresh materialized view "%s" concurrently`}
	RefreshUnpopulated  = Kind{"0A000", "CONCURRENTLY cannot be used when the materialized view is not populated"}
	RefreshNoData       = Kind{"42601", "CONCURRENTLY and WITH NO DATA options cannot be used together"}

	RuleRecursion   = Kind{"42P17", `infinite recursion detected in rules for relation "%s"`}
	RuleReturning   = Kind{"0A000", `cannot perform %s RETURNING on relation "%s"`}
	RuleConflict    = Kind{"0A000", "INSERT with ON CONFLICT clause cannot be used with table that has INSERT or UPDATE rules"}
	RuleNothing     = Kind{"0A000", "DO INSTEAD NOTHING rules are not supported for data-modifying statements in WITH"}
	RuleConditional = Kind{"0A000", "conditional DO INSTEAD rules are not supported for data-modifying statements in WITH"}
	RuleAlso        = Kind{"0A000", "DO ALSO rules are not supported for data-modifying statements in WITH"}
	RuleMany        = Kind{"0A000", "multi-statement DO INSTEAD rules are not supported for data-modifying statements in WITH"}
)
