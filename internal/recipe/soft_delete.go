package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// adoption is a column that the release adds, and that is said to tell which rows are deleted: from
// then on a deleted row is one that is marked. What must be unique is so among the others.
type adoption struct {
	c       *Change // that adds it
	t, head *catalog.Relation
	column  string
	// live is the condition of a row that is not deleted, marked and cleared are the values.
	live, marked, cleared string
	timed                 bool
	view                  string // "" for none
	unique                []*catalog.IndexInfo
}

// adoptions are those of the release.
func (r *Release) adoptions() (out []*adoption) {
	for _, is := range r.order {
		if is.old != nil || is.now == nil {
			continue
		}
		t, head := r.Deployed.Relation(is.table), r.head.Relation(is.table)
		if t == nil || head == nil {
			continue
		}
		said := deprecation.Marked(head.Name, is.now, r.SoftDelete)
		if said == nil {
			continue
		}
		a := &adoption{c: is.changes[0], t: t, head: head, column: is.now.Name, view: said.View}
		if a.view == "" && !said.NoView {
			a.view = catalog.ObjectName(t.Name.Name, "", "live")
		}
		col := quote(is.now.Name)
		switch kind := is.now.Type.Name.Name; {
		case is.now.Type.Name.Schema == "pg_catalog" && (kind == "timestamptz" || kind == "timestamp" || kind == "date") && !is.now.NotNull && is.now.DefaultText == "":
			a.live, a.marked, a.cleared, a.timed = col+" IS NULL", "now()", "NULL", true
		case is.now.Type.Name.Schema == "pg_catalog" && kind == "bool" && is.now.NotNull && strings.EqualFold(is.now.DefaultText, "false"):
			a.live, a.marked, a.cleared = "NOT "+col, "true", "false"
		}
		out = append(out, a)
	}
	return out
}

// Behind is what the release is to have beyond its changes, because words of a column ask for it; the
// steps say which change they come from.
func (r *Release) Behind() *Made {
	m := &Made{}
	for _, a := range r.adoptions() {
		from := len(m.Steps)
		a.made(m, r)
		for i := range m.Steps[from:] {
			m.Steps[from+i].From = a.c
		}
	}
	r.reportIncomplete(m)
	return m
}

func (a *adoption) made(m *Made, r *Release) {
	t := a.t.Name
	switch {
	case a.live == "":
		m.missing("%s of %s is said to mark deleted rows: it is to be a date or timestamp that may be NULL and has no default, or boolean NOT NULL DEFAULT false. With another one the rows of code that does not know it would be neither", a.column, t)
		return
	case a.head.Name != t || slices.ContainsFunc(r.order, func(is *course) bool { return is.table == a.t.OID && (is.twin != nil || is.split != nil) }):
		m.missing("%s begins to mark deleted rows, and gets another name, or columns of it other names or types, in one release: a release for each is planned", t)
		return
	case a.t.Kind != catalog.Table || a.t.Parent != 0 || a.t.HasKids() || len(a.t.Inherits) > 0:
		m.missing("%s is partitioned, a partition, or has children: unique indexes of rows that are not deleted are to be made by hand", t)
		return
	}
	r.Adopted = append(r.Adopted, Adopted{Table: t.Qualified(), Column: a.column})
	a.uniques(m, r)
	a.viewed(m, r)
	a.notes(m, r)
	a.statements(m, r)
}

