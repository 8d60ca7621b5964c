package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// checkChanges reports other changes of the release that cannot be planned together with the copy.
func (t *tableCopy) checkChanges() {
	r := t.c.Release
	after := false
	for _, c := range r.changes {
		written := c.writtenTable()
		switch {
		case c == t.c:
			after = true
		case written == nil:
		case written.OID == t.target.OID:
			t.addObstacle("%s:%d writes %s, too: a release of its own can do it", c.Migration.Path, c.Line, t.target.Name)
		case written.OID == t.source.OID && after:
			t.addObstacle("%s:%d changes rows of %s after the copy, and the trigger would copy that: a release of its own can do it", c.Migration.Path,
				c.Line, t.source.Name)
		}
	}
	head, base := r.head.Relation(t.source.OID), r.Deployed.Relation(t.source.OID)
	if t.isSwap() {
		t.addObstacle("%s takes the name of %s: what is written between the copy and the exchange would be lost; change the columns of %s instead",
			t.target.Name.Name, t.head.Name, t.head.Name)
	} else if head != nil && head.Name != t.source.Name || base.Name != t.source.Name || t.head.Name != t.target.Name {
		t.addObstacle("one of the two tables gets another name in the same release")
	}
	for _, name := range slices.Concat(t.listReadColumns(), rowKeyColumns(t.c.Before, t.source)) {
		col := t.source.Column(name)
		if colChange := r.columnChanges[columnID{t.source.OID, col.Attnum}]; colChange != nil &&
			(colChange.replacement != nil || colChange.split != nil || colChange.leadChange() != nil) {
			t.addObstacle("the release gives %s of %s another name or type: a release for each can be planned", name, t.source.Name)
		}
	}
	if slices.ContainsFunc(r.shadows, func(s *shadowTable) bool { return s.t.OID == t.source.OID }) {
		t.addObstacle("the release makes %s again: a release for each can be planned", t.source.Name)
	}
	for i := range t.values {
		col := t.values[i].column
		if headColumn := t.head.Attr(col.Attnum); headColumn == nil || headColumn.Name != col.Name || !headColumn.Type.IsSame(col.Type) ||
			headColumn.Generated != "" {
			t.addObstacle("the release changes %s of %s after the copy: create it in its final form", col.Name, t.target.Name)
		}
	}
}

// checkTarget reports properties of the target that the trigger cannot satisfy. A write of the deployed code must not be refused
// because of the target.
func (t *tableCopy) checkTarget() {
	head := t.head
	if head.Kind != catalog.Table || head.Parent != 0 || len(head.Inherits) > 0 || head.HasKids() {
		t.addObstacle("%s is partitioned, a partition, or has a parent", head.Name)
	}
	if head.ForceRLS || t.source.ForceRLS {
		t.addObstacle("row-level security is forced on one of the two tables")
	}
	if len(head.Triggers) > 0 || len(head.Rules) > 0 {
		t.addObstacle("%s has triggers or rules, which would run for each copied row: add them in a later release", head.Name)
	}
	t.checkKey()
	filled := func(name string) bool {
		return t.source.Column(name) != nil && (t.isRequired(name) || t.query.WhereClause != nil && predicate.ProvesNotNull(t.query.WhereClause, name))
	}
	for i := range t.values {
		v := &t.values[i]
		col := head.Attr(v.column.Attnum)
		if col == nil {
			continue
		}
		if col.Identity != "" || col.Sequence != 0 {
			t.addObstacle("%s of %s has a sequence of its own, so new code would get numbers that rows of %s have: let both tables use the sequence of %[3]s",
				col.Name, head.Name, t.source.Name)
		}
		isNull := v.source != "" && !filled(v.source) || v.source == "" && !v.fresh && !isNeverNull(v.expr, filled)
		if col.NotNull && isNull {
			t.addObstacle("%s of %s is NOT NULL, and its value may be NULL: add NOT NULL in a later release, or leave such rows out", col.Name, head.Name)
		}
	}
	for _, con := range head.Constraints {
		if con.Kind == catalog.Check && con.Enforced && !t.isCheckedBySource(con) {
			t.addObstacle("check %s of %s may refuse writes of the deployed code: add it in a later release", con.Name, head.Name)
		}
		if con.Kind == catalog.Exclude || con.WithoutOverlaps {
			t.addObstacle("%s %s of %s may refuse writes of the deployed code: add it in a later release", con.Kind, con.Name, head.Name)
		}
	}
	t.checkUnique()
}

// isRequired reports whether a column of the source is NOT NULL while the triggers are there: at the base, and at the head if
// the source is there.
func (t *tableCopy) isRequired(name string) bool {
	n, r := t.source.Column(name).Attnum, t.c.Release
	base, head := r.Deployed.Relation(t.source.OID), r.head.Relation(t.source.OID)
	if base.Attr(n) == nil || !base.Attr(n).NotNull {
		return false
	}
	return head == nil || head.Attr(n) != nil && head.Attr(n).NotNull
}

