package pgerror

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
