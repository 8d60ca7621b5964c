package recipe

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Schema holds what a plan keeps for itself: where its backfills are. Comparisons of schemas
// pass over it, and the last step drops it.
const Schema = onward.PlanRoom

// backfill fills columns of all rows, few at a time: set is the list of assignments, where
// the condition on the rows that are changed, "" for all. What they name are columns of t.
func (m *Made) backfill(c *Change, t *catalog.Relation, why, set, where string) *onward.PlannedBackfill {
	return m.batches(c, t, why, changing(t, set, where))
}

// changing is the work of a backfill that changes rows.
func changing(t *catalog.Relation, set, where string) func(join string) string {
	return func(join string) string {
		if where != "" {
			join += " AND (" + where + ")"
		}
		return "UPDATE " + name(t) + " AS t SET " + set + " FROM batch WHERE " + join
	}
}

// copied brings the rows of a table to another one that triggers keep in step with it, few at a time.
// Each is locked as it is read: nobody changes or deletes it before its copy is there.
func (m *Made) copied(c *Change, t, into *catalog.Relation, columns, keys []string) *onward.PlannedBackfill {
	return m.batches(c, t, "brings the rows that nobody wrote since", copying(t, into, columns, keys, "NOTHING"))
}

// copying is the work of a backfill that copies rows: do is what becomes of one that is there already.
func copying(t, into *catalog.Relation, columns, keys []string, do string) func(join string) string {
	var values []string
	for _, n := range columns {
		values = append(values, "t."+quote(n))
	}
	return func(join string) string {
		return "INSERT INTO " + name(into) + " (" + quoted(columns) + ") OVERRIDING SYSTEM VALUE SELECT " + strings.Join(values, ", ") +
			" FROM " + name(t) + " AS t, batch WHERE " + join + " FOR SHARE OF t ON CONFLICT (" + quoted(keys) + ") DO " + do
	}
}

const keyless = "%s has no primary key, and no unique index of columns that are NOT NULL: nothing to go along its rows by"

// batches goes along the rows of a table, few at a time: work is what is done to those of a batch, whose
// rows are joined to t by a condition. It gives nil, and says so, where nothing tells the rows apart.
func (m *Made) batches(c *Change, t *catalog.Relation, why string, work func(join string) string) *onward.PlannedBackfill {
	keys := identity(c.Before, t)
	if len(keys) == 0 {
		m.missing(keyless, t.Name)
		return nil
	}
	c.Release.Keeps = true
	at := Schema + "." + quote(c.Release.unique(t.Name.Name, keys[0], "cursor"))
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = quote(k)
	}
	list := strings.Join(names, ", ")
	var ends, copies, backward []string
	for i, n := range names {
		e := end(i)
		ends, copies, backward = append(ends, e), append(copies, n+" AS "+e), append(backward, n+" DESC")
	}
	s := m.add(onward.Expand, onward.StepDDL, "keeps where the backfill of "+t.Name.String()+" is",
		"CREATE SCHEMA IF NOT EXISTS "+Schema,
		"CREATE TABLE "+at+" AS SELECT "+list+", "+strings.Join(copies, ", ")+" FROM "+name(t)+" WITH NO DATA",
		// Its end is fixed here: behind it rows are added for as long as others write.
		"INSERT INTO "+at+" ("+strings.Join(ends, ", ")+") SELECT last.* FROM (SELECT) AS one LEFT JOIN (SELECT "+list+" FROM "+name(t)+" ORDER BY "+strings.Join(backward, ", ")+" LIMIT 1) AS last ON true")
	s.Undo = []string{"DROP TABLE IF EXISTS " + at}
	done := work(joined(keys))
	step := m.add(onward.Backfill, onward.StepBackfill, why, batchOf(t, at, keys, done))
	out := &onward.PlannedBackfill{Table: name(t), Keys: names, Work: done, Compare: []onward.PlanComparison{}}
	step.Backfill = out
	m.add(onward.Contract, onward.StepDDL, "the backfill of "+t.Name.String()+" is over", "DROP TABLE IF EXISTS "+at)
	return out
}

