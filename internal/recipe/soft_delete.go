package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// softDelete is a column that the release adds and that marks deleted rows, according to a comment or
// the settings. Code then marks rows instead of deleting them, and uniqueness applies only to rows
// that are not marked.
type softDelete struct {
	c       *Change // that adds it
	t, head *catalog.Relation
	column  string
	// live is the condition for a row that is not deleted. marked and cleared are the column's values
	// for deleted and other rows.
	live, marked, cleared string
	hasTime               bool
	view                  string // "" for none
	unique                []*catalog.IndexInfo
}

// findSoftDeletes returns the columns for soft deletion that the release adds to deployed tables.
func (r *Release) findSoftDeletes() (out []*softDelete) {
	for _, colChange := range r.columnOrder {
		if colChange.old != nil || colChange.newColumn == nil {
			continue
		}
		t, head := r.Deployed.Relation(colChange.table), r.head.Relation(colChange.table)
		if t == nil || head == nil {
			continue
		}
		mark := deprecation.ColumnMark(head.Name, colChange.newColumn, r.SoftDelete)
		if mark == nil {
			continue
		}
		a := &softDelete{c: colChange.changes[0], t: t, head: head, column: colChange.newColumn.Name, view: mark.View}
		if a.view == "" && !mark.NoView {
			a.view = catalog.ObjectName(t.Name.Name, "", "live")
		}
		col := quoteIdent(colChange.newColumn.Name)
		switch kind := colChange.newColumn.Type.Name.Name; {
		case colChange.newColumn.Type.Name.Schema == "pg_catalog" && (kind == "timestamptz" || kind == "timestamp" || kind == "date") &&
			!colChange.newColumn.NotNull &&
			colChange.newColumn.DefaultText == "":
			a.live, a.marked, a.cleared, a.hasTime = col+" IS NULL", "now()", "NULL", true
		case colChange.newColumn.Type.Name.Schema == "pg_catalog" && kind == "bool" && colChange.newColumn.NotNull &&
			strings.EqualFold(colChange.newColumn.DefaultText, "false"):
			a.live, a.marked, a.cleared = "NOT "+col, "true", "false"
		}
		out = append(out, a)
	}
	return out
}

// SoftDeleteSteps returns the steps that the release needs beyond its changes, because a column's comment asks
// for them. Each step says which change it belongs to.
func (r *Release) SoftDeleteSteps() *Steps {
	m := &Steps{}
	for _, a := range r.findSoftDeletes() {
		from := len(m.Steps)
		a.makeSteps(m, r)
		for i := range m.Steps[from:] {
			m.Steps[from+i].From = a.c
		}
	}
	r.reportIncomplete(m)
	return m.setPrivileges(r)
}

func (a *softDelete) makeSteps(m *Steps, r *Release) {
	t := a.t.Name
	switch {
	case a.live == "":
		m.addMissing("%s of %s is declared as the mark of deleted rows: make it a date or timestamp that may be NULL and has no default, "+
			"or boolean NOT NULL DEFAULT false. With another one the rows of code that does not know it would be neither", a.column, t)
		return
	case a.head.Name != t || slices.ContainsFunc(r.columnOrder,
		func(colChange *columnChange) bool {
			return colChange.table == a.t.OID && (colChange.replacement != nil || colChange.split != nil)
		}):
		m.addMissing("%s begins to mark deleted rows, and gets another name, or columns of it other names or types, in one release: a release for each is planned", t)
		return
	case a.t.Kind != catalog.Table || a.t.Parent != 0 || a.t.HasKids() || len(a.t.Inherits) > 0:
		m.addMissing("%s is partitioned, a partition, or has children: create the unique indexes of rows that are not deleted by hand", t)
		return
	}
	r.Adopted = append(r.Adopted, Adopted{Table: t.Qualified(), Column: a.column})
	a.replaceUniqueIndexes(m, r)
	a.addView(m, r)
	a.addNotes(m, r)
	a.addStatements(m, r)
}

