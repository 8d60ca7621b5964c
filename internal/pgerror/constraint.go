package pgerror

// Constraints, and the foreign keys among them.
var (
	ConstraintExists        = Kind{"42710", `constraint "%s" for relation "%s" already exists`}
	ConstraintMissing       = Kind{"42704", `constraint "%s" of relation "%s" does not exist`}
	ConstraintMissingFor    = Kind{"42704", `constraint "%s" for table "%s" does not exist`}
	ConstraintOnlyHere      = Kind{"42P16", "constraint must be added to child tables too"}
	ConstraintNoInherit     = Kind{"42P16", `cannot add NO INHERIT constraint to partitioned table "%s"`}
	ConstraintInherited     = Kind{"42P16", `cannot drop inherited constraint "%s" of relation "%s"`}
	ConstraintDropOnlyHere  = Kind{"42P16", "cannot remove constraint from only the partitioned table when partitions exist"}
	ConstraintRenamed       = Kind{"42P16", `cannot rename inherited constraint "%s"`}
	ConstraintRenamedHere   = Kind{"42P16", `inherited constraint "%s" must be renamed in child tables too`}
	ConstraintValidatedHere = Kind{"42P16", "constraint must be validated on child tables too"}
	ConstraintAlteredHere   = Kind{"42P16", "constraint must be altered in child tables too"}
	ConstraintNotEnforced   = Kind{"55000", "cannot validate NOT ENFORCED constraint"}
	EnforceabilityFixed     = Kind{"42809", `cannot alter enforceability of constraint "%s" of relation "%s"`}
	NotForeignKey           = Kind{"42809", `constraint "%s" of relation "%s" is not a foreign key constraint`}
	NotForeignKeyOrCheck    = Kind{"42809", `constraint "%s" of relation "%s" is not a foreign key or check constraint`}
	NotNotNull              = Kind{"42809", `constraint "%s" of relation "%s" is not a not-null constraint`}
	NotNullAgain            = Kind{"55000", `cannot create not-null constraint "%s" on column "%s" of table "%s"`}
	CheckSubquery           = Kind{"0A000", "cannot use subquery in check constraint"}

	KeyTwice          = Kind{"42P16", `multiple primary keys for table "%s" are not allowed`}
	KeyForeignTable   = Kind{"0A000", "%s constraints are not supported on foreign tables"}
	KeyOverlaps       = Kind{"42601", "constraint using WITHOUT OVERLAPS needs at least two columns"}
	KeyPartition      = Kind{"0A000", "unique constraint on partitioned table must include all partitioning columns"}
	KeyNullable       = Kind{"55000", `cannot create primary key on column "%s"`}
	ExclusionNotHere  = Kind{"0A000", "exclusion constraints are not supported on partitioned tables"}
	UsingPartitioned  = Kind{"0A000", "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables"}
	UsingForeignIndex = Kind{"55000", `index "%s" does not belong to table "%s"`}
	UsingTaken        = Kind{"55000", `index "%s" is already associated with a constraint`}
	UsingInvalid      = Kind{"55000", `index "%s" is not valid`}
	UsingNotUnique    = Kind{"42809", `"%s" is not a unique index`}
	UsingExpressions  = Kind{"42809", `index "%s" contains expressions`}
	UsingPartial      = Kind{"42809", `"%s" is a partial index`}
	UsingSorted       = Kind{"42809", `index "%s" column number %s does not have default sorting behavior`}

	ForeignKeyTable       = Kind{"42809", `referenced relation "%s" is not a table`}
	ForeignKeyForeign     = Kind{"0A000", "foreign key constraints are not supported on foreign tables"}
	ForeignKeyTypes       = Kind{"42804", `foreign key constraint "%s" cannot be implemented`}
	ForeignKeyNoPrimary   = Kind{"42704", `there is no primary key for referenced table "%s"`}
	ForeignKeyNoKey       = Kind{"42830", `there is no unique constraint matching given keys for referenced table "%s"`}
	ForeignKeyNumber      = Kind{"42830", "number of referencing and referenced columns for foreign key disagree"}
	ForeignKeySetColumn   = Kind{"42P10", `column "%s" referenced in ON DELETE SET action must be part of foreign key`}
	ForeignKeyDeferrable  = Kind{"55000", `cannot use a deferrable unique constraint for referenced table "%s"`}
	ForeignKeyNotValid    = Kind{"42809", `cannot add NOT VALID foreign key on partitioned table "%s"%s`}
	ForeignKeyOnly        = Kind{"42809", `cannot use ONLY for foreign key on partitioned table "%s"%s`}
	ForeignKeyPermanent   = Kind{"42P16", "constraints on permanent tables may reference only permanent tables"}
	ForeignKeyUnlogged    = Kind{"42P16", "constraints on unlogged tables may reference only permanent or unlogged tables"}
	ForeignKeyOfTemporary = Kind{"42P16", "constraints on temporary tables may reference only temporary tables"}
)
