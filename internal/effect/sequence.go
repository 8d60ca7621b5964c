package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

func (r *run) createSequence(s *pgparse.CreateSeqStmt) {
	name := r.NewName(s.GetSequence())
	if s.GetIfNotExists() && r.C.Lookup(name.Schema, name.Name) != nil {
		return
	}
	r.create(name, catalog.Sequence)
	r.ownedByColumn(s.GetOptions())
}

// ownedByColumn locks the table of OWNED BY.
func (r *run) ownedByColumn(options []*pgparse.Node) {
	for _, o := range options {
		if o.GetDefElem().GetDefname() != "owned_by" {
			continue
		}
		parts := o.GetDefElem().GetArg().GetList().GetItems()
		if len(parts) < 2 {
			continue // OWNED BY NONE
		}
		schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
		if rel := r.Find(schema, name, catalog.Table, false); rel != nil {
			r.lock(rel, as)
		}
	}
}

func (r *run) alterSequence(s *pgparse.AlterSeqStmt) {
	rv := s.GetSequence()
	seq := r.Find(rv.GetSchemaname(), rv.GetRelname(), catalog.Sequence, s.GetMissingOk())
	if seq == nil {
		return
	}
	e := r.lock(seq, sre)
	if r.No != nil {
		return
	}
	for _, o := range s.GetOptions() {
		if o.GetDefElem().GetDefname() != "owned_by" {
			e.Rewrites, e.Instant = true, true
		}
	}
	r.ownedByColumn(s.GetOptions())
}

// isIdentity reports whether a column is one as far as the statement has come.
func (a *alter) isIdentity(col *catalog.Column) bool {
	return col.Identity != "" && !contains(a.withoutIdentity, col.Name)
}

// sharesIdentity reports whether a column of a partition takes its numbers from
// the sequence of its parent's.
func (a *alter) sharesIdentity(col *catalog.Column) bool {
	parent := a.C.Relation(a.rel.Parent)
	if parent == nil || col == nil || col.Identity == "" {
		return false
	}
	above := parent.Column(col.Name)
	return above != nil && above.Identity != "" && (col.Sequence == 0 || col.Sequence == above.Sequence)
}

func optionNames(options []*pgparse.Node) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = o.GetDefElem().GetDefname()
	}
	return out
}

// createOwned makes the sequence of an identity or serial column: options may
// name it.
func (r *run) createOwned(table catalog.Name, column string, options []*pgparse.Node) {
	name := catalog.Name{Schema: table.Schema}
	for _, o := range options {
		if d := o.GetDefElem(); d.GetDefname() == "sequence_name" {
			schema, given := pgparse.SchemaAndName(d.GetArg().GetList().GetItems())
			if name.Name = given; schema != "" {
				name.Schema = schema
			}
		}
	}
	if name.Name == "" {
		name.Name = r.freeName(table, column, "seq")
	}
	r.create(name, catalog.Sequence)
}

// identity is ADD GENERATED, SET GENERATED (and the sequence's options beside
// it) and DROP IDENTITY.
func (a *alter) identity(cmd *pgparse.AlterTableCmd) {
	col, known := a.Column(a.rel, cmd.GetName())
	none := cmd.GetSubtype() == pgparse.AlterTableType_AT_DropIdentity && known && col != nil && col.Identity == ""
	// What only the sequence learns does not go down.
	only := cmd.GetSubtype() == pgparse.AlterTableType_AT_SetIdentity && !contains(optionNames(cmd.GetDef().GetList().GetItems()), "generated")
	if a.recurse && a.rel.Kind == catalog.PartitionedTable && !none && !only && a.V.AtLeast(17) {
		a.below(a.rel, a.mode)
	}
	if a.sharesIdentity(col) && cmd.GetSubtype() != pgparse.AlterTableType_AT_AddIdentity {
		switch {
		case !a.V.AtLeast(17): // no partition's column was one
			if !cmd.GetMissingOk() {
				a.Refuse(refuse.IdentityNot, cmd.GetName(), a.rel.Name.Name)
			}
		case cmd.GetSubtype() == pgparse.AlterTableType_AT_DropIdentity:
			a.Refuse(refuse.IdentityFromPartition)
		default:
			a.Refuse(refuse.IdentityOfPartition)
		}
		return
	}
	var seq *catalog.Relation
	if col != nil && col.Sequence != 0 {
		seq = a.C.Relation(col.Sequence)
	}
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddIdentity:
		if a.rel.Parent != 0 && a.V.AtLeast(17) {
			a.Refuse(refuse.IdentityToPartition)
			return
		}
		if known && col != nil && !col.NotNull && !contains(a.madeNotNull, col.Name) {
			a.Refuse(refuse.IdentityNullable, cmd.GetName(), a.rel.Name.Name)
			return
		}
		a.newIdentity = true
		a.createOwned(a.rel.Name, cmd.GetName(), cmd.GetDef().GetConstraint().GetOptions())
	case pgparse.AlterTableType_AT_DropIdentity:
		if known && col != nil && col.Identity == "" {
			if !cmd.GetMissingOk() {
				a.Refuse(refuse.IdentityNot, cmd.GetName(), a.rel.Name.Name)
			}
			return
		}
		a.withoutIdentity = append(a.withoutIdentity, cmd.GetName())
		if seq != nil {
			a.drop(seq, "owned by the column "+cmd.GetName())
		}
	case pgparse.AlterTableType_AT_SetIdentity:
		if known && col != nil && !a.isIdentity(col) && !a.newIdentity {
			a.Refuse(refuse.IdentityNot, cmd.GetName(), a.rel.Name.Name)
			return
		}
		if seq == nil {
			return
		}
		e := a.lockFor(seq, sre, "owned by the column "+cmd.GetName())
		for _, o := range cmd.GetDef().GetList().GetItems() {
			if name := o.GetDefElem().GetDefname(); name != "generated" && name != "owned_by" {
				e.Rewrites, e.Instant = true, true
			}
		}
	}
}
