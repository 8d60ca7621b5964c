package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (r *run) createSequence(s *pgparse.CreateSeqStmt) {
	name := r.NewName(s.GetSequence())
	if s.GetIfNotExists() && r.C.Lookup(name.Schema, name.Name) != nil {
		return
	}
	r.recordCreated(name, catalog.Sequence)
	r.lockOwnerTable(s.GetOptions())
}

// lockOwnerTable locks the table of OWNED BY.
func (r *run) lockOwnerTable(options []*pgparse.Node) {
	for _, o := range options {
		if o.GetDefElem().GetDefname() != "owned_by" {
			continue
		}
		parts := o.GetDefElem().GetArg().GetList().GetItems()
		if len(parts) < 2 {
			continue // OWNED BY NONE
		}
		schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
		if rel := r.FindRelation(schema, name, catalog.Table, false); rel != nil {
			r.lockRelation(rel, as)
		}
	}
}

func (r *run) alterSequence(s *pgparse.AlterSeqStmt) {
	rv := s.GetSequence()
	seq := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Sequence, s.GetMissingOk())
	if seq == nil {
		return
	}
	e := r.lockRelation(seq, sre)
	if r.Refusal != nil {
		return
	}
	for _, o := range s.GetOptions() {
		if o.GetDefElem().GetDefname() != "owned_by" {
			e.Rewrites, e.Instant = true, true
		}
	}
	r.lockOwnerTable(s.GetOptions())
}

func optionNames(options []*pgparse.Node) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = o.GetDefElem().GetDefname()
	}
	return out
}

// createOwnedSequence makes the sequence of an identity or serial column: options may
// name it.
func (r *run) createOwnedSequence(table catalog.Name, column string, options []*pgparse.Node) {
	name := catalog.Name{Schema: table.Schema}
	for _, o := range options {
		if d := o.GetDefElem(); d.GetDefname() == "sequence_name" {
			schema, sequenceName := pgparse.SchemaAndName(d.GetArg().GetList().GetItems())
			if name.Name = sequenceName; schema != "" {
				name.Schema = schema
			}
		}
	}
	if name.Name == "" {
		name.Name = r.freeName(table, column, "seq")
	}
	r.recordCreated(name, catalog.Sequence)
}

// changeIdentity is ADD GENERATED, SET GENERATED (and the sequence's options beside
// it) and DROP IDENTITY.
func (a *alterState) changeIdentity(cmd *pgparse.AlterTableCmd) {
	col, known := a.FindColumn(a.rel, cmd.GetName())
	none := cmd.GetSubtype() == pgparse.AlterTableType_AT_DropIdentity && known && col != nil && col.Identity == ""
	// What only the sequence learns does not go down.
	optionsOnly := cmd.GetSubtype() == pgparse.AlterTableType_AT_SetIdentity && !contains(optionNames(cmd.GetDef().GetList().GetItems()), "generated")
	if a.recurse && a.rel.Kind == catalog.PartitionedTable && !none && !optionsOnly && a.V.AtLeast(17) {
		a.lockDescendants(a.rel, a.mode)
	}
	if cmd.GetSubtype() == pgparse.AlterTableType_AT_AddIdentity {
		a.createOwnedSequence(a.rel.Name, cmd.GetName(), cmd.GetDef().GetConstraint().GetOptions())
		return
	}
	var seq *catalog.Relation
	if col != nil && !a.now.SharesIdentity(col) {
		seq = a.C.Relation(col.Sequence)
	}
	switch {
	case seq == nil || none:
	case cmd.GetSubtype() == pgparse.AlterTableType_AT_DropIdentity:
		a.recordDropped(seq, "owned by the column "+cmd.GetName())
	default:
		e := a.lockWithReason(seq, sre, "owned by the column "+cmd.GetName())
		for _, name := range optionNames(cmd.GetDef().GetList().GetItems()) {
			if name != "generated" && name != "owned_by" {
				e.Rewrites, e.Instant = true, true
			}
		}
	}
}
