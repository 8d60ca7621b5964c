package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// createTable folds CREATE TABLE and CREATE FOREIGN TABLE. It returns nil if the server refuses the statement, or if IF NOT EXISTS skips
// it.
// https://www.postgresql.org/docs/current/sql-createtable.html
func (f *fold) createTable(s *pgparse.CreateStmt, kind Kind) *Relation {
	if f.refuseOnCommit(s.GetRelation(), s.GetOncommit()) {
		return nil
	}
	oid, name, ok := f.claimName(s.GetRelation(), s.GetIfNotExists(), kind)
	if !ok {
		return nil
	}
	if f.refuseTooManyColumns(countColumnDefs(s.GetTableElts())) {
		return nil
	}
	method := f.TableMethod
	if kind == ForeignTable || s.GetPartspec() != nil {
		method = ""
	}
	t := &Relation{
		OID: oid, Name: name, Kind: kind, NextAttnum: 1, Persistence: persistenceOf(s.GetRelation()),
		Rare:    newRare(cmp.Or(s.GetAccessMethod(), method), f.tablespaceFor(s.GetTablespacename(), s.GetRelation()), mergeStorageOptions(nil, s.GetOptions())),
		Columns: make([]*Column, 0, len(s.GetTableElts())),
	}
	if m := managerOf(Unmanaged, t.Options); m != Unmanaged {
		t.copyRare().Manager = m
	}
	f.assignOID(t)
	var p pending // what is made after the columns
	partition := s.GetPartbound() != nil
	if partition {
		f.inheritPartitionColumns(t, s)
	} else {
		f.inheritColumns(t, s.GetInhRelations())
	}
	if s.GetOfTypename() != nil {
		f.addTypeColumns(t, s.GetOfTypename())
	}
	f.addTableElements(t, s, &p)
	if f.refuseTooManyColumns(len(t.Columns)) {
		return nil
	}
	if spec := s.GetPartspec(); spec != nil {
		t.Kind = PartitionedTable
		f.makePartitioned(t, spec)
	}
	f.storeRelation(t)
	f.makePendingParts(t, &p, true)
	if partition {
		f.addPartitionToParent(t, s)
	}
	f.addToParents(t)
	return t
}

// inheritColumns merges the columns and constraints of parents.
func (f *fold) inheritColumns(t *Relation, parents []*pgparse.Node) {
	for _, n := range parents {
		parent := f.requireRelation(n.GetRangeVar(), Table, false)
		if parent == nil || !f.requireRowRelation(parent, pgerror.InheritRelation.NewRefusal(parent.Name.Name)) {
			continue
		}
		parent = f.Relation(parent.OID)
		if slices.Contains(t.Inherits, parent.OID) {
			f.addProblem(true, pgerror.InheritTwice, parent.Name.Name)
			continue
		}
		t.copyRare().Inherits = appendShared(f, t.Inherits, parent.OID)
		f.mergeParent(t, parent)
	}
}

// mergeParent gives a new table the columns and inheritable constraints of a
// parent or partitioned table.
func (f *fold) mergeParent(t, parent *Relation) {
	t.Partial = t.Partial || parent.Inferred || parent.Partial
	for _, c := range parent.Columns {
		if have := t.Column(c.Name); have != nil {
			e := t.editColumn(have.Attnum)
			e.NotNull = e.NotNull || c.NotNull
			e.Inherited = true
			continue
		}
		next := c.copyForOtherTable()
		next.Inherited, next.Local, next.Comment = true, false, ""
		if parent.Kind != PartitionedTable {
			next.copyRare().Identity = ""
		}
		f.attachColumn(t, next)
	}
	t.resolveGeneratedColumns()
	for _, con := range parent.Constraints {
		if con.Kind != Check && con.Kind != NotNullConstraint || con.NoInherit || hasConstraint(t.Constraints, con.Name) {
			continue
		}
		next := *con
		f.countMade(1)
		next.ID = f.newOID()
		next.Parent = true
		next.Columns = mapAttnums(parent, t, con.Columns)
		t.Constraints = appendShared(f, t.Constraints, &next)
	}
}

// addTableElements adds the columns that a CREATE TABLE lists. Its constraints go to p, and are made after the columns.
func (f *fold) addTableElements(t *Relation, s *pgparse.CreateStmt, p *pending) {
	for _, n := range s.GetTableElts() {
		switch e := pgparse.Unwrap(n).(type) {
		case *pgparse.ColumnDef:
			f.addOrMergeColumn(t, e, p, s.GetPartbound() != nil || s.GetOfTypename() != nil)
		case *pgparse.TableLikeClause:
			f.copyLikeColumns(t, e, p)
		case *pgparse.Constraint:
			p.addConstraint(constraintSpec{node: e})
		}
	}
	for _, list := range [][]*pgparse.Node{s.GetConstraints(), s.GetNnconstraints()} {
		for _, n := range list {
			p.addConstraint(constraintSpec{node: n.GetConstraint()})
		}
	}
}

