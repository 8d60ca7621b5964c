package recipe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// rowsComputed splits an UPDATE that reads the table that it writes, such as one that numbers its rows. A batch would see the values
// of the batches before it. So one query computes all values and keeps them in a table of the plan, and the batches only write them.
// A row keeps a value that the deployed code gives it in between.
// https://www.postgresql.org/docs/current/sql-update.html
var rowsComputed = &Recipe{Name: "rows-computed", Make: func(c *Change) *Steps {
	if c.Node.GetUpdateStmt() == nil || !c.writesManyRows() {
		return nil
	}
	w := c.rowStatement()
	if w == nil || w.target.Kind != catalog.Table || c.holdsUnique(w.target, w.set) {
		return nil
	}
	v := &computedValues{rowStatement: w, keys: identityColumns(c.Before, w.target)}
	query := v.makeQuery(c)
	if query == "" {
		return nil
	}
	v.table = Schema + "." + quoteIdent(c.Release.uniqueName(w.target.Name.Name, w.set[0], "values"))
	m := &Steps{}
	v.addTable(m, query)
	// The changed rows cannot be recognized afterwards, so they are not compared.
	m.addBatches(c, w.target, w.title, v.writeBatch)
	m.addStep(onward.Backfill, onward.StepDDL, "drop the computed values of "+w.target.Name.Name, "DROP TABLE IF EXISTS "+v.table).Bookkeeping = true
	m.endAfterBackfill()
	for _, name := range w.set {
		c.Release.markFilled(w.target, name)
	}
	c.writesRows()
	m.addNote("an UPDATE of %s reads the table that it writes: its values are computed once, and batches write them. Rows that the deployed code "+
		"adds meanwhile get none, and rows in which it changes %s keep its value", w.target.Name, strings.Join(w.set, ", "))
	return m
}}

// holdsUnique reports whether a unique index or an exclusion constraint may be on one of some columns. Then a batch may be refused whose
// values are only free after a later batch.
func (c *Change) holdsUnique(t *catalog.Relation, columns []string) bool {
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

// computedValues are the new values of an UPDATE, in a table of the plan: keys, new values and old ones.
type computedValues struct {
	*rowStatement
	keys  []string
	table string
}

// columnName returns the column of the plan's table for the ith column that the UPDATE sets.
func (v *computedValues) columnName(kind string, i int) string {
	return "onward_" + kind + strconv.Itoa(i+1)
}

// makeQuery returns the query for the rows of the plan's table; "" if the text of the UPDATE is not understood.
func (v *computedValues) makeQuery(c *Change) string {
	u := pgparse.SplitUpdate(c.SQL)
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

// addTable adds the steps that fill the plan's table. Its columns have the types of the UPDATE's columns, so a value is converted as the
// UPDATE converts it.
func (v *computedValues) addTable(m *Steps, query string) {
	var columns, keys []string
	for i, k := range v.keys {
		columns, keys = append(columns, quoteIdent(k)+" AS "+keyName(i)), append(keys, keyName(i))
	}
	for _, kind := range []string{"value", "old"} {
		for i, name := range v.set {
			columns = append(columns, quoteIdent(name)+" AS "+v.columnName(kind, i))
		}
	}
	name := v.target.Name.Name
	s := m.addStep(onward.Backfill, onward.StepDDL, "create a table for the computed values of "+name,
		"CREATE SCHEMA IF NOT EXISTS "+Schema,
		"CREATE TABLE "+v.table+" AS SELECT "+strings.Join(columns, ", ")+" FROM "+tableName(v.target)+" WITH NO DATA",
		"ALTER TABLE "+v.table+" ADD PRIMARY KEY ("+strings.Join(keys, ", ")+")")
	undo := []string{"DROP TABLE IF EXISTS " + v.table}
	s.Undo, s.Bookkeeping = undo, true
	m.addStep(onward.Backfill, onward.StepWork, "compute the new values of "+name+", and write no row of it", "INSERT INTO "+v.table+" "+query).Undo = undo
}

// writeBatch returns the statement of a batch, given the condition that joins t to the batch.
func (v *computedValues) writeBatch(join string) string {
	var set, same []string
	for i, name := range v.set {
		old, now := "new."+v.columnName("old", i), "t."+quoteIdent(name)
		set = append(set, quoteIdent(name)+" = new."+v.columnName("value", i))
		if !hasEquality(v.target.Column(name).Type) {
			old, now = old+"::text", now+"::text"
		}
		same = append(same, now+" IS NOT DISTINCT FROM "+old)
	}
	for i := range v.keys {
		join += " AND new." + keyName(i) + " = batch." + keyName(i)
	}
	return "UPDATE " + tableName(v.target) + " AS t SET " + strings.Join(set, ", ") + " FROM batch, " + v.table + " AS new WHERE " + join +
		" AND " + strings.Join(same, " AND ")
}

// hasEquality reports whether values of a type are certainly compared by =.
// https://www.postgresql.org/docs/current/indexes-opclass.html
func hasEquality(t catalog.Type) bool {
	return t.Name.Schema == "pg_catalog" && !slices.Contains([]string{"json", "xml", "point", "box", "circle", "lseg", "path", "polygon", "line"}, t.Name.Name)
}