// replaceUniqueIndexes replaces each unique index by one on the rows that are not deleted. The old index is
// dropped when the deployed code is gone, since that may rely on it in ON CONFLICT.
// https://www.postgresql.org/docs/current/indexes-partial.html
func (a *softDelete) replaceUniqueIndexes(m *Steps, r *Release) {
	for _, x := range r.head.IndexesOf(a.head) {
		info := x.Index
		if !info.Unique || info.Primary || slices.ContainsFunc(r.columnsOfIndex(x), func(id columnID) bool {
			return a.head.Attr(id.column) != nil && a.head.Attr(id.column).Name == a.column
		}) {
			continue
		}
		con := a.head.Constraint(info.Constraint)
		if reason := a.explainFullUniqueness(r, x, con); reason != "" {
			m.addNote("%s stays as it is, and the values of deleted rows stay taken: %s", x.Name.Name, reason)
			continue
		}
		like := *info
		like.PredicateText = a.live
		if info.PredicateText != "" {
			like.PredicateText = "(" + info.PredicateText + ") AND " + a.live
		}
		body := indexBody(a.head, &like, x)
		indexName := r.uniqueName(x.Name.Name, "onward", "")
		m.addIndex(a.t, indexName, body, true, onward.Expand)
		rename := []string{"ALTER INDEX " + qualifyInSchema(a.t, indexName) + " RENAME TO " + quoteIdent(x.Name.Name)}
		if x.Comment != "" {
			rename = append(rename, "COMMENT ON INDEX "+qualifyInSchema(a.t, x.Name.Name)+" IS "+pgparse.QuoteLiteral(x.Comment))
		}
		drop := DropIndex(x.Name, false)
		if con != nil {
			drop = "ALTER TABLE " + tableName(a.t) + " DROP CONSTRAINT " + quoteIdent(con.Name)
			m.addStep(onward.Contract, onward.StepDDL, "replace the index of all rows by the index of the rows that are not deleted",
				append([]string{drop}, rename...)...)
			m.addNote("%s is an index then, and no constraint: ON CONFLICT ON CONSTRAINT %s fails", con.Name, quoteIdent(con.Name))
		} else {
			m.addStep(onward.Contract, onward.StepConcurrent, "drop the index of all rows: the index of the rows that are not deleted replaces it, "+
				"and deployed code may have named its columns in ON CONFLICT", drop)
			m.addStep(onward.Contract, onward.StepDDL, "rename the index to the name that is free now", rename...)
		}
		r.Beyond = append(r.Beyond, strings.Replace(drop, " CONCURRENTLY", "", 1), "CREATE UNIQUE INDEX "+quoteIdent(x.Name.Name)+" ON "+tableName(a.t)+" "+body)
		r.Beyond = append(r.Beyond, rename[1:]...)
		if len(a.uniqueColumns(info, "", "")) > 0 {
			m.addNote("new code must write ON CONFLICT (%s) WHERE %s: without the condition it fails from the last step on",
				strings.Join(a.uniqueColumns(info, "", ""), ", "), like.PredicateText)
		}
		a.unique = append(a.unique, info)
	}
}

// explainFullUniqueness returns what needs a unique index on all rows; "" if nothing does.
func (a *softDelete) explainFullUniqueness(r *Release, x *catalog.Relation, con *catalog.Constraint) string {
	var keys []int16
	for _, k := range x.Index.Keys {
		keys = append(keys, k.Column)
	}
	slices.Sort(keys)
	for _, oid := range a.head.ReferencedBy {
		other := r.head.Relation(oid)
		if other == nil {
			continue
		}
		for _, fk := range other.Constraints {
			if to := slices.Sorted(slices.Values(fk.RefColumns)); fk.Kind == catalog.ForeignKey && fk.Ref == a.head.OID && slices.Equal(to, keys) {
				return "foreign key " + fk.Name + " of " + other.Name.String() + " refers to it, which a partial index cannot be the target of"
			}
		}
	}
	switch {
	case con != nil && con.Deferrable:
		return "it is deferrable, which an index is not"
	case con != nil && con.WithoutOverlaps:
		return "WITHOUT OVERLAPS is no index that can be partial"
	case a.head.ReplicaIdentity == "index "+x.Name.Name:
		return "it is the replica identity of " + a.head.Name.String()
	case r.Deployed.Relation(x.OID) == nil:
		return "the release makes it as it is; WHERE " + a.live + " makes it one of the rows that are not deleted"
	}
	return ""
}

