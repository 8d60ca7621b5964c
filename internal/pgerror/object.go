package pgerror

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