// uniques puts in the place of each unique index one of the rows that are not deleted. The whole one
// goes when no deployed code is left, which may count on it in ON CONFLICT.
// https://www.postgresql.org/docs/current/indexes-partial.html
func (a *adoption) uniques(m *Made, r *Release) {
	for _, x := range r.head.IndexesOf(a.head) {
		info := x.Index
		if !info.Unique || info.Primary || slices.ContainsFunc(r.ofIndex(x), func(at place) bool { return a.head.Attr(at.column) != nil && a.head.Attr(at.column).Name == a.column }) {
			continue
		}
		con := a.head.Constraint(info.Constraint)
		if why := a.needed(r, x, con); why != "" {
			m.note("%s stays as it is, and the values of deleted rows stay taken: %s", x.Name.Name, why)
			continue
		}
		like := *info
		like.PredicateText = a.live
		if info.PredicateText != "" {
			like.PredicateText = "(" + info.PredicateText + ") AND " + a.live
		}
		body := indexBody(a.head, &like, x)
		own := r.unique(x.Name.Name, "onward", "")
		m.indexed(a.t, own, body, true, onward.Expand)
		rename := []string{"ALTER INDEX " + inSchema(a.t, own) + " RENAME TO " + quote(x.Name.Name)}
		if x.Comment != "" {
			rename = append(rename, "COMMENT ON INDEX "+inSchema(a.t, x.Name.Name)+" IS "+pgparse.QuoteLiteral(x.Comment))
		}
		drop := "DROP INDEX CONCURRENTLY " + inSchema(a.t, x.Name.Name)
		if con != nil {
			drop = "ALTER TABLE " + name(a.t) + " DROP CONSTRAINT " + quote(con.Name)
			m.add(onward.Contract, onward.StepDDL, "the index of the rows that are not deleted takes the place of that of all", append([]string{drop}, rename...)...)
			m.note("%s is an index then, and no constraint: ON CONFLICT ON CONSTRAINT %s fails", con.Name, quote(con.Name))
		} else {
			m.add(onward.Contract, onward.StepConcurrent, "what it holds is held by the index of the rows that are not deleted; deployed code may have named its columns in ON CONFLICT", drop)
			m.add(onward.Contract, onward.StepDDL, "takes the name of the one that was there", rename...)
		}
		r.Beyond = append(r.Beyond, strings.Replace(drop, " CONCURRENTLY", "", 1), "CREATE UNIQUE INDEX "+quote(x.Name.Name)+" ON "+name(a.t)+" "+body)
		r.Beyond = append(r.Beyond, rename[1:]...)
		if len(a.taken(info, "", "")) > 0 {
			m.note("new code is to say ON CONFLICT (%s) WHERE %s: without the condition it fails from the last step on", strings.Join(a.taken(info, "", ""), ", "), like.PredicateText)
		}
		a.unique = append(a.unique, info)
	}
}