// addView creates a view of the rows that are not deleted.
func (a *softDelete) addView(m *Steps, r *Release) {
	if a.view == "" {
		return
	}
	if r.head.Lookup(a.t.Name.Schema, a.view) != nil || r.Deployed.Lookup(a.t.Name.Schema, a.view) != nil {
		m.addNote("%s is there already: no view of the rows that are not deleted is made", a.view)
		return
	}
	invoker := ""
	if !slices.ContainsFunc(r.Versions, func(v int) bool { return v < 15 }) {
		invoker = " WITH (security_invoker = true)"
	} else if a.head.RLS {
		m.addNote("%s has row-level security, which a view has only from Postgres 15 on: no view of the rows that are not deleted is made", a.t.Name)
		return
	}
	var columns []string
	for _, col := range a.head.Columns {
		columns = append(columns, quoteIdent(col.Name))
	}
	view := qualifyInSchema(a.t, a.view)
	sql := []string{"CREATE VIEW " + view + invoker + " AS SELECT " + strings.Join(columns, ", ") + " FROM " + tableName(a.t) + " WHERE " + a.live}
	for _, g := range a.head.Grants {
		if g.Privilege == "all" || g.Privilege == "select" {
			sql = append(sql, "GRANT SELECT ON "+view+" TO "+quoteRole(g.Role))
		}
	}
	s := m.addStep(onward.Expand, onward.StepDDL, "create the view "+a.view+": new code reads the rows that are not deleted through it", sql...)
	s.Undo = []string{"DROP VIEW IF EXISTS " + view}
	r.Beyond = append(r.Beyond, sql...)
	m.addNote("%s has the columns that %s has now: a column that it reads is dropped, or gets another type, only with the view", a.view, a.t.Name)
}

// addNotes describes what changes once the first row is marked.
func (a *softDelete) addNotes(m *Steps, r *Release) {
	t := a.t.Name
	m.addNote("%s of %s is declared as the mark of deleted rows. Up to the last step the deployed code does not know it: "+
		"it reads and changes rows that new code has deleted, and rows that it deletes itself are gone", a.column, t)
	if len(a.unique) > 0 {
		m.addNote("up to the last step the values of a deleted row of %s stay taken: who writes them again gets a unique violation (23505)", t)
	}
	m.addNote("an abort drops %s of %s: rows that new code has deleted appear again", a.column, t)
	for _, oid := range slices.Compact(slices.Sorted(slices.Values(a.head.ReferencedBy))) {
		other := r.head.Relation(oid)
		if other == nil {
			continue
		}
		for _, fk := range other.Constraints {
			if fk.Kind != catalog.ForeignKey || fk.Ref != a.head.OID || fk.Parent {
				continue
			}
			effect := "refuses nothing"
			if fk.OnDelete != "" && fk.OnDelete != "restrict" {
				effect = "does nothing (ON DELETE " + strings.ToUpper(fk.OnDelete) + ")"
			}
			m.addNote("foreign key %s of %s %s when a row of %s is marked: it acts when the row is purged", fk.Name, other.Name, effect, t)
		}
	}
	for _, con := range a.head.Constraints {
		if con.Kind == catalog.Exclude {
			m.addNote("exclusion constraint %s counts deleted rows, too: create it again with WHERE (%s)", con.Name, a.live)
		}
	}
}

