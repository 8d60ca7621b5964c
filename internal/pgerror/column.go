package pgerror

// Columns: their names, types, defaults and what depends on them.
var (
	ColumnExists       = Kind{"42701", `column "%s" of relation "%s" already exists`}
	ColumnTwice        = Kind{"42701", `column "%s" specified more than once`}
	ColumnMissing      = Kind{"42703", `column "%s" of relation "%s" does not exist`}
	ColumnMissingAlone = Kind{"42703", `column "%s" does not exist`}
	ColumnMissingOf    = Kind{"42703", "column %s.%s does not exist"}
	ColumnMissingKey   = Kind{"42703", `column "%s" named in key does not exist`}
	ColumnMissingFK    = Kind{"42703", `column "%s" referenced in foreign key constraint does not exist`}
	ColumnSystemName   = Kind{"42701", `column name "%s" conflicts with a system column name`}
	ColumnOnlyHere     = Kind{"42P16", "column must be added to child tables too"}
	ColumnToTyped      = Kind{"42809", "cannot add column to typed table"}
	ColumnToPartition  = Kind{"42809", "cannot add column to a partition"}
	ColumnStorage      = Kind{"0A000", "column data type %s can only have storage PLAIN"}
	ColumnCompression  = Kind{"0A000", "column data type %s does not support compression"}
	ColumnDefault      = Kind{"0A000", "cannot use column reference in DEFAULT expression"}
	SubqueryDefault    = Kind{"0A000", "cannot use subquery in DEFAULT expression"}

	DropInherited     = Kind{"42P16", `cannot drop inherited column "%s"`}
	DropPartitionKey  = Kind{"42P16", `cannot drop column "%s" because it is part of the partition key of relation "%s"`}
	DropFromTyped     = Kind{"42809", "cannot drop column from typed table"}
	DropOnlyHere      = Kind{"42P16", "cannot drop column from only the partitioned table when partitions exist"}
	RenameInherited   = Kind{"42P16", `cannot rename inherited column "%s"`}
	RenameOnlyHere    = Kind{"42P16", `inherited column "%s" must be renamed in child tables too`}
	RenameOfTyped     = Kind{"42809", "cannot rename column of typed table"}
	RetypeInherited   = Kind{"42P16", `cannot alter inherited column "%s"`}
	RetypeOnlyHere    = Kind{"42P16", `type of inherited column "%s" must be changed in child tables too`}
	RetypePartition   = Kind{"42P16", `cannot alter column "%s" because it is part of the partition key of relation "%s"`}
	RetypeOfTyped     = Kind{"42809", "cannot alter column type of typed table"}
	RetypeTwice       = Kind{"0A000", `cannot alter type of column "%s" twice`}
	PersistenceTwice  = Kind{"0A000", "cannot change persistence setting twice"}
	TablespaceTwice   = Kind{"42601", "cannot have multiple SET TABLESPACE subcommands"}
	AccessMethodTwice = Kind{"0A000", "cannot have multiple SET ACCESS METHOD subcommands"}
	RetypeGenerated   = Kind{"42611", "cannot specify USING when altering type of generated column"}
	RetypeSubquery    = Kind{"0A000", "cannot use subquery in transform expression"}
	RetypeView        = Kind{"0A000", "cannot alter type of a column used by a view or rule"}
	RetypeFunction    = Kind{"0A000", "cannot alter type of a column used by a function or procedure"}
	RetypeGenerates   = Kind{"0A000", "cannot alter type of a column used by a generated column"}
	RetypePolicy      = Kind{"0A000", "cannot alter type of a column used in a policy definition"}
	RetypeTrigger     = Kind{"0A000", "cannot alter type of a column used in a trigger definition"}
	RetypePublication = Kind{"0A000", "cannot alter type of a column used by a publication WHERE clause"}
	RetypeDefault     = Kind{"42804", `default for column "%s" cannot be cast automatically to type %s`}
	RetypeRowUsed     = Kind{"0A000", `cannot alter table "%s" because column "%s" uses its row type`}

	GeneratedIs           = Kind{"42601", `column "%s" of relation "%s" is a generated column`}
	GeneratedNot          = Kind{"55000", `column "%s" of relation "%s" is not a generated column`}
	GeneratedNotStored    = Kind{"55000", `column "%s" of relation "%s" is not a stored generated column`}
	GenerationMutable     = Kind{"42P17", "generation expression is not immutable"}
	GenerationGenerated   = Kind{"42P17", `cannot use generated column "%s" in column generation expression`}
	GenerationType        = Kind{"0A000", "generation expression uses user-defined type"}
	GenerationFunction    = Kind{"0A000", "generation expression uses user-defined function"}
	VirtualConstraint     = Kind{"0A000", "%s constraints on virtual generated columns are not supported"}
	VirtualDomain         = Kind{"0A000", `virtual generated column "%s" cannot have a domain type`}
	VirtualDropExpression = Kind{"0A000", "ALTER TABLE / DROP EXPRESSION is not supported for virtual generated columns"}
	VirtualChecked        = Kind{"0A000", "ALTER TABLE / SET EXPRESSION is not supported for virtual generated columns in tables with check constraints"}
	VirtualPublished      = Kind{"0A000", "ALTER TABLE / SET EXPRESSION is not supported for virtual generated columns in tables that are part of a publication"}

	IdentityIs            = Kind{"42601", `column "%s" of relation "%s" is an identity column`}
	IdentityNot           = Kind{"55000", `column "%s" of relation "%s" is not an identity column`}
	IdentityAlready       = Kind{"55000", `column "%s" of relation "%s" is already an identity column`}
	IdentityDefault       = Kind{"55000", `column "%s" of relation "%s" already has a default value`}
	IdentityNullable      = Kind{"55000", `column "%s" of relation "%s" must be declared NOT NULL before identity can be added`}
	IdentityType          = Kind{"22023", "identity column type must be smallint, integer, or bigint"}
	IdentityToChildren    = Kind{"42P16", "cannot recursively add identity column to table that has child tables"}
	IdentityToPartition   = Kind{"42P16", "cannot add identity to a column of a partition"}
	IdentityFromPartition = Kind{"42P16", "cannot drop identity from a column of a partition"}
	IdentityOfPartition   = Kind{"42P16", "cannot change identity column of a partition"}

	NullableKey     = Kind{"42P16", `column "%s" is in a primary key`}
	NullableReplica = Kind{"42P16", `column "%s" is in index used as replica identity`}
	NullableParent  = Kind{"42P16", `column "%s" is marked NOT NULL in parent table`}
)

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
