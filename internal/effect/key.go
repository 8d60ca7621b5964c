package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

func keys(list []*pgparse.Node) []string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = text(k)
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
	part := joined(columns)
	if label == "pkey" {
		part = ""
	}
	name := con.GetConname()
	if name == "" {
		name = a.freeName(a.rel.Name, part, label)
	}
	a.buildOn(a.rel, catalog.Name{Schema: a.rel.Name.Schema, Name: name}, sh, func(p *catalog.Relation) string {
		return a.freeName(p.Name, part, label)
	}, nil)
}

// mayHaveKey refuses a key that the server refuses whatever the rows are.
func (a *alter) mayHaveKey(con *pgparse.Constraint, columns []string) bool {
	switch {
	case con.GetNullsNotDistinct() && !a.v.AtLeast(15):
		a.refuse(`syntax error at or near "NULLS"`)
	case con.GetWithoutOverlaps() && !a.v.AtLeast(18):
		a.refuse(`syntax error at or near "WITHOUT"`)
	case con.GetWithoutOverlaps() && len(columns) < 2:
		a.refuse("constraint using WITHOUT OVERLAPS needs at least two columns")
	case con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY && a.hasPrimaryKey():
		a.refuse(`multiple primary keys for table "` + a.rel.Name.Name + `" are not allowed`)
	case con.GetContype() != pgparse.ConstrType_CONSTR_EXCLUSION && !a.coversPartitionKey(columns):
		a.refuse("unique constraint on partitioned table must include all partitioning columns")
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

func (r *run) coversKey(rel *catalog.Relation, columns []string) bool {
	for _, k := range rel.PartitionKey {
		col := rel.Attr(k.Column)
		if col == nil || !contains(columns, col.Name) {
			return false
		}
	}
	return true
}

func (a *alter) coversPartitionKey(columns []string) bool { return a.coversKey(a.rel, columns) }

// useIndex is ADD CONSTRAINT … USING INDEX.
func (a *alter) useIndex(con *pgparse.Constraint) {
	var index *catalog.Relation
	for _, i := range a.indexes(a.rel) {
		if i.Name.Name == con.GetIndexname() {
			index = i
		}
	}
	if index == nil {
		if a.whole(a.rel) && a.c.Complete {
			a.refuse(`index "` + con.GetIndexname() + `" does not exist`)
			return
		}
		index = catalog.StandIn(catalog.Name{Schema: a.rel.Name.Schema, Name: con.GetIndexname()}, catalog.Index, true)
	}
	if info := index.Index; info != nil && !index.Inferred {
		if message := unsuitable(index); message != "" {
			a.refuse(message)
		}
		if a.Refused != "" {
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
