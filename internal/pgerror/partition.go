package pgerror

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
