package pgerror

// Relations: their names, and what they are.
var (
	RelationExists      = Kind{"42P07", `relation "%s" already exists`}
	RelationMissing     = Kind{"42P01", `relation "%s" does not exist`}
	RelationMissingAs   = Kind{"42P01", `%s "%s" does not exist`}
	NotTable            = Kind{"42809", `"%s" is not a table`}
	NotTableOrView      = Kind{"42809", `"%s" is not a table or materialized view`}
	NotIndex            = Kind{"42809", `"%s" is not an index`}
	NotA                = Kind{"42809", `"%s" is not %s`}
	NotTyped            = Kind{"42809", `"%s" is not a typed table`}
	IsTable             = Kind{"42809", `"%s" is a table`}
	IsPartitioned       = Kind{"0A000", `"%s" is a partitioned table`}
	IsView              = Kind{"42809", `"%s" is a view`}
	ActionUnsuited      = Kind{"42809", `ALTER action %s cannot be performed on relation "%s"`}
	NoTriggersHere      = Kind{"42809", `relation "%s" cannot have triggers`}
	NoSelectRuleHere    = Kind{"42809", `relation "%s" cannot have ON SELECT rules`}
	OnCommit            = Kind{"42P16", "ON COMMIT can only be used on temporary tables"}
	TemporarySchema     = Kind{"0A000", "cannot move objects into or out of temporary schemas"}
	ReferencesLogged    = Kind{"42P16", `could not change table "%s" to unlogged because it references logged table "%s"`}
	ReferencesUnlogged  = Kind{"42P16", `could not change table "%s" to logged because it references unlogged table "%s"`}
	PublishedUnlogged   = Kind{"55000", `cannot change table "%s" to unlogged because it is %s a publication`}
	MethodPartitioned   = Kind{"42809", "cannot change access method of a partitioned table"}
	ParametersTable     = Kind{"42809", "cannot specify storage parameters for a partitioned table"}
	ParameterUnknown    = Kind{"22023", `unrecognized parameter "%s"`}
	NamespaceUnknown    = Kind{"22023", `unrecognized parameter namespace "%s"`}
	NotLockable         = Kind{"42809", `cannot lock relation "%s"`}
	RowsNotLockable     = Kind{"42809", `cannot lock rows in %s "%s"`}
	LockNotAllowed      = Kind{"0A000", "%s is not allowed with %s"}
	TruncateOnly        = Kind{"42809", "cannot truncate only a partitioned table"}
	TruncateReferenced  = Kind{"0A000", "cannot truncate a table referenced in a foreign key constraint"}
	ClusterPartitioned  = Kind{"0A000", "cannot cluster a partitioned table"}
	RepackOption        = Kind{"42601", `unrecognized REPACK option "%s"`}
	RepackUnnamed       = Kind{"0A000", "REPACK (CONCURRENTLY) requires an explicit table name"}
	RepackRelation      = Kind{"55000", `cannot repack relation "%s"`}
	MarkPartitioned     = Kind{"0A000", "cannot mark index clustered in partitioned table"}
	NeverClustered      = Kind{"42704", `there is no previously clustered index for table "%s"`}
	VacuumFullParallel  = Kind{"0A000", "VACUUM FULL cannot be performed in parallel"}
	AnalyzeColumns      = Kind{"0A000", "ANALYZE option must be specified when a column list is provided"}
	CopyTo              = Kind{"42809", `cannot copy to %s "%s"`}
	CopyFrom            = Kind{"42809", `cannot copy from %s "%s"`}
	CopyFreeze          = Kind{"0A000", "cannot perform COPY FREEZE on a %s"}
	CopyFreezeNew       = Kind{"55000", "cannot perform COPY FREEZE because the table was not created or truncated in the current subtransaction"}
	CopyFreezeTo        = Kind{"22023", "COPY FREEZE cannot be used with COPY TO"}
	CopyHeader          = Kind{"42601", "header requires a Boolean value"}
	CopyHeaderLines     = Kind{"42601", `header requires a Boolean value or "match"`}
	CopyOnError         = Kind{"22023", `COPY ON_ERROR "%s" not recognized`}
	CopyListWanted      = Kind{"22023", `argument to option "%s" must be a list of column names`}
	HoldForUpdate       = Kind{"0A000", "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported"}
	MergeTarget         = Kind{"0A000", `cannot execute MERGE on relation "%s"`}
	NotChangeable       = Kind{"42809", `cannot change %s "%s"`}
	SequenceOwner       = Kind{"0A000", `cannot change owner of sequence "%s"`}
	SequenceMoved       = Kind{"0A000", "cannot move an owned sequence into another schema"}
	IdentitySequence    = Kind{"0A000", "cannot change ownership of identity sequence"}
	StatisticsHere      = Kind{"42809", `cannot define statistics for relation "%s"`}
	StatisticsSimple    = Kind{"0A000", "only simple column references are allowed in CREATE STATISTICS"}
	StatisticsOneColumn = Kind{"42P17", "cannot create extended statistics on a single non-virtual column"}
	CopySystemColumn    = Kind{"42P10", "system columns are not supported in COPY FROM WHERE conditions"}
	StatisticsTwo       = Kind{"42P17", "extended statistics require at least 2 columns"}
	StatisticsVirtual   = Kind{"0A000", "statistics creation on virtual generated columns is not supported"}
	StatisticsUnordered = Kind{"0A000", `column "%s" cannot be used in statistics because its type %s has no default btree operator class`}
	StatisticsPlain     = Kind{"0A000", `cannot alter statistics on non-expression column "%s" of index "%s"`}
)