// uniqueColumns returns the columns of a unique index, compared between two rows; the bare columns if the
// rows have no names. It returns nil for an index with expressions.
func (a *softDelete) uniqueColumns(x *catalog.IndexInfo, alias, other string) (out []string) {
	for _, k := range x.Keys {
		col := a.head.Attr(k.Column)
		if col == nil {
			return nil
		}
		text := quoteIdent(col.Name)
		if alias != "" {
			text = alias + "." + text + " = " + other + "." + text
		}
		out = append(out, text)
	}
	return out
}

// addStatements lists what new code must do instead of DELETE, and what nobody had to do before.
func (a *softDelete) addStatements(m *Steps, r *Release) {
	keys := rowKeyColumns(r.head, a.head)
	if len(keys) == 0 {
		return
	}
	var keyParams, keyMatches []string
	for i, k := range keys {
		keyParams = append(keyParams, quoteIdent(k)+" = $"+string(rune('1'+i)))
		keyMatches = append(keyMatches, "t."+quoteIdent(k)+" = gone."+quoteIdent(k))
	}
	t, col := tableName(a.t), quoteIdent(a.column)
	row := strings.Join(keyParams, " AND ")
	m.addStatement("delete a row of "+a.t.Name.String(), "In the place of DELETE. It changes no row where the row is deleted already.",
		"UPDATE "+t+" SET "+col+" = "+a.marked+" WHERE "+row+" AND "+a.live)
	var conflicts []string
	for _, x := range a.unique {
		if matches := a.uniqueColumns(x, "other", "t"); len(matches) > 0 && x.PredicateText == "" {
			conflicts = append(conflicts, "("+strings.Join(matches, " AND ")+")")
		}
	}
	free, says := "", "It changes no row if none is deleted."
	if len(conflicts) > 0 {
		free = " AND NOT EXISTS (SELECT FROM " + t + " AS other WHERE other." + a.liveCondition() + " AND (" + strings.Join(conflicts, " OR ") + "))"
		says = "It changes no row if another row has its values by now: decide which of them stays. " +
			"If that happens at the same moment, it fails with a unique violation (23505), and nothing is changed."
	}
	m.addStatement("restore a row of "+a.t.Name.String(), says,
		"UPDATE "+t+" AS t SET "+col+" = "+a.cleared+" WHERE "+strings.Join(addPrefix("t.", keyParams), " AND ")+" AND NOT (t."+a.liveCondition()+")"+free)
	old, order, index := col, analysis.QuoteIdents(keys), ""
	if a.hasTime {
		old, order = col+" < now() - interval '30 days'", col
		index = " Without an index it reads the table each time: CREATE INDEX CONCURRENTLY " + quoteIdent(r.uniqueName(a.t.Name.Name, a.column, "idx")) + " ON " +
			t + " (" + col + ") WHERE " + col + " IS NOT NULL."
	}
	m.addStatement("purge "+a.t.Name.String(), "Repeat it until it deletes none. It deletes a thousand rows at a time, and none that somebody has locked. "+
		"You decide how long to keep them. Foreign keys act now."+index,
		"WITH gone AS (SELECT "+analysis.QuoteIdents(keys)+" FROM "+t+" WHERE "+old+" ORDER BY "+order+" LIMIT 1000 FOR UPDATE SKIP LOCKED) DELETE FROM "+t+
			" AS t USING gone WHERE "+strings.Join(keyMatches, " AND "))
}

// liveCondition returns the condition for a live row without the row's name: "deleted_at IS NULL".
func (a *softDelete) liveCondition() string {
	if a.hasTime {
		return quoteIdent(a.column) + " IS NULL"
	}
	return quoteIdent(a.column) + " = false"
}

func addPrefix(prefix string, list []string) (out []string) {
	for _, s := range list {
		out = append(out, prefix+s)
	}
	return out
}
