package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// createTable is CREATE TABLE: the new table harms nobody; the locks are on
// the tables that it refers to, inherits from or becomes a partition of.
func (r *run) createTable(s *pgparse.CreateStmt, kind catalog.Kind) {
	rv := s.GetRelation()
	schema := rv.GetSchemaname()
	if rv.GetRelpersistence() == "t" {
		schema = "pg_temp"
	}
	if s.GetIfNotExists() {
		if schema == "" {
			schema = r.CreationSchema()
		}
		if r.C.Lookup(schema, rv.GetRelname()) != nil {
			return // noticed without a lock
		}
	}
	if schema == "" {
		schema = r.CreationSchema()
	}
	r.Present("schema", schema)
	name := catalog.Name{Schema: schema, Name: rv.GetRelname()}
	if old := r.C.Lookup(schema, name.Name); old != nil && !old.Inferred && !s.GetIfNotExists() {
		r.Refuse(refuse.RelationExists, name.Name)
	}
	if s.GetPartspec() != nil {
		kind = catalog.PartitionedTable
	}
	r.create(name, kind)
	r.persistence = catalog.Permanent
	switch rv.GetRelpersistence() {
	case "t":
		r.persistence = catalog.Temporary
	case "u":
		r.persistence = catalog.Unlogged
	}

	types := r.elementTypes(s.GetTableElts())
	for _, n := range s.GetPartspec().GetPartParams() {
		if e := n.GetPartitionElem().GetExpr(); e != nil && !r.MayIndex(e, types) {
			r.Refuse(refuse.PartitionKeyMutable)
		}
	}
	for _, n := range s.GetTableElts() {
		switch m := pgparse.Unwrap(n).(type) {
		case *pgparse.ColumnDef:
			r.createColumn(name, m, types)
		case *pgparse.Constraint:
			r.ConstraintForm(m)
			r.createConstraint(name, m, nil, types)
		case *pgparse.TableLikeClause:
			if like := r.table(m.GetRelation()); like != nil {
				r.lockFor(like, as, "LIKE reads its definition")
				r.createLike(name, like, m.GetOptions())
			}
		}
	}
	for _, n := range s.GetConstraints() {
		r.ConstraintForm(n.GetConstraint())
		r.createConstraint(name, n.GetConstraint(), nil, types)
	}
	for _, n := range s.GetInhRelations() {
		parent := r.table(n.GetRangeVar())
		if parent == nil {
			continue
		}
		if s.GetPartbound() != nil && !parent.Inferred && (rv.GetRelpersistence() == "t") != (parent.Persistence == catalog.Temporary) {
			one, other := "permanent", "temporary"
			if rv.GetRelpersistence() == "t" {
				one, other = other, one
			}
			r.Refuse(refuse.PartitionPersistence, one, other, parent.Name.Name)
			return
		}
		if s.GetPartbound() == nil && parent.Kind == catalog.PartitionedTable {
			r.Refuse(refuse.InheritPartitioned, parent.Name.Name)
			return
		}
		if s.GetPartbound() == nil {
			r.lockFor(parent, sue, "the new table inherits from it")
			continue
		}
		r.createPartition(name, parent, s.GetPartbound())
	}
	if schema, typ := pgparse.SchemaAndName(s.GetOfTypename().GetNames()); typ != "" {
		if t := r.C.LookupType(schema, typ); t != nil {
			if rel := r.C.Relation(t.Relation); rel != nil {
				r.lockFor(rel, as, "the table's type")
			}
		}
	}
}

// createLike makes the indexes and sequences that LIKE … INCLUDING copies.
func (r *run) createLike(name catalog.Name, like *catalog.Relation, options uint32) {
	const identity, indexes = 1 << 5, 1 << 6 // TableLikeOption
	if options&identity != 0 {
		for _, col := range like.Columns {
			if col.Identity != "" {
				r.createOwned(name, col.Name, nil)
			}
		}
	}
	if options&indexes == 0 {
		return
	}
	for _, i := range r.C.IndexesOf(like) {
		if i.Index != nil {
			label, columns := indexLabel(i, like)
			r.create(catalog.Name{Schema: name.Schema, Name: r.freeName(name, columns, label)}, catalog.Index)
		}
	}
}

