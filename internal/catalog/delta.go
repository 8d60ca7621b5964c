package catalog

// DeltaKind says what became different.
type DeltaKind uint8

// The kinds of deltas. "Relation" covers tables, views, materialised views,
// sequences and foreign tables: Delta.After.Kind (or Before.Kind) tells.
const (
	RelationCreated DeltaKind = iota + 1
	RelationDropped
	RelationRenamed // also moved to another schema
	RelationChanged // persistence, RLS, options, replica identity, tablespace, owner, …: Delta.What names it
	ViewReplaced    // the query of a view became another

	ColumnAdded
	ColumnDropped
	ColumnRenamed
	ColumnTypeChanged
	ColumnSetNotNull
	ColumnDropNotNull
	ColumnDefaultChanged // set, changed or dropped: compare Old and New
	ColumnIdentityChanged
	ColumnGeneratedChanged
	ColumnChanged // storage, compression, collation, …: Delta.What

	ConstraintAdded
	ConstraintDropped
	ConstraintRenamed
	ConstraintValidated
	ConstraintChanged // deferrability, enforcement

	IndexCreated
	IndexDropped
	IndexRenamed
	IndexChanged

	PartitionAttached // Relation is the parent, Other the partition
	PartitionDetached
	InheritanceChanged

	TriggerCreated
	TriggerDropped
	TriggerChanged // enabled, disabled, replaced
	PolicyCreated
	PolicyDropped
	PolicyChanged
	RuleCreated
	RuleDropped
	RuleChanged // enabled, disabled

	TypeCreated
	TypeDropped
	TypeRenamed
	EnumValueAdded   // Delta.What is the value
	EnumValueRenamed // Delta.What is "old → new"
	DomainChanged    // constraint or NOT NULL added or dropped, default
	FunctionCreated
	FunctionReplaced
	FunctionDropped
	FunctionRenamed
	ObjectCreated // schema, extension, publication, statistics, …
	ObjectDropped
	ObjectChanged
	Granted
	Revoked
)

// Delta is one difference between two catalogs, for other code. Which fields
// are set follows from Kind.
type Delta struct {
	Kind DeltaKind
	// OID is the relation concerned: for columns, constraints, indexes,
	// triggers and policies their table.
	OID OID
	// Before and After are that relation in both catalogs; Before is nil when
	// it did not exist, After when it no longer does.
	Before, After *Relation
	// Old and New are the column in both catalogs.
	Old, New *Column
	// OldConstraint and NewConstraint are the constraint in both catalogs.
	OldConstraint, NewConstraint *Constraint
	// OldIndex and NewIndex are the index in both catalogs.
	OldIndex, NewIndex *Relation
	// Other is the second relation of a partition or inheritance change.
	Other *Relation
	// OldTrigger and NewTrigger, OldType and NewType, OldFunction and
	// NewFunction, OldObject and NewObject likewise.
	OldTrigger, NewTrigger   *Trigger
	OldType, NewType         *UserType
	OldFunction, NewFunction *Function
	OldObject, NewObject     *Object
	Policy                   *Policy
	Grant                    Grant
	// What names the detail where Kind leaves it open.
	What string
	// Key names the thing that changed, the same in every diff: the delta of
	// a transaction is traced to its statement by Kind and Key.
	Key string
}

// Name is the name of the relation concerned: as it was, or as it is when it
// is new.
func (d *Delta) Name() Name {
	if d.Before != nil {
		return d.Before.Name
	}
	if d.After != nil {
		return d.After.Name
	}
	return Name{}
}