// needed says what needs a unique index of all rows; "" where nothing does.
func (a *adoption) needed(r *Release, x *catalog.Relation, con *catalog.Constraint) string {
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

// viewed gives readers the rows that are not deleted.
func (a *adoption) viewed(m *Made, r *Release) {
	if a.view == "" {
		return
	}
	if r.head.Lookup(a.t.Name.Schema, a.view) != nil || r.Deployed.Lookup(a.t.Name.Schema, a.view) != nil {
		m.note("%s is there already: no view of the rows that are not deleted is made", a.view)
		return
	}
	invoker := ""
	if !slices.ContainsFunc(r.Versions, func(v int) bool { return v < 15 }) {
		invoker = " WITH (security_invoker = true)"
	} else if a.head.RLS {
		m.note("%s has row-level security, which a view has only from Postgres 15 on: no view of the rows that are not deleted is made", a.t.Name)
		return
	}
	var columns []string
	for _, col := range a.head.Columns {
		columns = append(columns, quote(col.Name))
	}
	view := inSchema(a.t, a.view)
	sql := []string{"CREATE VIEW " + view + invoker + " AS SELECT " + strings.Join(columns, ", ") + " FROM " + name(a.t) + " WHERE " + a.live}
	for _, g := range a.head.Grants {
		if g.Privilege == "all" || g.Privilege == "select" {
			sql = append(sql, "GRANT SELECT ON "+view+" TO "+role(g.Role))
		}
	}
	s := m.add(onward.Expand, onward.StepDDL, "new code reads the rows that are not deleted by it", sql...)
	s.Undo = []string{"DROP VIEW IF EXISTS " + view}
	r.Beyond = append(r.Beyond, sql...)
	m.note("%s has the columns that %s has now: a column that it reads is dropped, or gets another type, only with the view", a.view, a.t.Name)
}

// notes say what is otherwise from the first marked row on.
func (a *adoption) notes(m *Made, r *Release) {
	t := a.t.Name
	m.note("%s of %s is said to mark deleted rows. Up to the last step the deployed code does not know it: it reads and changes rows that new code has deleted, and what it deletes itself is gone", a.column, t)
	if len(a.unique) > 0 {
		m.note("up to the last step the values of a deleted row of %s stay taken: who writes them again gets a unique violation (23505)", t)
	}
	m.note("a way back drops %s of %s: rows that new code has deleted are there again", a.column, t)
	for _, oid := range slices.Compact(slices.Sorted(slices.Values(a.head.ReferencedBy))) {
		other := r.head.Relation(oid)
		if other == nil {
			continue
		}
		for _, fk := range other.Constraints {
			if fk.Kind != catalog.ForeignKey || fk.Ref != a.head.OID || fk.Parent {
				continue
			}
			does := "refuses nothing"
			if fk.OnDelete != "" && fk.OnDelete != "restrict" {
				does = "does nothing (ON DELETE " + strings.ToUpper(fk.OnDelete) + ")"
			}
			m.note("foreign key %s of %s %s when a row of %s is marked: it acts when the row is purged", fk.Name, other.Name, does, t)
		}
	}
	for _, con := range a.head.Constraints {
		if con.Kind == catalog.Exclude {
			m.note("exclusion constraint %s counts deleted rows, too: it is to be made anew with WHERE (%s)", con.Name, a.live)
		}
	}
}

// taken are the columns of a unique index, compared between two rows; the columns alone where the
// rows have no name. None where it is of more than columns.
func (a *adoption) taken(x *catalog.IndexInfo, one, other string) (out []string) {
	for _, k := range x.Keys {
		col := a.head.Attr(k.Column)
		if col == nil {
			return nil
		}
		text := quote(col.Name)
		if one != "" {
			text = one + "." + text + " = " + other + "." + text
		}
		out = append(out, text)
	}
	return out
}

// statements are what new code does now instead of DELETE, and what nobody did before.
func (a *adoption) statements(m *Made, r *Release) {
	keys := identity(r.head, a.head)
	if len(keys) == 0 {
		return
	}
	var mine, same []string
	for i, k := range keys {
		mine = append(mine, quote(k)+" = $"+string(rune('1'+i)))
		same = append(same, "t."+quote(k)+" = gone."+quote(k))
	}
	t, col := name(a.t), quote(a.column)
	row := strings.Join(mine, " AND ")
	m.say("delete a row of "+a.t.Name.String(), "In the place of DELETE. It changes no row where the row is deleted already.",
		"UPDATE "+t+" SET "+col+" = "+a.marked+" WHERE "+row+" AND "+a.live)
	var taken []string
	for _, x := range a.unique {
		if same := a.taken(x, "other", "t"); len(same) > 0 && x.PredicateText == "" {
			taken = append(taken, "("+strings.Join(same, " AND ")+")")
		}
	}
	free, says := "", "It changes no row where none is deleted."
	if len(taken) > 0 {
		free = " AND NOT EXISTS (SELECT FROM " + t + " AS other WHERE other." + a.liveOf() + " AND (" + strings.Join(taken, " OR ") + "))"
		says = "It changes no row where another one has taken its values since: which of them stays is to be decided. Where that happens in the same moment, it fails with a unique violation (23505), and nothing is changed."
	}
	m.say("restore a row of "+a.t.Name.String(), says, "UPDATE "+t+" AS t SET "+col+" = "+a.cleared+" WHERE "+strings.Join(prefixed("t.", mine), " AND ")+" AND NOT (t."+a.liveOf()+")"+free)
	old, order, index := col, quoted(keys), ""
	if a.timed {
		old, order = col+" < now() - interval '30 days'", col
		index = " Without an index it reads the table each time: CREATE INDEX CONCURRENTLY " + quote(r.unique(a.t.Name.Name, a.column, "idx")) + " ON " + t + " (" + col + ") WHERE " + col + " IS NOT NULL."
	}
	m.say("purge "+a.t.Name.String(), "Again and again, until it deletes none: a thousand rows at a time, and none that somebody holds. What they are to be kept for is yours to say. Foreign keys act now."+index,
		"WITH gone AS (SELECT "+quoted(keys)+" FROM "+t+" WHERE "+old+" ORDER BY "+order+" LIMIT 1000 FOR UPDATE SKIP LOCKED) DELETE FROM "+t+" AS t USING gone WHERE "+strings.Join(same, " AND "))
}

// liveOf is the condition behind the name of a row and a point: "deleted_at IS NULL".
func (a *adoption) liveOf() string {
	if a.timed {
		return quote(a.column) + " IS NULL"
	}
	return quote(a.column) + " = false"
}

func prefixed(prefix string, list []string) (out []string) {
	for _, s := range list {
		out = append(out, prefix+s)
	}
	return out
}
