package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// tableCopyRecipe replaces an INSERT … SELECT that copies a deployed table into a new one. A trigger writes what the deployed
// code writes to the new table, too, until that code is gone. A backfill copies the rows that no trigger has copied.
// https://www.postgresql.org/docs/current/transaction-iso.html
var tableCopyRecipe = &Recipe{Name: "table-copy", Make: func(c *Change) *Steps {
	t := c.findTableCopy()
	if t == nil {
		return nil
	}
	if reason := t.readRowByRowCopy(); reason != "" {
		t.addObstacle("%s", reason)
	} else {
		t.checkChanges()
		t.checkTarget()
		t.checkReferences()
	}
	if len(t.obstacles) > 0 {
		m := keepUnchanged(c)
		m.Steps[0].Class, m.Steps[0].Why = onward.StepWork, "run the statement unchanged: it copies the rows of "+t.source.Name.Name+" once"
		if t.isSwap() {
			m.Steps[0].Phase = onward.Contract
		}
		c.Release.copied[t.target.OID] = m.Steps[0].Phase
		for _, obstacle := range t.obstacles {
			m.addMissing("%s:%d copies rows of %s into %s once, and no trigger can copy later writes: %s", c.Migration.Path, c.Line, t.source.Name,
				t.target.Name, obstacle)
		}
		return m
	}
	return t.makeSteps()
}}

// tableCopy is an INSERT … SELECT that copies rows of a deployed table, the source, into a table that the release creates, the target.
type tableCopy struct {
	c              *Change
	insert         *pgparse.InsertStmt
	query          *pgparse.SelectStmt
	source, target *catalog.Relation // as they are before the statement
	head           *catalog.Relation // the target at the head
	values         []copiedValue
	// keys are the source's columns that identify its rows. targetKeys are the target's columns with the same values.
	keys, targetKeys []string
	// list and condition are the texts of the SELECT list and of WHERE. alias is the source's name in them.
	list, condition, alias string
	// otherUnique are columns of other unique keys of the target.
	otherUnique []string
	schemas     []string // of what the query uses, besides pg_catalog
	obstacles   []string // why it cannot be made
}

// copiedValue is a column of the target with its value. source is the column that it copies unchanged; "" for another expression.
type copiedValue struct {
	column *catalog.Column
	expr   *pgparse.Node
	source string
	// fresh: each row gets a value of its own when it is added, as from a default: the time, or a random key.
	fresh bool
}

func (t *tableCopy) addObstacle(format string, args ...any) {
	t.obstacles = append(t.obstacles, fmt.Sprintf(format, args...))
}

// findTableCopy returns the copy that a change makes; nil for none, and if the deployed code is known not to write the source.
func (c *Change) findTableCopy() *tableCopy {
	insert := c.Node.GetInsertStmt()
	target := c.resolveRelation(insert.GetRelation())
	if target == nil || target.OID == 0 || !target.Kind.IsTable() || target.Persistence == catalog.Temporary ||
		!c.Before.CreatedSince(c.Release.Deployed, target.OID) {
		return nil
	}
	t := &tableCopy{c: c, insert: insert, query: insert.SelectStmt.GetSelectStmt(), target: target, head: c.Release.head.Relation(target.OID)}
	t.source = c.resolveRelation(analysis.FirstSource(t.query))
	if t.source == nil || t.head == nil || !t.source.Kind.IsTable() || c.Release.Deployed.Relation(t.source.OID) == nil {
		return nil
	}
	if len(c.Copies) == 0 && t.isSwap() {
		return t // in the plan, the copy is long before the exchange, whatever locks the migration takes
	}
	// A table that the release drops is there until the deployed code is gone. No finding is about it.
	if len(c.Copies) == 0 && (c.Release.head.Relation(t.source.OID) != nil || c.Release.Deployed.Lookup(t.head.Name.Schema, t.head.Name.Name) != nil) {
		return nil
	}
	return t
}

// isSwap reports whether the target takes the source's name.
func (t *tableCopy) isSwap() bool {
	namesake := t.c.Release.Deployed.Lookup(t.head.Name.Schema, t.head.Name.Name)
	return namesake != nil && namesake.OID == t.source.OID
}

