package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createview.html
func (f *fold) createView(s *pgparse.ViewStmt) {
	schema, relname := pgparse.RangeName(s.GetView())
	name := f.fullNameForCreate(schema, relname)
	oid, exists := f.names.get(name)
	old := f.Relation(oid)
	switch {
	case !exists:
		oid, f.creating = f.newOID(), name
	case s.GetReplace() && old.Kind == View, old.canBe(View):
	case s.GetReplace():
		f.addProblem(f.isHistoryComplete() && (!old.Inferred || old.Index != nil), pgerror.NotA, relname, "a view")
		if f.failed {
			return
		}
		f.dropRelation(oid)
		oid, old = f.newOID(), nil
	default:
		f.addProblem(f.isHistoryComplete() && (!old.Inferred || old.Index != nil), pgerror.RelationExists, relname)
		if f.failed {
			return
		}
		f.dropRelation(oid)
		oid, old = f.newOID(), nil
	}
	if f.refuseTooManyTargets(s.GetQuery()) {
		return
	}
	v := &Relation{OID: oid, Name: name, Kind: View, Persistence: persistenceOf(s.GetView()), Rare: newRare("", "", mergeStorageOptions(nil, s.GetOptions()))}
	if old != nil {
		rare := v.copyRare()
		v.Dependents, rare.Grants, rare.Taken, rare.Owner, v.Comment, v.Triggers, rare.Rules = old.Dependents, old.Grants, old.Taken, old.Owner, old.Comment, old.Triggers, old.Rules
		if old.Kind != View {
			f.detachInferred(f.editRelation(oid))
			for _, o := range old.ReferencedBy {
				other := f.editRelation(o)
				other.Constraints = slices.DeleteFunc(slices.Clone(other.Constraints), func(c *Constraint) bool { return c.Ref == oid && c.Kind == ForeignKey })
			}
		} else if old.View != nil {
			f.removeDependent(old)
		}
		f.forgetCopy(oid)
	}
	f.fillView(v, s.GetQuery(), pgparse.StringTexts(s.GetAliases()))
	if old != nil && !f.requireSameViewColumns(old, v) {
		return
	}
	f.storeRelation(v)
}

// requireSameViewColumns checks the requirement of CREATE OR REPLACE VIEW: the old columns in the
// same order, followed by new ones.
func (f *fold) requireSameViewColumns(old, v *Relation) bool {
	if old.Inferred || old.Partial || v.Partial {
		return true
	}
	if len(v.Columns) < len(old.Columns) {
		f.addProblem(f.isHistoryComplete(), pgerror.ViewLosesColumn)
		return !f.failed
	}
	for i, c := range old.Columns {
		if v.Columns[i].Name != c.Name {
			f.addProblem(f.isHistoryComplete(), pgerror.ViewRenamesColumn, c.Name, v.Columns[i].Name)
			v.renumberColumns(old)
			return !f.failed
		}
		if t := v.Columns[i].Type; c.Type.IsKnown() && t.IsKnown() && !c.Type.IsSame(t) && f.isTypeCertain(c.Type) && f.isTypeCertain(t) {
			f.addProblem(f.isHistoryComplete(), pgerror.ViewRetypesColumn, c.Name, c.Type.FormatFull(), t.FormatFull())
			return !f.failed
		}
	}
	return true
}

// renumberColumns gives the columns of a view the numbers of an older view's columns with
// the same names: CREATE OR REPLACE renames no column.
func (r *Relation) renumberColumns(old *Relation) {
	next := max(old.NextAttnum, r.NextAttnum)
	for _, c := range r.Columns {
		if o := old.Column(c.Name); o != nil {
			c.Attnum = o.Attnum
			continue
		}
		c.Attnum = next
		next++
	}
	r.NextAttnum = next
}

