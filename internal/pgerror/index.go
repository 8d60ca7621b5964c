package pgerror

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