// makeSteps adds the steps: the triggers, the backfill, and, when the deployed code is gone, the end of the triggers.
func (t *tableCopy) makeSteps() *Steps {
	m, c := &Steps{}, t.c
	sync := t.syncTriggers()
	old, now := t.source.Name.Name, t.target.Name.Name
	step := m.addStep(onward.Expand, onward.StepDDL, "create triggers that write each INSERT, UPDATE and DELETE of "+old+" to "+now+", too", sync.make...)
	step.Undo = slices.Concat(t.dropReferences(), sync.gone)
	b := m.addBatches(c, t.source, "copy the rows of "+old+" that no trigger has copied into "+now+", in batches",
		func(string) string { return t.batchStatement() })
	if b == nil {
		return m
	}
	b.Triggers = sync.triggers
	// After the deploy, rows may differ because the new code changed them, so nothing is corrected.
	addComparison(b, t.source, t.keys, t.wrongCondition(), nil)
	c.recordRowEffects()
	for _, col := range t.head.Columns {
		c.Release.markFilled(t.head, col.Name)
		// Rows that are added and deleted again take numbers, which nothing gives back.
		if seq := c.Release.head.Relation(cmp.Or(col.Takes, col.Sequence)); seq != nil {
			c.Release.Filled[seq.Name.Qualified()] = true
		}
	}
	m.addStep(onward.Contract, onward.StepDDL, "drop the triggers that copy writes of "+old+" to "+now+": only new code is left", sync.gone...)
	t.addNotes(m)
	return m
}

// dropReferences returns the statements that drop the target's foreign keys. Without the triggers, copies that stay would keep the
// deployed code from deleting rows, until the target is dropped, too.
func (t *tableCopy) dropReferences() (out []string) {
	for _, con := range t.head.Constraints {
		if con.Kind == catalog.ForeignKey {
			out = append(out, "ALTER TABLE IF EXISTS "+tableName(t.head)+" DROP CONSTRAINT IF EXISTS "+quoteIdent(con.Name))
		}
	}
	return out
}

// batchStatement returns the statement that copies the rows of a batch. It locks the rows that it reads, so that nobody changes
// or deletes one before its copy exists.
func (t *tableCopy) batchStatement() string {
	var columns, names []string
	for i, k := range t.keys {
		columns, names = append(columns, quoteIdent(t.alias)+"."+quoteIdent(k)), append(names, batchKeyColumn(i))
	}
	from := tableName(t.source)
	if t.alias != t.source.Name.Name {
		from += " AS " + quoteIdent(t.alias)
	}
	return t.insertInto(tableName(t.target)) + t.selectFrom(from, "("+strings.Join(columns, ", ")+") IN (SELECT "+strings.Join(names, ", ")+" FROM batch)") +
		" FOR SHARE OF " + quoteIdent(t.alias) + " ON CONFLICT DO NOTHING"
}

// insertInto returns the beginning of a statement that adds rows to the target.
func (t *tableCopy) insertInto(table string) string {
	return "INSERT INTO " + table + " (" + strings.Join(t.columnNames(""), ", ") + ") OVERRIDING SYSTEM VALUE "
}

// columnNames lists the target's columns that have a value, each of a row.
func (t *tableCopy) columnNames(row string) (out []string) {
	for i := range t.values {
		out = append(out, row+quoteIdent(t.values[i].column.Name))
	}
	return out
}

// selectFrom returns the release's query with another FROM and a further condition.
func (t *tableCopy) selectFrom(from, condition string) string {
	out := "SELECT " + t.list + " FROM " + from
	switch {
	case t.condition != "" && condition != "":
		return out + " WHERE (" + t.condition + ") AND " + condition
	case t.condition != "":
		return out + " WHERE " + t.condition
	case condition != "":
		return out + " WHERE " + condition
	}
	return out
}

// selectRow returns the release's query for one row: NEW, OLD or the name of a row in SQL.
func (t *tableCopy) selectRow(row string) string {
	return t.selectFrom("(SELECT "+row+".*) AS "+quoteIdent(t.alias), "")
}

