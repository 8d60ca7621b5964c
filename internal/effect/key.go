package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// buildKey builds the index of a new PRIMARY KEY, UNIQUE or EXCLUDE
// constraint, on each partition of a partitioned table.
func (a *alterState) buildKey(con *pgparse.Constraint, columns []string) {
	label := "key"
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_PRIMARY:
		label = "pkey"
	case pgparse.ConstrType_CONSTR_EXCLUSION:
		label = "excl"
	}
	part := joinColumns(slices.Concat(columns, refusal.StringNames(con.GetIncluding())))
	if label == "pkey" {
		part = ""
	}
	name := con.GetConname()
	if name == "" {
		name = a.freeName(a.rel.Name, part, label)
	}
	full := catalog.Name{Schema: a.rel.Name.Schema, Name: name}
	if a.rel.Kind == catalog.PartitionedTable && !a.recurse {
		a.recordCreated(full, catalog.PartitionedIndex) // not valid until every partition has one
		return
	}
	used := map[catalog.OID]bool{}
	a.buildIndexTree(a.rel, full, sh, func(p *catalog.Relation) string {
		return a.freeName(p.Name, part, label)
	}, func(p *catalog.Relation) *catalog.Relation { return a.findMatchingKey(p, con, columns, used) })
}

// findMatchingKey finds a constraint of a partition that a new one of its parent
// adopts with its index.
func (a *alterState) findMatchingKey(p *catalog.Relation, con *pgparse.Constraint, columns []string, used map[catalog.OID]bool) *catalog.Relation {
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

// addConstraintUsingIndex is ADD CONSTRAINT … USING INDEX.
func (a *alterState) addConstraintUsingIndex(con *pgparse.Constraint) {
	index := a.C.IndexNamed(a.rel, con.GetIndexname())
	if index == nil {
		index = catalog.StandIn(catalog.Name{Schema: a.rel.Name.Schema, Name: con.GetIndexname()}, catalog.Index, true)
	}
	switch info := index.Index; {
	case con.GetContype() != pgparse.ConstrType_CONSTR_PRIMARY:
	case info == nil || index.Inferred:
		t := a.tableWorkOf(a.rel)
		t.wantScan("")
		t.unsure, t.why = true, "whether the key's columns are NOT NULL is not known"
	default:
		for _, k := range info.Keys {
			if col := a.rel.Attr(k.Column); col != nil {
				a.setNotNull(col.Name)
			}
		}
	}
	// The index gets the constraint's name.
	if con.GetConname() != "" && con.GetConname() != index.Name.Name {
		a.lockRelation(index, sue)
	} else {
		a.lockRelation(index, as)
	}
}