// Limits of the server.
var (
	TooManyColumns = Kind{"54011", "tables can have at most %s columns"}
	TooManyEntries = Kind{"54011", "target lists can have at most %s entries"}
	TooManyKeys    = Kind{"54011", "cannot use more than %s columns in an index"}
)

// Drops of objects that others depend on.
var (
	HasDependents           = Kind{"2BP01", "cannot drop %s %s because other objects depend on it"}
	Required                = Kind{"2BP01", "cannot drop %s %s because %s requires it"}
	OwnedHasDependents      = Kind{"2BP01", "cannot drop desired object(s) because other objects depend on them"}
	ColumnHasDependents     = Kind{"2BP01", "cannot drop column %s of table %s because other objects depend on it"}
	ConstraintHasDependents = Kind{"2BP01", "cannot drop constraint %s on table %s because other objects depend on it"}
	TriggerRequired         = Kind{"2BP01", "cannot drop trigger %s on table %s because the same trigger of its parent requires it"}
)

// Indexes, and the replica identity that one may be.
var (
	IndexMissing          = Kind{"42704", `index "%s" does not exist`}
	IndexMissingFor       = Kind{"42704", `index "%s" for table "%s" does not exist`}
	IndexRelation         = Kind{"42809", `cannot create index on relation "%s"`}
	IndexUniqueForeign    = Kind{"42809", `cannot create unique index on partitioned table "%s"`}
	IndexConcurrently     = Kind{"0A000", `cannot create index on partitioned table "%s" concurrently`}
	IndexMethodLacks      = Kind{"0A000", `access method "%s" does not support %s`}
	IndexNoClass          = Kind{"42704", `data type %s has no default operator class for access method "%s"`}
	OperatorClassMissing  = Kind{"42704", `operator class "%s" does not exist for access method "%s"`}
	IndexClassType        = Kind{"42804", `operator class "%s" does not accept data type %s`}
	IndexMutable          = Kind{"42P17", "functions in index expression must be marked IMMUTABLE"}
	IndexMutablePredicate = Kind{"42P17", "functions in index predicate must be marked IMMUTABLE"}
	IndexVirtual          = Kind{"0A000", "indexes on virtual generated columns are not supported"}
	ReindexPartitioned    = Kind{"0A000", "REINDEX is not yet implemented for partitioned indexes"}
	ReindexExclusion      = Kind{"0A000", "concurrent index creation for exclusion constraints is not supported"}
	ReindexSystem         = Kind{"0A000", "cannot reindex system catalogs concurrently"}

	DropConcurrentlyPartitioned = Kind{"0A000", `cannot drop partitioned index "%s" concurrently`}
	DropConcurrentlyMany        = Kind{"0A000", "DROP INDEX CONCURRENTLY does not support dropping multiple objects"}
	DropConcurrentlyCascade     = Kind{"0A000", "DROP INDEX CONCURRENTLY does not support CASCADE"}

	ClusterPartial   = Kind{"0A000", `cannot cluster on partial index "%s"`}
	ClusterUnordered = Kind{"0A000", `cannot cluster on index "%s" because access method does not support clustering`}

	ReplicaNotUnique    = Kind{"42809", `cannot use non-unique index "%s" as replica identity`}
	ReplicaNotImmediate = Kind{"0A000", `cannot use non-immediate index "%s" as replica identity`}
	ReplicaExpression   = Kind{"0A000", `cannot use expression index "%s" as replica identity`}
	ReplicaPartial      = Kind{"0A000", `cannot use partial index "%s" as replica identity`}
	ReplicaNullable     = Kind{"42809", `index "%s" cannot be used as replica identity because column "%s" is nullable`}
)