// fillView sets what a view reads and its columns.
func (f *fold) fillView(v *Relation, query *pgparse.Node, names []string) {
	q := f.readQuery(query)
	v.View = &ViewInfo{Query: query, Reads: q.reads, Columns: q.columns, Star: q.star, Functions: q.functions, Types: q.types}
	f.using = true
	f.addOutputColumns(v, q, names)
	for _, oid := range q.reads {
		if r := f.Relation(oid); r != nil && oid != v.OID && !slices.Contains(r.Dependents, v.OID) {
			r = f.editRelation(oid)
			r.Dependents = appendShared(f, r.Dependents, v.OID)
		}
	}
}

// addOutputColumns gives a view or table the columns of a query.
func (f *fold) addOutputColumns(v *Relation, q *queryReads, names []string) {
	v.Partial = v.Partial || q.unknown
	v.NextAttnum = max(v.NextAttnum, 1)
	have := map[string]bool{}
	for _, c := range v.Columns {
		have[c.Name] = true
	}
	for i, o := range q.output {
		name := o.name
		if i < len(names) {
			name = clipName(names[i])
		}
		if have[name] {
			f.addProblem(f.isHistoryComplete() && !v.Partial, pgerror.ColumnTwice, name)
			continue
		}
		have[name] = true
		f.attachColumn(v, &Column{Name: name, Type: o.typ, Local: true, RareColumn: &plainColumn})
	}
	for i := len(q.output); i < len(names); i++ {
		if v.Column(clipName(names[i])) == nil {
			f.attachColumn(v, &Column{Name: clipName(names[i]), Local: true, RareColumn: &plainColumn})
		}
	}
}

// https://www.postgresql.org/docs/current/sql-createtableas.html and
// CREATE MATERIALIZED VIEW
func (f *fold) createTableAs(s *pgparse.CreateTableAsStmt) {
	kind := Table
	if s.GetObjtype() == pgparse.ObjectType_OBJECT_MATVIEW {
		kind = MaterializedView
	}
	f.createFromQuery(s.GetInto(), s.GetQuery(), kind, s.GetIfNotExists())
}

func (f *fold) createFromQuery(intoClause *pgparse.IntoClause, q *pgparse.Node, kind Kind, ifNotExists bool) {
	if f.refuseOnCommit(intoClause.GetRel(), intoClause.GetOnCommit()) {
		return
	}
	oid, name, ok := f.claimName(intoClause.GetRel(), ifNotExists, kind)
	if !ok || f.refuseTooManyTargets(q) {
		return
	}
	t := &Relation{
		OID: oid, Name: name, Kind: kind, NextAttnum: 1, Persistence: persistenceOf(intoClause.GetRel()),
		Rare: newRare(cmp.Or(intoClause.GetAccessMethod(), f.TableMethod), f.tablespaceFor(intoClause.GetTableSpaceName(), intoClause.GetRel()),
			mergeStorageOptions(nil, intoClause.GetOptions())),
	}
	f.assignOID(t)
	names := pgparse.StringTexts(intoClause.GetColNames())
	if kind == MaterializedView {
		f.fillView(t, q, names)
		t.View.Filled = !intoClause.GetSkipData()
	} else {
		f.addOutputColumns(t, f.readQuery(q), names)
	}
	f.storeRelation(t)
}

func (f *fold) refreshView(s *pgparse.RefreshMatViewStmt) {
	r := f.requireRelation(s.GetRelation(), MaterializedView, false)
	if r == nil || r.View == nil || r.View.Filled == !s.GetSkipData() {
		return
	}
	r = f.editRelation(r.OID)
	info := *r.View
	info.Filled = !s.GetSkipData()
	r.View = &info
}

// RefreshIndex returns an index that allows REFRESH CONCURRENTLY of a materialized view:
// unique, on plain columns, for all rows. It returns nil if the view has none.
// https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
func (c *Catalog) RefreshIndex(view *Relation) *Relation {
	for _, oid := range view.Indexes {
		i := c.Relation(oid)
		if i != nil && i.Index != nil && i.Index.Unique && i.Index.Valid && i.Index.Predicate == nil &&
			!slices.ContainsFunc(i.Index.Keys, func(k IndexKey) bool { return k.Column == 0 }) {
			return i
		}
	}
	return nil
}
