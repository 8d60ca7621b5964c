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