// checkKey finds the columns that identify a row on both sides.
func (t *tableCopy) checkKey() {
	head, old := t.head, t.source
	t.keys = rowKeyColumns(t.c.Before, old)
	if len(t.keys) == 0 || !hasUniqueIndex(t.c.Before, old, t.keys) {
		t.addObstacle("%s has no primary key, and no unique index of columns that are NOT NULL, that holds at each moment", old.Name)
		return
	}
	for _, k := range t.keys {
		i := slices.IndexFunc(t.values, func(v copiedValue) bool { return v.source == k })
		if i < 0 {
			t.addObstacle("the key of %s (%s) is not copied, so it is unknown which row of %s comes from which", old.Name,
				strings.Join(t.keys, ", "), head.Name)
			return
		}
		t.targetKeys = append(t.targetKeys, t.values[i].column.Name)
		if col := head.Column(t.values[i].column.Name); col == nil || col.Collation != old.Column(k).Collation {
			t.addObstacle("the key has another collation in %s", head.Name)
		}
	}
	if !hasUniqueIndex(t.c.Release.head, head, t.targetKeys) {
		t.addObstacle("%s has no primary key or unique key of (%s) that holds at each moment, so it is unknown which row comes from which", head.Name,
			strings.Join(t.targetKeys, ", "))
	}
}

// checkUnique reports unique keys of the target that rows of the source may violate, and finds the columns of the others.
func (t *tableCopy) checkUnique() {
	for _, x := range t.c.Release.head.IndexesOf(t.head) {
		if x.Index == nil || !x.Index.Unique {
			continue
		}
		names := t.head.ColumnNames(keyColumns(x.Index))
		if len(t.targetKeys) > 0 && isSubset(t.targetKeys, names) {
			continue
		}
		if !slices.ContainsFunc(names, func(n string) bool {
			return slices.ContainsFunc(t.values, func(v copiedValue) bool { return v.column.Name == n })
		}) {
			continue // of columns that get defaults
		}
		from := t.sourceColumns(names)
		plain := x.Index.Predicate == nil && len(names) == len(x.Index.Keys) && !x.Index.NullsNotDistinct
		if len(from) == 0 || !plain || !hasUniqueIndex(t.c.Before, t.source, from) {
			t.addObstacle("%s is unique by %s, and %s is not: add it in a later release", t.head.Name, x.Name.Name, t.source.Name)
			continue
		}
		t.otherUnique = append(t.otherUnique, from...)
	}
}

// isCheckedBySource reports whether a CHECK of the target holds because of the same CHECK of the source, or reads no copied value.
func (t *tableCopy) isCheckedBySource(con *catalog.Constraint) bool {
	names := t.head.ColumnNames(con.Columns)
	if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool {
		return slices.ContainsFunc(t.values, func(v copiedValue) bool { return v.column.Name == n })
	}) {
		return true
	}
	text, ok := pgparse.ReplaceColumns(con.ExprText, func(column string) string { return quoteIdent(t.sourceColumn(column)) })
	if !ok || len(t.sourceColumns(names)) == 0 {
		return false
	}
	expr := pgparse.ParseExpression(text)
	return expr != nil && slices.ContainsFunc(t.source.Constraints, func(o *catalog.Constraint) bool {
		return o.Kind == catalog.Check && o.Enforced && o.Expr != nil && pgparse.Equal(o.Expr, expr)
	})
}

// checkReferences reports foreign keys of the target, or to it, that may refuse writes of the deployed code.
func (t *tableCopy) checkReferences() {
	for _, con := range t.head.Constraints {
		if con.Kind == catalog.ForeignKey && con.Enforced && !t.isReferredBySource(con) {
			t.addObstacle("foreign key %s of %s may refuse writes of the deployed code: add it in a later release", con.Name, t.head.Name)
		}
	}
	for _, ref := range t.c.Release.head.ListReferences(t.head, false) {
		con := ref.Con
		passes := con.OnDelete == "cascade" || con.OnDelete == "set null" || con.OnDelete == "set default" || con.InitiallyDeferred
		switch {
		case ref.From.OID == t.head.OID: // reported as its own
		case t.c.Release.Deployed.Relation(ref.From.OID) != nil:
			t.addObstacle("foreign key %s of %s refers to %s, whose rows come later: add it in a later release", con.Name, ref.From.Name, t.head.Name)
		case !passes:
			t.addObstacle("foreign key %s of %s would refuse a DELETE of the deployed code: give it ON DELETE CASCADE or SET NULL, "+
				"or make it DEFERRABLE INITIALLY DEFERRED", con.Name, ref.From.Name)
		}
	}
}

// isReferredBySource reports whether a foreign key of the target always holds: it refers to the source by its own values, or the
// source has the same one.
func (t *tableCopy) isReferredBySource(con *catalog.Constraint) bool {
	names := t.head.ColumnNames(con.Columns)
	from := t.sourceColumns(names)
	if len(from) == 0 || con.Period {
		return false
	}
	refers := func(o *catalog.Constraint) bool {
		return o.Kind == catalog.ForeignKey && o.Enforced && o.Ref == con.Ref && slices.Equal(o.RefColumns, con.RefColumns) &&
			slices.Equal(t.source.ColumnNames(o.Columns), from)
	}
	return con.Ref == t.source.OID && slices.Equal(t.source.ColumnNames(con.RefColumns), from) ||
		con.Ref != t.head.OID && slices.ContainsFunc(t.source.Constraints, refers)
}