// compare has a backfill's rows compared, one by one: wrong is a condition on a row t of a table, whose rows keys tell
// apart. mend makes rows right of which that is so; nil where nobody may say which side is right.
func compare(b *onward.PlannedBackfill, t *catalog.Relation, keys []string, wrong string, mend func(join string) string) {
	c := onward.PlanComparison{Table: name(t), Wrong: wrong}
	for _, k := range keys {
		c.Keys = append(c.Keys, quote(k))
	}
	if mend != nil {
		c.Mend = mend(joined(keys))
	}
	b.Compare = append(b.Compare, c)
}

// keyName is the column of a batch that holds a key of its rows.
func keyName(i int) string { return fmt.Sprintf("onward_key%d", i+1) }

// joined is a condition: a row t is one of the batch.
func joined(keys []string) string {
	var join []string
	for i, k := range keys {
		join = append(join, "t."+quote(k)+" = batch."+keyName(i))
	}
	return strings.Join(join, " AND ")
}

// end is the column of a cursor that holds the last row's key.
func end(i int) string { return fmt.Sprintf("onward_end%d", i+1) }

// batchOf is the statement that works on the rows behind the cursor, and moves it. Its number is
// how many rows it passed.
func batchOf(t *catalog.Relation, at string, keys []string, work string) string {
	var as, order, backward, mine, cursor, last, columns []string
	for i, k := range keys {
		q := quote(k)
		as, mine = append(as, "t."+q+" AS "+keyName(i)), append(mine, keyName(i))
		order, backward = append(order, "t."+q), append(backward, keyName(i)+" DESC")
		cursor = append(cursor, "(SELECT "+q+" FROM "+at+")")
		last = append(last, "(SELECT "+end(i)+" FROM "+at+")")
		columns = append(columns, q)
	}
	row := func(list []string) string {
		if len(list) == 1 {
			return list[0]
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	from := "SELECT " + strings.Join(as, ", ") + " FROM " + name(t) + " AS t"
	behind := row(order) + " > " + row(cursor)
	tail := " AND " + row(order) + " <= " + row(last) + fmt.Sprintf(" ORDER BY %s LIMIT %d", strings.Join(order, ", "), onward.PlanBatch)
	return "WITH batch AS MATERIALIZED (\n" +
		"  (" + from + " WHERE (SELECT " + columns[0] + " FROM " + at + ") IS NULL" + tail + ")\n" +
		"  UNION ALL\n" +
		"  (" + from + " WHERE " + behind + tail + ")\n" +
		"), changed AS (\n" +
		"  " + work + "\n" +
		"), moved AS (\n" +
		"  UPDATE " + at + " SET " + row(columns) + " = " + moved(mine, backward) + " WHERE EXISTS (SELECT FROM batch)\n" +
		")\nSELECT count(*) FROM batch"
}

func moved(mine, backward []string) string {
	return "(SELECT " + strings.Join(mine, ", ") + " FROM batch ORDER BY " + strings.Join(backward, ", ") + " LIMIT 1)"
}

// identity are columns that tell rows apart, and that an index has in order: of the primary
// key, or of a unique index of plain columns that are NOT NULL.
func identity(c *catalog.Catalog, t *catalog.Relation) []string {
	for _, con := range t.Constraints {
		if con.Kind == catalog.PrimaryKey && !con.WithoutOverlaps {
			return t.ColumnNames(con.Columns)
		}
	}
	for _, r := range c.IndexesOf(t) {
		x := r.Index
		if x == nil || !x.Unique || !x.Valid || x.Predicate != nil || x.Method != "btree" {
			continue
		}
		var names []string
		for _, k := range x.Keys {
			col := t.Attr(k.Column)
			if col == nil || !col.NotNull || k.Desc {
				names = nil
				break
			}
			names = append(names, col.Name)
		}
		if len(names) > 0 {
			return names
		}
	}
	return nil
}
