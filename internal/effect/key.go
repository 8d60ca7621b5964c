package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

func keys(list []*pgparse.Node) []string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = pgparse.Text(k)
	}
	return out
}

// buildKey builds the index of a new PRIMARY KEY, UNIQUE or EXCLUDE
// constraint, on each partition of a partitioned table.
func (a *alter) buildKey(con *pgparse.Constraint, columns []string) {
	label := "key"
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_PRIMARY:
		label = "pkey"
	case pgparse.ConstrType_CONSTR_EXCLUSION:
		label = "excl"
	}
	part := joined(slices.Concat(columns, keys(con.GetIncluding())))
	if label == "pkey" {
		part = ""
	}
	name := con.GetConname()
	if name == "" {
		name = a.freeName(a.rel.Name, part, label)
	}
	full := catalog.Name{Schema: a.rel.Name.Schema, Name: name}
	if a.rel.Kind == catalog.PartitionedTable && !a.recurse {
		a.create(full, catalog.PartitionedIndex) // not valid until every partition has one
		return
	}
	used := map[catalog.OID]bool{}
	a.buildOn(a.rel, full, sh, func(p *catalog.Relation) string {
		return a.freeName(p.Name, part, label)
	}, func(p *catalog.Relation) *catalog.Relation { return a.sameKey(p, con, columns, used) })
}

// mayHaveKey refuses a key that the server refuses whatever the rows are.
func (a *alter) mayHaveKey(con *pgparse.Constraint, columns []string) bool {
	switch {
	case a.rel.Kind == catalog.ForeignTable:
		a.Refuse(refuse.KeyForeignTable, keyWord(con))
	case con.GetNullsNotDistinct() && !a.V.AtLeast(15):
		a.Refuse(refuse.SyntaxAt, "NULLS")
	case con.GetWithoutOverlaps() && !a.V.AtLeast(18):
		a.Refuse(refuse.SyntaxAt, "WITHOUT")
	case con.GetWithoutOverlaps() && len(columns) < 2:
		a.Refuse(refuse.KeyOverlaps)
	case con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY && a.hasPrimaryKey():
		a.Refuse(refuse.KeyTwice, a.rel.Name.Name)
	case con.GetContype() == pgparse.ConstrType_CONSTR_EXCLUSION && a.rel.Kind == catalog.PartitionedTable && !a.V.AtLeast(17):
		a.Refuse(refuse.ExclusionNotHere)
	case !a.sortable(con, columns):
	case !answer.CoversKey(a.rel, columns):
		a.Refuse(refuse.KeyPartition)
	default:
		return true
	}
	return false
}

func (a *alter) hasPrimaryKey() bool {
	for _, c := range a.rel.Constraints {
		if c.Kind == catalog.PrimaryKey && !contains(a.droppedConstraints, c) {
			return true
		}
	}
	return false
}

// sameKey finds a constraint of a partition that a new one of its parent
// adopts with its index.
func (a *alter) sameKey(p *catalog.Relation, con *pgparse.Constraint, columns []string, used map[catalog.OID]bool) *catalog.Relation {
	kind := catalog.Unique
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_PRIMARY:
		kind = catalog.PrimaryKey
	case pgparse.ConstrType_CONSTR_EXCLUSION:
		return nil
	}
	for _, c := range p.Constraints {
		index := a.C.Relation(c.Index)
		if c.Kind != kind || index == nil || index.Index == nil || used[index.OID] || index.Index.Parent != 0 ||
			len(index.Index.Keys) != len(columns) || len(index.Index.Include) != len(con.GetIncluding()) ||
			c.Deferrable != con.GetDeferrable() || c.InitiallyDeferred != con.GetInitdeferred() || c.NullsNotDistinct != con.GetNullsNotDistinct() {
			continue
		}
		equal := true
		for i, k := range index.Index.Keys {
			col := p.Attr(k.Column)
			equal = equal && col != nil && col.Name == columns[i]
		}
		if equal {
			used[index.OID] = true
			return index
		}
	}
	return nil
}

// sortable refuses a key on a column that is not there, or that has no order.
func (a *alter) sortable(con *pgparse.Constraint, columns []string) bool {
	if con.GetContype() == pgparse.ConstrType_CONSTR_EXCLUSION {
		return true
	}
	for _, name := range columns {
		if !a.isNew(name) {
			col, known := a.Column(a.rel, name)
			switch {
			case col == nil && known && !answer.System("", name):
				a.Refuse(refuse.ColumnMissingKey, name)
				return false
			case col == nil || col.Inferred:
				continue
			case col.Generated == "virtual":
				a.Refuse(refuse.VirtualConstraint, keyWord(con))
				return false
			case con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY && col.NotNullInvalid:
				a.Refuse(refuse.KeyNullable, name)
				return false
			}
		}
		if no := a.withoutOrder(a.typeNow(name)); no != nil {
			a.Deny(no)
			return false
		}
	}
	return true
}

func keyWord(con *pgparse.Constraint) string {
	if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
		return "primary key"
	}
	if con.GetContype() == pgparse.ConstrType_CONSTR_EXCLUSION {
		return "exclusion"
	}
	return "unique"
}

// withoutOrder is the refusal of a type that B-tree cannot sort; nil for the
// others.
func (r *run) withoutOrder(t catalog.Type) *refuse.Refusal {
	return r.Unfit("btree", "", t)
}

// useIndex is ADD CONSTRAINT … USING INDEX.
func (a *alter) useIndex(con *pgparse.Constraint) {
	if a.rel.Kind == catalog.PartitionedTable {
		a.Refuse(refuse.UsingPartitioned)
		return
	}
	var index *catalog.Relation
	for _, i := range a.C.IndexesOf(a.rel) {
		if i.Name.Name == con.GetIndexname() {
			index = i
		}
	}
	if index == nil {
		if a.Whole(a.rel) && a.C.Complete {
			a.Refuse(refuse.IndexMissing, con.GetIndexname())
			return
		}
		index = catalog.StandIn(catalog.Name{Schema: a.rel.Name.Schema, Name: con.GetIndexname()}, catalog.Index, true)
	}
	if info := index.Index; info != nil && !index.Inferred {
		if a.Deny(unsuitable(index)); a.No != nil {
			return
		}
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range info.Keys {
				if col := a.rel.Attr(k.Column); col != nil {
					a.setNotNull(col.Name)
				}
			}
		}
	} else if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
		t := a.tabOf(a.rel)
		t.wantScan("")
		t.unsure, t.why = true, "whether the key's columns are NOT NULL is not known"
	}
	// The index gets the constraint's name.
	if con.GetConname() != "" && con.GetConname() != index.Name.Name {
		a.lock(index, sue)
	} else {
		a.lock(index, as)
	}
}

// usesKey reports whether a foreign key rests on a unique or primary key.
func usesKey(fk, key *catalog.Constraint) bool {
	if len(fk.RefColumns) == 0 {
		return key.Kind == catalog.PrimaryKey
	}
	if len(fk.RefColumns) != len(key.Columns) {
		return false
	}
	for _, c := range fk.RefColumns {
		if !contains(key.Columns, c) {
			return false
		}
	}
	return true
}
