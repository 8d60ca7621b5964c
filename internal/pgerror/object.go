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
	PublishesUpdates     = Kind{"55000", `cannot update table "%s" because it does not have a replica identity and publishes updates`}
	PublishesDeletes     = Kind{"55000", `cannot delete from table "%s" because it does not have a replica identity and publishes deletes`}

	TriggerEnforced = Kind{"0A000", "TRIGGER constraints cannot be marked ENFORCED"}
	RecoveryMissing = Kind{"55000", "recovery is not in progress"}
	DropSpecialRole = Kind{"22023", "cannot use special role specifier in DROP ROLE"}

	OptionUnknown    = Kind{"42601", `unrecognized %s option "%s"`}
	OptionNot        = Kind{"42601", `option "%s" not recognized`}
	PrivilegeUnknown = Kind{"42601", `unrecognized privilege type "%s"`}
)
