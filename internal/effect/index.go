package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// elemName is what an index element is called in a made-up name.
func elemName(e *pgparse.IndexElem) string {
	if e.GetName() != "" {
		return e.GetName()
	}
	if f := e.GetExpr().GetFuncCall().GetFuncname(); len(f) > 0 {
		return pgparse.Text(f[len(f)-1])
	}
	return "expr"
}

// buildOn builds an index on a table, and on each partition of a partitioned
// one. match finds an index of a partition that does already.
func (r *run) buildOn(rel *catalog.Relation, name catalog.Name, partitions onward.Lock,
	childName func(*catalog.Relation) string, match func(*catalog.Relation) *catalog.Relation,
) {
	if rel.Kind != catalog.PartitionedTable {
		again := r.create(name, catalog.Index).RebuildsIndex
		e := r.at(rel)
		e.BuildsIndex, e.Scans = true, true
		e.RebuildsIndex = e.RebuildsIndex || again
		return
	}
	r.create(name, catalog.PartitionedIndex)
	for _, p := range r.c.Rels(rel.Partitions) {
		if p.Kind == catalog.ForeignTable {
			continue
		}
		r.lockFor(p, partitions, childOf(p, rel))
		if match != nil {
			if i := match(p); i != nil {
				r.lockFor(i, partitions, "becomes part of "+name.String())
				continue
			}
		}
		r.buildOn(p, catalog.Name{Schema: p.Name.Schema, Name: childName(p)}, partitions, childName, match)
	}
}

// createIndex is CREATE INDEX.
func (r *run) createIndex(s *pgparse.IndexStmt) {
	mode := sh
	if s.GetConcurrent() {
		mode = sue
		r.NoTransaction = "CREATE INDEX CONCURRENTLY"
	}
	rel := r.table(s.GetRelation())
	if rel == nil {
		return
	}
	if s.GetUnique() && s.GetRelation().GetInh() && rel.Kind == catalog.PartitionedTable &&
		slices.ContainsFunc(r.c.Tree(rel, true), func(t *catalog.Relation) bool { return t.Kind == catalog.ForeignTable }) {
		r.refuse(refuse.IndexUniqueForeign, rel.Name.Name)
		return
	}
	if s.GetNullsNotDistinct() && !r.v.AtLeast(15) {
		r.refuse(refuse.SyntaxAt, "NULLS")
		return
	}
	if !rel.Kind.IsTable() && rel.Kind != catalog.MaterializedView {
		r.refuse(refuse.IndexRelation, rel.Name.Name)
		return
	}
	r.lock(rel, mode)
	if rel.Kind == catalog.PartitionedTable && s.GetRelation().GetInh() {
		r.below(rel, mode) // before anything is looked at
	}
	var parts []string
	for _, n := range s.GetIndexParams() {
		parts = append(parts, elemName(n.GetIndexElem()))
	}
	columns := catalog.IndexColumns(s.GetIndexParams(), s.GetIndexIncludingParams())
	e := r.at(rel)
	name := s.GetIdxname()
	if name == "" {
		name = r.freeName(rel.Name, columns, "idx")
	} else if r.c.Lookup(rel.Name.Schema, name) != nil {
		if s.GetIfNotExists() {
			e.Why = "it exists already, but the lock is taken"
		} else {
			r.refuse(refuse.RelationExists, name)
		}
		return
	}
	if s.GetConcurrent() {
		if rel.Kind == catalog.PartitionedTable {
			r.refuse(refuse.IndexConcurrently, rel.Name.Name)
			return
		}
		e.Waits = true
	}
	full := catalog.Name{Schema: rel.Name.Schema, Name: name}
	if no := r.unindexable(rel, s); no != nil {
		r.deny(no)
		return
	}
	if s.GetUnique() && !r.coversKey(rel, parts) {
		r.refuse(refuse.KeyPartition)
		return
	}
	// ONLY says something of a partitioned table alone, so that a table nobody has seen is one.
	if (rel.Kind == catalog.PartitionedTable || rel.Inferred) && !s.GetRelation().GetInh() && !s.GetConcurrent() {
		r.create(full, catalog.PartitionedIndex)
		return
	}
	r.buildOn(rel, full, sh, func(p *catalog.Relation) string {
		return r.freeName(p.Name, columns, "idx")
	}, func(p *catalog.Relation) *catalog.Relation { return r.equalIndex(p, rel, s) })
}