// elementTypes are the types of the columns that a CREATE TABLE lists.
func (r *run) elementTypes(elements []*pgparse.Node) answer.ColumnType {
	return func(name string) catalog.Type {
		for _, n := range elements {
			if d := n.GetColumnDef(); d != nil && d.GetColname() == name && d.GetTypeName() != nil && !serialType(d.GetTypeName()) {
				return r.C.TypeOf(d.GetTypeName())
			}
		}
		return catalog.Type{}
	}
}

func (r *run) createColumn(table catalog.Name, def *pgparse.ColumnDef, types answer.ColumnType) {
	r.ColumnForm(def)
	n := r.readColumn(def)
	if n.generated != "" && !r.MayIndex(n.deflt, types) {
		r.Refuse(refuse.GenerationMutable)
	}
	if n.serial || n.identity != "" {
		r.createOwned(table, def.GetColname(), n.sequence)
	}
	column := []string{def.GetColname()}
	for _, c := range n.keys {
		r.createConstraint(table, c, column, types)
	}
	for _, c := range n.fks {
		r.createConstraint(table, c, column, types)
	}
}

func (r *run) createConstraint(table catalog.Name, con *pgparse.Constraint, columns []string, types answer.ColumnType) {
	if columns == nil {
		columns = keys(con.GetKeys())
	}
	name := func(part, label string) {
		n := con.GetConname()
		if n == "" {
			n = r.freeName(table, part, label)
		}
		r.create(catalog.Name{Schema: table.Schema, Name: n}, catalog.Index)
	}
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_PRIMARY:
		name("", "pkey")
	case pgparse.ConstrType_CONSTR_UNIQUE:
		name(joined(slices.Concat(columns, keys(con.GetIncluding()))), "key")
	case pgparse.ConstrType_CONSTR_EXCLUSION:
		columns = nil
		for _, x := range con.GetExclusions() {
			if items := x.GetList().GetItems(); len(items) > 0 {
				columns = append(columns, elemName(items[0].GetIndexElem()))
			}
		}
		name(joined(columns), "excl")
	case pgparse.ConstrType_CONSTR_FOREIGN:
		pk := con.GetPktable()
		if pk.GetRelname() == table.Name && (pk.GetSchemaname() == "" || pk.GetSchemaname() == table.Schema) {
			return
		}
		if ref := r.table(pk); ref != nil {
			if no := mayPoint(r.persistence, ref); no != nil {
				r.Deny(no)
			}
			if ref.Kind.IsTable() && !ref.Inferred && !r.comparable(ref, con, columns, types) {
				r.Deny(r.notImplemented(table, con, columns))
			}
			r.lockReferenced(ref, false, "the new table "+table.String()+" references it")
		}
	}
}

// mayGrow refuses a new partition that the server refuses.
func (r *run) mayGrow(name catalog.Name, parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) bool {
	switch {
	case parent.Inferred:
		return true
	case parent.Kind != catalog.PartitionedTable:
		r.Refuse(refuse.NotPartitioned, parent.Name.Name)
		return false
	}
	return r.hasRoom(name, parent, bound)
}

// createPartition is CREATE TABLE … PARTITION OF: unlike ATTACH it locks the
// parent, and the default partition, against everything.
func (r *run) createPartition(name catalog.Name, parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) {
	if !r.mayGrow(name, parent, bound) {
		return
	}
	r.lock(parent, ael).Why = "a partition is added"
	if d := r.C.Relation(parent.Default); d != nil && !bound.GetIsDefault() {
		r.lockDefault(d, parent, bound)
	}
	r.cloneToPartition(name, parent, nil)
}