// wrongCondition returns the condition that a row t of the source has no copy, or another one.
func (t *tableCopy) wrongCondition() string {
	var keyConditions, computedValues, copied []string
	for i := range t.values {
		if t.values[i].fresh {
			continue
		}
		col := t.values[i].column
		computedValues, copied = append(computedValues, "(v."+quoteIdent(col.Name)+")::"+typeName(col.Type)), append(copied, "s."+quoteIdent(col.Name))
	}
	for _, k := range t.targetKeys {
		keyConditions = append(keyConditions, "s."+quoteIdent(k)+" = v."+quoteIdent(k))
	}
	return "EXISTS (SELECT FROM (" + t.selectRow("t") + ") AS v (" + strings.Join(t.columnNames(""), ", ") + ") WHERE NOT EXISTS (" +
		"SELECT FROM " + tableName(t.target) + " AS s WHERE " + strings.Join(keyConditions, " AND ") +
		" AND NOT " + distinctCondition(strings.Join(computedValues, ", "), strings.Join(copied, ", ")) + "))"
}

func (t *tableCopy) addNotes(m *Steps) {
	old, now := t.source.Name, t.target.Name
	m.addNote("the triggers of %s copy what the deployed code changes. Rows that new code adds to %s or deletes there stay so, and values that only new code "+
		"changes, too. If both change a value, the last one counts", old, now)
	m.addNote("nothing copies %s back to %s: the deployed code does not see what new code writes, and an abort loses it", now, old)
	m.addNote("a row that the deployed code adds is not copied if new code has added one with the same key: use one source of keys for both")
	if t.c.Release.head.Relation(t.source.OID) != nil {
		m.addNote("new code that adds rows to both %s and %s must do so in one transaction, or by ON CONFLICT DO UPDATE, up to the last step: "+
			"a row is copied when its transaction ends", old, now)
	}
	m.addNote("deploy the new code when the backfill is done: before, rows are missing in %s, and the comparison refuses what new code has changed", now)
	if slices.ContainsFunc(t.values, func(v copiedValue) bool {
		return v.source == "" && v.expr.GetAConst() == nil || v.source != "" && !t.source.Column(v.source).Type.IsSame(v.column.Type)
	}) || t.condition != "" {
		m.addNote("a write of the deployed code to %s is refused if a value of %s cannot be computed from it or does not fit", old, now)
	}
	if len(t.c.Before.ListReferences(t.target, false))+len(t.c.Release.head.ListReferences(t.head, false)) > 0 {
		m.addNote("an UPDATE of the key of %s is refused if rows of other tables refer to its copy in %s by a foreign key without ON UPDATE CASCADE", old, now)
	}
	m.addNote("a transaction of the deployed code that is REPEATABLE READ or SERIALIZABLE may have to be repeated (40001)")
	m.addNote("a transaction that adds rows to %s and then truncates it is refused (55006), and a TRUNCATE of one that is REPEATABLE READ or "+
		"SERIALIZABLE, too (0A000)", old)
}

// hasUniqueIndex reports whether a table has an index that makes exactly these columns unique, for all rows and at once.
func hasUniqueIndex(c *catalog.Catalog, t *catalog.Relation, columns []string) bool {
	return slices.ContainsFunc(c.IndexesOf(t), func(x *catalog.Relation) bool {
		if x.Index == nil || !x.Index.Unique || !x.Index.Valid || x.Index.Predicate != nil || x.Index.Method != "btree" {
			return false
		}
		con := t.Constraint(x.Index.Constraint)
		names := t.ColumnNames(keyColumns(x.Index))
		return (con == nil || !con.Deferrable && !con.WithoutOverlaps) && len(names) == len(x.Index.Keys) &&
			isSubset(names, columns) && isSubset(columns, names)
	})
}

// quoteQualified returns the name of a table with its schema, for functions with a search path of their own.
func quoteQualified(n catalog.Name) string { return quoteIdent(n.Schema) + "." + quoteIdent(n.Name) }

// searchPath returns the search path of the trigger function: the schemas of what the query uses, and no schema by chance, because
// the function has its owner's rights.
func (t *tableCopy) searchPath() string {
	out := []string{"pg_catalog"}
	for _, name := range t.schemas {
		out = append(out, quoteIdent(name))
	}
	return strings.Join(append(out, "pg_temp"), ", ")
}
