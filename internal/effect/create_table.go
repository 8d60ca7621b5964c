package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// createTable is CREATE TABLE: the new table harms nobody; the locks are on
// the tables that it refers to, inherits from or becomes a partition of.
func (r *run) createTable(s *pgparse.CreateStmt, kind catalog.Kind) {
	if s.GetIfNotExists() && r.TableThere(s.GetRelation()) {
		return // noticed without a lock
	}
	name := r.NewName(s.GetRelation())
	if s.GetPartspec() != nil {
		kind = catalog.PartitionedTable
	}
	r.recordCreated(name, kind)
	if r.Refusal != nil {
		return
	}
	for _, n := range s.GetTableElts() {
		switch m := pgparse.Unwrap(n).(type) {
		case *pgparse.ColumnDef:
			r.createColumn(name, m)
		case *pgparse.Constraint:
			r.createConstraint(name, m, nil)
		case *pgparse.TableLikeClause:
			if like := r.findTable(m.GetRelation()); like != nil {
				r.lockWithReason(like, as, "LIKE reads its definition")
				r.createLikeParts(name, like, m.GetOptions())
			}
		}
	}
	for _, n := range s.GetConstraints() {
		r.createConstraint(name, n.GetConstraint(), nil)
	}
	for _, n := range s.GetInhRelations() {
		switch parent := r.findTable(n.GetRangeVar()); {
		case parent == nil:
		case s.GetPartbound() == nil:
			r.lockWithReason(parent, sue, "the new table inherits from it")
		default:
			r.createPartition(name, parent, s.GetPartbound())
		}
	}
	r.lockTypedTableType(s.GetOfTypename())
}

// lockTypedTableType locks the type of a typed table.
func (r *run) lockTypedTableType(typeName *pgparse.TypeName) {
	schema, typ := pgparse.SchemaAndName(typeName.GetNames())
	if typ == "" {
		return
	}
	if t := r.C.LookupType(schema, typ); t != nil {
		if rel := r.C.Relation(t.Relation); rel != nil {
			r.lockWithReason(rel, as, "the table's type")
		}
	}
}

// createLikeParts makes the indexes and sequences that LIKE … INCLUDING copies.
func (r *run) createLikeParts(name catalog.Name, like *catalog.Relation, options uint32) {
	const identity, indexes = 1 << 5, 1 << 6 // TableLikeOption
	if options&identity != 0 {
		for _, col := range like.Columns {
			if col.Identity != "" {
				r.createOwnedSequence(name, col.Name, nil)
			}
		}
	}
	if options&indexes == 0 {
		return
	}
	for _, i := range r.C.IndexesOf(like) {
		if i.Index != nil {
			label, columns := indexLabel(i, like)
			r.recordCreated(catalog.Name{Schema: name.Schema, Name: r.freeName(name, columns, label)}, catalog.Index)
		}
	}
}

func (r *run) createColumn(table catalog.Name, def *pgparse.ColumnDef) {
	n := refusal.ReadColumn(def)
	if n.Serial || n.Identity != "" {
		r.createOwnedSequence(table, def.GetColname(), n.Sequence)
	}
	column := []string{def.GetColname()}
	for _, c := range n.Keys {
		r.createConstraint(table, c, column)
	}
	for _, c := range n.ForeignKeys {
		r.createConstraint(table, c, column)
	}
}

func (r *run) createConstraint(table catalog.Name, con *pgparse.Constraint, columns []string) {
	if columns == nil {
		columns = refusal.StringNames(con.GetKeys())
	}
	name := func(part, label string) {
		n := con.GetConname()
		if n == "" {
			n = r.freeName(table, part, label)
		}
		r.recordCreated(catalog.Name{Schema: table.Schema, Name: n}, catalog.Index)
	}
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_PRIMARY:
		name("", "pkey")
	case pgparse.ConstrType_CONSTR_UNIQUE:
		name(joinColumns(slices.Concat(columns, refusal.StringNames(con.GetIncluding()))), "key")
	case pgparse.ConstrType_CONSTR_EXCLUSION:
		columns = nil
		for _, x := range con.GetExclusions() {
			if items := x.GetList().GetItems(); len(items) > 0 {
				columns = append(columns, refusal.ElementName(items[0].GetIndexElem()))
			}
		}
		name(joinColumns(columns), "excl")
	case pgparse.ConstrType_CONSTR_FOREIGN:
		if pk := con.GetPktable(); !refusal.IsItself(table, pk) {
			if ref := r.findTable(pk); ref != nil {
				r.lockForeignKeyTarget(ref, false, "the new table "+table.String()+" references it")
			}
		}
	}
}

// createPartition is CREATE TABLE … PARTITION OF: unlike ATTACH it locks the
// parent, and the default partition, against everything.
func (r *run) createPartition(name catalog.Name, parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) {
	r.lockRelation(parent, accessExclusive).Why = "a partition is added"
	if d := r.C.Relation(parent.Default); d != nil && !bound.GetIsDefault() {
		r.lockDefaultPartition(d, parent, bound)
	}
	r.cloneToPartition(name, parent, nil)
}