// unindexable is the refusal of an index on what it cannot be on; nil when it
// can.
func (r *run) unindexable(rel *catalog.Relation, s *pgparse.IndexStmt) *refuse.Refusal {
	method := s.GetAccessMethod()
	if lacks := r.methodLacks(method, s); lacks != "" {
		return refuse.IndexMethodLacks.Of(method, lacks)
	}
	for _, n := range s.GetIndexParams() {
		e := n.GetIndexElem()
		if e.GetExpr() != nil {
			if !r.mayIndex(e.GetExpr(), columnTypes(rel)) {
				return refuse.IndexMutable.Of()
			}
			continue
		}
		col, known := r.column(rel, e.GetName())
		switch {
		case col == nil && known:
			return refuse.ColumnMissingAlone.Of(e.GetName())
		case col == nil || col.Inferred:
		case col.Generated == "virtual":
			return refuse.IndexVirtual.Of()
		case len(e.GetOpclass()) == 0 && defaultsOf[method] != nil && !r.c.Complete:
			// An extension may have come from elsewhere.
		default:
			if no := r.unfit(method, pgparse.Last(e.GetOpclass()), col.Type); no != nil {
				return no
			}
		}
	}
	if w := s.GetWhereClause(); w != nil {
		if !r.mayIndex(w, columnTypes(rel)) {
			return refuse.IndexMutablePredicate.Of()
		}
	}
	return nil
}

// methodLacks is what an index asks for that its access method cannot do; "" for
// nothing, and for a method of an extension.
// https://www.postgresql.org/docs/current/indexes-types.html
func (r *run) methodLacks(method string, s *pgparse.IndexStmt) string {
	included := len(s.GetIndexIncludingParams()) > 0
	switch method {
	case "hash", "gist", "gin", "brin", "spgist":
	default:
		return ""
	}
	switch {
	case s.GetUnique():
		return "unique indexes"
	case included && method != "gist" && (method != "spgist" || !r.v.AtLeast(14)):
		return "included columns"
	case len(s.GetIndexParams()) > 1 && (method == "hash" || method == "spgist"):
		return "multicolumn indexes"
	}
	return ""
}

// equalIndex finds an index of a partition that a new index of its parent
// adopts instead of building another.
func (r *run) equalIndex(p, parent *catalog.Relation, s *pgparse.IndexStmt) *catalog.Relation {
	method := s.GetAccessMethod()
	if method == "" {
		method = "btree"
	}
	for _, i := range r.c.IndexesOf(p) {
		x := i.Index
		if x == nil || x.Parent != 0 || x.Unique != s.GetUnique() || x.Method != "" && x.Method != method || x.Constraint != "" && s.GetUnique() ||
			!catalog.SameExpr(x.Predicate, s.GetWhereClause()) || len(x.Keys) != len(s.GetIndexParams()) || len(x.Include) != len(s.GetIndexIncludingParams()) || !x.Valid {
			continue
		}
		equal := true
		for n, k := range x.Keys {
			e := s.GetIndexParams()[n].GetIndexElem()
			// In which direction it is sorted does not matter (CompareIndexInfo).
			col := p.Attr(k.Column)
			if col == nil && (k.Expr == nil || !catalog.SameExpr(k.Expr, e.GetExpr())) || col != nil && col.Name != e.GetName() ||
				k.Opclass != pgparse.Last(e.GetOpclass()) || k.Collation != pgparse.Last(e.GetCollation()) {
				equal = false
			}
		}
		if equal {
			return i
		}
	}
	return nil
}

// dropIndex is DROP INDEX of one index.
func (r *run) dropIndex(index *catalog.Relation, concurrent, cascade bool) {
	table := r.c.TableOf(index)
	if index.Index != nil && index.Index.Constraint != "" && table != nil {
		r.refuse(refuse.Required, "index", index.Name.Name, "constraint "+index.Index.Constraint+" on table "+table.Name.Name)
		return
	}
	if parent := r.c.ParentIndex(index); parent != nil {
		r.refuse(refuse.Required, "index", index.Name.Name, "index "+parent.Name.Name)
		return
	}
	if index.Index != nil {
		for _, u := range r.c.IndexUsers(index) {
			if !cascade {
				r.refuse(refuse.HasDependents, "index", index.Name.Name)
				return
			}
			if from := r.c.Relation(u.From); from != nil && !concurrent {
				r.lockFor(from, ael, "its foreign key "+u.Constraint.Name+" is dropped")
				r.below(from, ael)
			}
		}
	}
	if concurrent {
		if index.Kind == catalog.PartitionedIndex {
			r.refuse(refuse.DropConcurrentlyPartitioned, index.Name.Name)
			return
		}
		if table != nil {
			r.lock(table, sue)
		}
		// Shared at first; in the end nobody uses it, and it is locked for good.
		e := r.lock(index, ael)
		e.Dropped, e.Waits = true, true
		return
	}
	r.lock(index, ael).Dropped = true
	if table != nil {
		r.lockFor(table, ael, "its index "+index.Name.Name+" is dropped")
		if index.Kind == catalog.PartitionedIndex { // all partitions, those without such an index too
			r.below(table, ael)
		}
	}
	for _, i := range r.c.Tree(index, true)[1:] {
		r.drop(i, "part of "+index.Name.String())
		if t := r.c.TableOf(i); t != nil {
			r.lockFor(t, ael, "its index "+i.Name.Name+" is dropped")
		}
	}
}
