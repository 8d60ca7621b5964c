package recipe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// rowsComputed splits an UPDATE or a DELETE that reads the table that it writes, such as one that numbers its rows, or removes all but one
// of several equal ones. A batch would see the work of the batches before it. So one query finds all rows and values and keeps them in a
// table of the plan, and the batches only write them. What the deployed code has changed in between stays.
// https://www.postgresql.org/docs/current/sql-update.html
var rowsComputed = &Recipe{Name: "rows-computed", Make: func(c *Change) *Steps {
	deletes := c.Node.GetDeleteStmt() != nil
	if c.Node.GetUpdateStmt() == nil && !deletes || !c.writesManyRows() {
		return nil
	}
	w := c.parseRowStatement()
	if w == nil || w.target.Kind != catalog.Table || !deletes && c.mayHaveUniqueIndex(w.target, w.set) || w.refersToItself() {
		return nil
	}
	label := "rows"
	if !deletes {
		label = w.set[0]
	}
	v := &computedRows{rowStatement: w, keys: rowKeyColumns(c.Before, w.target)}
	query := v.makeQuery(c)
	if query == "" {
		return nil
	}
	m := &Steps{}
	v.list = c.Release.newListTable(w.target, label, len(v.keys))
	v.addList(m, query)
	m.addListBatches(c, w.target, v.list, w.title, v.listBatchStatement)
	m.recordBatchWrites(c, w)
	if deletes {
		m.addNote("a DELETE of %s reads the table that it writes: its rows are listed once, and batches delete them. Rows that the deployed code "+
			"adds or changes meanwhile stay", w.target.Name)
	} else {
		m.addNote("an UPDATE of %s reads the table that it writes: its values are computed once, and batches write them. Rows that the deployed code "+
			"adds meanwhile get none, and rows in which it changes %s keep its value", w.target.Name, strings.Join(w.set, ", "))
	}
	return m
}}

// mayHaveUniqueIndex reports whether a unique index or an exclusion constraint may be on one of some columns. Then a batch may be refused whose
// values are only free after a later batch.
func (c *Change) mayHaveUniqueIndex(t *catalog.Relation, columns []string) bool {
	if slices.ContainsFunc(t.Constraints, func(con *catalog.Constraint) bool { return con.Kind == catalog.Exclude }) {
		return true
	}
	for _, r := range c.Before.IndexesOf(t) {
		if r.Index == nil || !r.Index.Unique {
			continue
		}
		list := slices.Concat(keyColumns(r.Index), r.Index.PredicateColumns)
		if len(keyColumns(r.Index)) < len(r.Index.Keys) || slices.ContainsFunc(t.ColumnNames(list), func(n string) bool { return slices.Contains(columns, n) }) {
			return true
		}
	}
	return false
}

// computedRows are the rows of an UPDATE or a DELETE, in a table of the plan. An UPDATE has their keys, new values and old ones, a DELETE
// their keys and versions.
type computedRows struct {
	*rowStatement
	keys []string
	list *catalog.Relation
}

// listColumnName returns the column of the plan's table for the ith column that the UPDATE sets.
func (v *computedRows) listColumnName(kind string, i int) string {
	return "onward_" + kind + strconv.Itoa(i+1)
}

// makeQuery returns the query for the rows of the plan's table; "" if the text of the UPDATE is not understood.
func (v *computedRows) makeQuery(c *Change) string {
	split := pgparse.SplitUpdate
	if v.verb == "DELETE" {
		split = pgparse.SplitDelete
	}
	u := split(c.SQL)
	if u == nil || len(v.keys) == 0 || len(u.Values) != len(v.set) {
		return ""
	}
	var keys, list []string
	for _, k := range v.keys {
		keys = append(keys, quoteIdent(v.alias)+"."+quoteIdent(k))
	}
	list = append(list, keys...)
	for _, value := range u.Values {
		list = append(list, "("+value+")")
	}
	for _, name := range v.set {
		list = append(list, quoteIdent(v.alias)+"."+quoteIdent(name))
	}
	if v.verb == "DELETE" {
		list = append(list, quoteIdent(v.alias)+".xmin")
	}
	from := u.Table
	if u.From != "" {
		from += ", " + u.From
	}
	if u.Where != "" {
		from += " WHERE " + u.Where
	}
	// An UPDATE takes any of several values for a row.
	if u.With != "" {
		u.With += " "
	}
	return u.With + "SELECT DISTINCT ON (" + strings.Join(keys, ", ") + ") " + strings.Join(list, ", ") + " FROM " + from
}

// addList adds the steps that make and fill the list. Its columns have the types of the target's columns, so a value is converted as the UPDATE
// converts it.
func (v *computedRows) addList(m *Steps, query string) {
	var columns, keys []string
	for i, k := range v.keys {
		columns, keys = append(columns, quoteIdent(k)+" AS "+batchKeyColumn(i)), append(keys, batchKeyColumn(i))
	}
	for _, kind := range []string{"value", "old"} {
		for i, name := range v.set {
			columns = append(columns, quoteIdent(name)+" AS "+v.listColumnName(kind, i))
		}
	}
	if v.verb == "DELETE" {
		columns = append(columns, "xmin AS onward_version")
	}
	m.addList(v.list, v.target, columns, "ADD PRIMARY KEY ("+strings.Join(keys, ", ")+")", query)
}

// listBatchStatement returns the statement of a batch, given the condition that a row t of the list is in it. A row that was changed has another xmin,
// and a locked one the same: https://www.postgresql.org/docs/current/ddl-system-columns.html
func (v *computedRows) listBatchStatement(join string) string {
	for i, k := range v.keys {
		join += " AND onward_row." + quoteIdent(k) + " = t." + batchKeyColumn(i)
	}
	target, from := tableName(v.target)+" AS onward_row", "batch, "+tableName(v.list)+" AS t WHERE "+join
	if v.verb == "DELETE" {
		return "DELETE FROM " + target + " USING " + from + " AND onward_row.xmin = t.onward_version"
	}
	var set []string
	for i, name := range v.set {
		old, now := "t."+v.listColumnName("old", i), "onward_row."+quoteIdent(name)
		set = append(set, quoteIdent(name)+" = t."+v.listColumnName("value", i))
		if !hasEquality(v.target.Column(name).Type) {
			old, now = old+"::text", now+"::text"
		}
		from += " AND " + now + " IS NOT DISTINCT FROM " + old
	}
	return "UPDATE " + target + " SET " + strings.Join(set, ", ") + " FROM " + from
}

// hasEquality reports whether values of a type are certainly compared by =.
// https://www.postgresql.org/docs/current/indexes-opclass.html
func hasEquality(t catalog.Type) bool {
	return t.Name.Schema == "pg_catalog" && !slices.Contains([]string{"json", "xml", "point", "box", "circle", "lseg", "path", "polygon", "line"}, t.Name.Name)
}