// addToParents enters a new table in the lists of its parents.
func (f *fold) addToParents(t *Relation) {
	for _, oid := range t.Inherits {
		if p := f.editRelation(oid); p != nil && !slices.Contains(p.Children, t.OID) {
			p.copyRare().Children = appendShared(f, p.Children, t.OID)
		}
	}
}

// claimName claims the name of a relation that is created: ok is false if it cannot be created. oid belongs to the
// inferred relation whose place it takes; it is 0 without one. A taken name is recorded as a refusal. If that is not certain,
// the relation with the name is dropped: a statement that could not be read must have done so.
func (f *fold) claimName(rv *pgparse.RangeVar, ifNotExists bool, kind Kind) (oid OID, name Name, ok bool) {
	schema, relname := pgparse.RangeName(rv)
	name = f.fullNameForCreate(schema, relname)
	oid, exists := f.names.get(name)
	if !exists {
		f.creating = name
		return 0, name, true
	}
	old := f.Relation(oid)
	if ifNotExists {
		return 0, name, false
	}
	if old.canBe(kind) {
		f.creating = name
		return oid, name, true
	}
	no, known := pgerror.RelationExists.NewRefusal(relname), !old.Inferred || old.Index != nil
	if kind.IsTable() || kind == Index { // other relations are often dropped by code that is not seen
		f.addConflictRefusal(known, no)
	} else {
		f.addRefusal(known && f.isHistoryComplete(), no)
	}
	if !f.failed {
		f.dropRelation(oid)
		f.creating = name
		return 0, name, true
	}
	return 0, name, false
}

// canBe reports whether an inferred relation may be the one of a kind that is
// created now: what a statement has read may be a table or a view.
func (r *Relation) canBe(kind Kind) bool {
	return r.Inferred && r.Index == nil && (r.Seq != nil) == (kind == Sequence) && (r.Kind == CompositeType) == (kind == CompositeType)
}

// assignOID gives a new relation its OID. If it takes the place of an inferred relation, it keeps that one's OID,
// column numbers, and the objects that refer to it.
func (f *fold) assignOID(t *Relation) {
	old := f.Relation(t.OID)
	if t.OID == 0 || old == nil {
		t.OID = f.newOID()
		return
	}
	old = f.editRelation(old.OID)
	f.detachInferred(old)
	t.ReferencedBy, t.Dependents = old.ReferencedBy, old.Dependents
	t.Adopted = true
	t.NextAttnum = old.NextAttnum
	t.copyRare().numbers = make(map[string]int16, len(old.Columns))
	for _, c := range old.Columns {
		t.numbers[c.Name] = c.Attnum
	}
}

// detachInferred takes an inferred relation out of all that it refers to, as it turns
// out to be another.
func (f *fold) detachInferred(old *Relation) {
	if p := f.editRelation(old.Parent); p != nil {
		f.removeFromParent(p, old)
	}
	for _, oid := range old.Inherits {
		if p := f.editRelation(oid); p != nil {
			p.copyRare().Children = removeValue(p.Children, old.OID)
		}
	}
	for _, c := range old.Constraints {
		f.forgetConstraint(old, c)
	}
	for _, idx := range old.Indexes {
		f.forgetIndex(idx)
	}
	if old.View != nil {
		f.removeDependent(old)
	}
	if old.Seq != nil && old.Seq.OwnerTable != 0 {
		f.removeSequenceDefault(old)
	}
	for _, child := range append(slices.Clone(old.Partitions), old.Children...) {
		if c := f.editRelation(child); c != nil {
			c.copyRare().Inherits = removeValue(c.Inherits, old.OID)
			if c.Parent == old.OID {
				c.Parent, c.copyRare().Bound = 0, ""
			}
			f.makeColumnsLocal(c)
		}
	}
}

// refuseOnCommit refuses ON COMMIT for a table that is not temporary.
func (f *fold) refuseOnCommit(rv *pgparse.RangeVar, action pgparse.OnCommitAction) bool {
	switch action {
	case pgparse.OnCommitAction_ONCOMMIT_DROP, pgparse.OnCommitAction_ONCOMMIT_DELETE_ROWS, pgparse.OnCommitAction_ONCOMMIT_PRESERVE_ROWS:
	default:
		return false
	}
	if persistenceOf(rv) == Temporary || rv.GetSchemaname() == "" && slices.Contains(f.SearchPath, "pg_temp") {
		return false
	}
	f.addProblem(true, pgerror.OnCommit)
	return true
}

