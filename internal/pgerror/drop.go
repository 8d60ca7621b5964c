package pgerror

// Drops of objects that others depend on.
var (
	HasDependents           = Kind{"2BP01", "cannot drop %s %s because other objects depend on it"}
	Required                = Kind{"2BP01", "cannot drop %s %s because %s requires it"}
	OwnedHasDependents      = Kind{"2BP01", "cannot drop desired object(s) because other objects depend on them"}
	ColumnHasDependents     = Kind{"2BP01", "cannot drop column %s of table %s because other objects depend on it"}
	ConstraintHasDependents = Kind{"2BP01", "cannot drop constraint %s on table %s because other objects depend on it"}
	TriggerRequired         = Kind{"2BP01", "cannot drop trigger %s on table %s because the same trigger of its parent requires it"}
)