// Partitions and inheritance.
var (
	NotPartitioned       = Kind{"42P17", `"%s" is not partitioned`}
	TableNotPartitioned  = Kind{"42P17", `table "%s" is not partitioned`}
	AlreadyPartition     = Kind{"42809", `"%s" is already a partition`}
	NotPartitionOf       = Kind{"42P01", `relation "%s" is not a partition of relation "%s"`}
	PartitionKeyColumn   = Kind{"42703", `column "%s" named in partition key does not exist`}
	PartitionKeyMutable  = Kind{"42P17", "functions in partition key expression must be marked IMMUTABLE"}
	PartitionDefault     = Kind{"42P17", `partition "%s" conflicts with existing default partition "%s"`}
	PartitionOverlap     = Kind{"42P17", `partition "%s" would overlap partition "%s"`}
	PartitionEmpty       = Kind{"42P17", `empty range bound specified for partition "%s"`}
	PartitionBound       = Kind{"42P16", "invalid bound specification for a %s partition"}
	PartitionNoDefault   = Kind{"42P16", "a hash-partitioned table may not have a default partition"}
	PartitionRemainder   = Kind{"42P16", "remainder for hash partition must be less than modulus"}
	PartitionModulus     = Kind{"42P17", "every hash partition modulus must be a factor of the next larger modulus"}
	PartitionPersistence = Kind{"42809", `cannot create a %s relation as partition of %s relation "%s"`}
	PartitionExtra       = Kind{"42804", `table "%s" contains column "%s" not found in parent "%s"`}
	PartitionIdentity    = Kind{"55000", `table "%s" being attached contains an identity column "%s"`}
	PartitionInherits    = Kind{"42809", "cannot change inheritance of a partition"}
	DetachConcurrently   = Kind{"55000", "cannot detach partitions concurrently when a default partition exists"}
	IndexElsewhere       = Kind{"55000", `cannot attach index "%s" as a partition of index "%s"`}
	IndexUnlike          = Kind{"42P17", `cannot attach index "%s" as a partition of index "%s"`}

	InheritPartitioned = Kind{"42809", `cannot inherit from partitioned table "%s"`}
	InheritTwice       = Kind{"42P07", `relation "%s" would be inherited from more than once`}
	InheritCircular    = Kind{"42P07", "circular inheritance not allowed"}
	InheritRelation    = Kind{"42809", `inherited relation "%s" is not a table or foreign table`}
	NotParentOf        = Kind{"42P01", `relation "%s" is not a parent of relation "%s"`}
	ChildType          = Kind{"42804", `child table "%s" has different type for column "%s"`}
	ChildColumn        = Kind{"42804", `child table is missing column "%s"`}
	ChildConstraint    = Kind{"42804", `child table is missing constraint "%s"`}
	ChildNotNull       = Kind{"42804", `column "%s" in %s must be marked NOT NULL`}
)

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