func persistenceOf(rv *pgparse.RangeVar) Persistence {
	switch {
	case rv.GetRelpersistence() == "t" || rv.GetSchemaname() == "pg_temp":
		return Temporary
	case rv.GetRelpersistence() == "u":
		return Unlogged
	}
	return Permanent
}

// addOrMergeColumn adds a column of CREATE TABLE, or merges it with the one of the same name that a parent or a type
// gave. adjustsOnly is set for a partition and for a table OF a type, whose lists only adjust existing columns.
func (f *fold) addOrMergeColumn(t *Relation, def *pgparse.ColumnDef, p *pending, adjustsOnly bool) {
	c := f.buildColumn(def, p)
	old := t.Column(c.Name)
	if old == nil {
		if adjustsOnly && !t.Partial {
			f.addProblem(f.isHistoryComplete(), pgerror.ColumnMissingAlone, c.Name)
		}
		t.assignAttnum(c)
		t.Columns = append(t.Columns, c)
		return
	}
	if !adjustsOnly && !old.Inherited {
		f.addProblem(true, pgerror.ColumnTwice, c.Name)
		return
	}
	e := t.editColumn(old.Attnum)
	e.NotNull = e.NotNull || c.NotNull
	e.Local = !adjustsOnly
	if c.Default != nil {
		e.Default, e.DefaultText, e.Takes = c.Default, c.DefaultText, c.Takes
	}
	if c.GeneratedExpr != nil {
		rare := e.copyRare()
		rare.Generated, rare.GeneratedExpr, rare.GeneratedFrom, e.DefaultText = c.Generated, c.GeneratedExpr, nil, c.DefaultText
	}
	if c.Identity != "" {
		e.copyRare().Identity = c.Identity
	}
	if !e.Type.IsKnown() {
		e.Type = c.Type
	}
}

// makePendingParts makes what the columns and constraints of a definition ask
// for, in the server's order: checks, indexes, then foreign keys. created says
// that the table is new, so that NOT VALID means nothing.
func (f *fold) makePendingParts(t *Relation, p *pending, created bool) {
	t.resolveGeneratedColumns()
	for _, s := range p.sequences {
		f.makeSequence(t, s)
	}
	if created && len(p.sequences) > 0 {
		f.resolveDefaultSequences(t)
	}
	for _, l := range p.cloneLikes {
		f.copyLikeConstraints(t, l)
	}
	for _, s := range p.checks {
		f.addCheck(t, s, created)
	}
	for _, s := range p.notNulls {
		f.addNotNull(t, s, created)
	}
	f.addIndexConstraints(t, p.indexes, false)
	for _, l := range p.cloneLikes {
		f.copyLikeIndexes(t, l)
	}
	for _, s := range p.foreign {
		f.addForeignKey(t, s, created)
	}
}

// mergeStorageOptions are the storage parameters after SET (…) or WITH (…).
func mergeStorageOptions(old map[string]string, list []*pgparse.Node) map[string]string {
	if len(list) == 0 {
		return old
	}
	next := make(map[string]string, len(old)+len(list))
	for k, v := range old {
		next[k] = v
	}
	for _, n := range list {
		d := n.GetDefElem()
		v := "true"
		if d.GetArg() != nil {
			v = constText(d.GetArg())
		}
		next[optionName(d)] = v
	}
	return next
}

func optionName(d *pgparse.DefElem) string {
	if d.GetDefnamespace() != "" {
		return d.GetDefnamespace() + "." + d.GetDefname()
	}
	return d.GetDefname()
}

// addTypeColumns gives a table OF a composite type its columns.
func (f *fold) addTypeColumns(t *Relation, tn *pgparse.TypeName) {
	typ := f.TypeOf(tn)
	t.copyRare().OfType = typ.OID
	u := f.Type(typ.OID)
	if u == nil || f.Relation(u.Relation) == nil {
		t.Partial = true
		return
	}
	for _, c := range f.Relation(u.Relation).Columns {
		next := *c
		f.attachColumn(t, &next)
	}
}

// mapAttnums translates column numbers from one table to another by name.
func mapAttnums(from, to *Relation, attnums []int16) []int16 {
	if attnums == nil {
		return nil
	}
	out := make([]int16, 0, len(attnums))
	for _, a := range attnums {
		if c := from.Attr(a); c != nil {
			if d := to.Column(c.Name); d != nil {
				out = append(out, d.Attnum)
			}
		}
	}
	return out
}
