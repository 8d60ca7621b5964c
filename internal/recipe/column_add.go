package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnAdd adds a column without reading or rewriting the table. Work that would do so comes in
// later steps: values that differ from row to row are backfilled, and conditions are validated.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var columnAdd = &Recipe{Name: "column-add", Make: func(c *Change) *Steps {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_AddColumn {
		return nil
	}
	t := c.AlteredRelation()
	if t.Kind != catalog.Table {
		return nil
	}
	d := parseDefinition(c)
	if d == nil || d.generated {
		return nil
	}
	if reason := d.applyLaterChanges(c); reason != "" {
		m := &Steps{}
		m.addMissing("%s", reason)
		return m
	}
	return d.makeSteps(c, t)
}}

// definition is the text of ADD COLUMN, split into its parts.
type definition struct {
	name    string
	head    string // ADD COLUMN name type
	value   string // of the default
	notNull bool
	rewrite bool
	// generated: it has a generation expression instead of a default.
	generated bool
	// conditions are conditions that can be constraints of the table instead of the column.
	conditions []*pgparse.Constraint
	texts      []string
	// finalDefault is its default at the head if the release later changes its type.
	finalDefault *string
}

// applyLaterChanges applies later changes of the column in the same release: another name, another type. It
// returns the reason if that is not possible.
func (d *definition) applyLaterChanges(c *Change) string {
	colChange := c.findColumnChange()
	if colChange == nil || colChange.newColumn == nil {
		return ""
	}
	t := c.AlteredRelation()
	if base := c.Release.Deployed.Relation(colChange.table); base != nil && base.Column(colChange.newColumn.Name) != nil {
		return fmt.Sprintf("%[1]s of %[2]s is dropped or renamed, and a new column takes its name in one release: "+
			"deployed code and new code would mean two columns by one name. Where the values are the same in another type, "+
			"ALTER COLUMN %[1]s TYPE … USING … is planned", quoteIdent(colChange.newColumn.Name), t.Name)
	}
	if colChange.leadChange() == nil {
		return ""
	}
	for _, o := range c.Release.changes[slices.Index(c.Release.changes, c):slices.Index(c.Release.changes, colChange.lastRenameOrRetype())] {
		switch {
		case c.Release.recreations.temporary[o] || o.buildsPlainIndex():
		case slices.Contains(o.usedColumns(), colChange.columnID):
			return fmt.Sprintf("%s of %s is added and changed in one release, and %s:%d depends on it in between: write its final definition in ADD COLUMN", d.name,
				t.Name, o.Migration.Path, o.Line)
		case o.writesColumn(colChange.table, d.name):
			return fmt.Sprintf("%s of %s is added and changed in one release, and %s:%d gives it values in between: write its final definition in ADD COLUMN", d.name,
				t.Name, o.Migration.Path, o.Line)
		}
	}
	if len(d.conditions) > 0 {
		return fmt.Sprintf("%s of %s is added with conditions and changed in one release: write its final definition in ADD COLUMN", d.name, t.Name)
	}
	value, hasUsing, err := colChange.convertValue("(" + cmp.Or(d.value, "NULL") + ")::" +
		typeName(c.After.Relation(colChange.table).Attr(colChange.column).Type))
	if err != nil {
		return err.Error()
	}
	if hasUsing {
		d.value, d.finalDefault = value, &colChange.newColumn.DefaultText
	}
	d.name, d.head = colChange.newColumn.Name, "ADD COLUMN "+quoteIdent(colChange.newColumn.Name)+" "+typeName(colChange.newColumn.Type)
	if colChange.newColumn.Collation != "" {
		d.head += " COLLATE " + quoteIdent(colChange.newColumn.Collation)
	}
	return ""
}

// buildsPlainIndex reports whether a change creates an index of columns alone, which is the same statement for another type.
func (c *Change) buildsPlainIndex() bool {
	x := c.Node.GetIndexStmt()
	return x != nil && x.WhereClause == nil && !slices.ContainsFunc(x.IndexParams, func(n *pgparse.Node) bool {
		e := n.GetIndexElem()
		return e.GetExpr() != nil || len(e.GetOpclass())+len(e.GetCollation()) > 0
	})
}

// finalDefaultCommands returns the commands that set the column's final default after another default has
// filled it.
func (d *definition) finalDefaultCommands(alter string) []string {
	switch {
	case d.finalDefault == nil:
		return nil
	case *d.finalDefault == "":
		return []string{alter + " DROP DEFAULT"}
	}
	return []string{alter + " SET DEFAULT " + *d.finalDefault}
}

// parseDefinition parses a command. It returns nil for identity and serial columns, and for keys.
func parseDefinition(c *Change) *definition {
	def := c.Command.Def.GetColumnDef()
	span := c.commandSpan()
	d := &definition{name: def.GetColname(), rewrite: c.rewritesTable()}
	head := span.End
	list := pgparse.ListColumnConstraints(def, c.SQL, span.End)
	for i := range list {
		head = min(head, int(list[i].Location))
	}
	if col := def.GetCollClause(); col != nil && int(col.Location) > head || head < span.Start {
		return nil
	}
	d.head = strings.TrimSpace(c.SQL[span.Start:head])
	for i := range list {
		con, text := &list[i], list[i].Text
		switch con.Contype {
		case pgparse.ConstrType_CONSTR_NULL:
		case pgparse.ConstrType_CONSTR_NOTNULL:
			d.notNull = true
		case pgparse.ConstrType_CONSTR_DEFAULT:
			d.value = strings.TrimSpace(text[pgparse.AfterWord(text, "DEFAULT"):])
		case pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_UNIQUE:
			d.conditions, d.texts = append(d.conditions, con.Constraint), append(d.texts, text)
		case pgparse.ConstrType_CONSTR_GENERATED:
			d.generated = true
		default: // identity and primary key
			return nil
		}
	}
	return d
}

func (d *definition) makeSteps(c *Change, t *catalog.Relation) *Steps {
	m := &Steps{}
	alter, col := "ALTER TABLE "+tableName(t)+" ", quoteIdent(d.name)
	undo := []string{alter + "DROP COLUMN IF EXISTS " + col}
	after := onward.Expand
	switch {
	case d.rewrite && d.value == "":
		return nil // serial, and domains with conditions
	case d.rewrite:
		s := m.addStep(onward.Expand, onward.StepDDL, "add column "+d.name+" to "+t.Name.Name+
			": new rows get its default, existing rows get a value in the background",
			append([]string{alter + d.head, alter + "ALTER COLUMN " + col + " SET DEFAULT " + d.value}, d.finalDefaultCommands(alter+"ALTER COLUMN "+col)...)...)
		s.Undo = undo
		missing := "t." + col + " IS NULL"
		b := m.addBackfill(c, t, "fill "+t.Name.Name+"."+d.name+" in existing rows, in batches", col+" = "+d.value, missing)
		if b == nil {
			return m
		}
		if d.notNull { // else new code may have written NULL
			addComparison(b, t, rowKeyColumns(c.Before, t), missing, updateStatement(t, col+" = "+d.value, missing))
		}
		c.Release.markFilled(t, d.name)
		c.Release.Volatile[qualifiedColumn(t, d.name)] = true
		m.addNote("%s of %s differs from row to row: each row gets its own value when it is filled", d.name, t.Name)
		after = onward.Backfill
		if d.notNull {
			m.addNotNullSteps(c, t, d.name, after)
		}
	default:
		if after := c.After.Relation(t.OID); after != nil && after.Column(d.name) != nil && c.isVolatile(after.Column(d.name).Default) {
			c.Release.Volatile[qualifiedColumn(t, d.name)] = true // the time of the release, in all rows
		}
		sql := alter + d.head
		if d.value != "" {
			sql += " DEFAULT " + d.value
			if d.notNull {
				sql += " NOT NULL"
			}
		}
		s := m.addStep(onward.Expand, onward.StepDDL, "add column "+d.name+" to "+t.Name.Name+": no row is written",
			append([]string{sql}, d.finalDefaultCommands(alter+"ALTER COLUMN "+col)...)...)
		s.Undo, s.Joins = undo, len(d.conditions) == 0 && (!d.notNull || d.value != "")
		if d.notNull && d.value == "" {
			m.addNote("%s of %s becomes NOT NULL and has no default: existing rows, and rows that the deployed code adds, have no value until somebody gives them one", d.name, t.Name)
			m.addNotNullSteps(c, t, d.name, onward.Contract)
			after = onward.Contract
		}
		if c.Release.derived[columnKey(t, d.name)] {
			after = onward.Contract // a condition would refuse values that a trigger computes for the deployed code
		}
	}
	for i, con := range d.conditions {
		d.addColumnConstraint(m, c, t, con, d.texts[i], after)
	}
	return m
}

// addColumnConstraint adds a condition of the column as a constraint of the table.
func (d *definition) addColumnConstraint(m *Steps, c *Change, t *catalog.Relation, con *pgparse.Constraint, text string, phase onward.PlanPhase) {
	text = stripConstraintName(text)
	kind := analysis.ConstraintKinds[con.Contype]
	newCon := c.findNewConstraint(t, kind, d.name)
	if newCon == nil {
		m.addMissing("the name of a constraint of %s on %s is not known", d.name, t.Name)
		return
	}
	switch kind {
	case catalog.ForeignKey:
		text = "FOREIGN KEY (" + quoteIdent(d.name) + ") " + text
		fallthrough
	case catalog.Check:
		m.addConstraintSteps(t, newCon.Name, text, phase)
	default:
		m.addUniqueConstraint(c, t, newCon, phase)
	}
}

// findNewConstraint returns the new constraint of a kind that a change adds to a table. If column is not
// empty, it must be on that column alone.
func (c *Change) findNewConstraint(t *catalog.Relation, kind catalog.ConstraintKind, column string) *catalog.Constraint {
	after := c.After.Relation(t.OID)
	if after == nil {
		return nil
	}
	for _, con := range after.Constraints {
		if con.Kind != kind || slices.ContainsFunc(t.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID }) {
			continue
		}
		if names := after.ColumnNames(con.Columns); column == "" || len(names) == 1 && names[0] == column {
			return con
		}
	}
	return nil
}

// commandSpan returns the place of the command in its statement.
func (c *Change) commandSpan() pgparse.Span {
	offset := len(c.AlterTable())
	for i := range c.commandIndex() + 1 {
		text := c.CommandText(i)
		offset += strings.Index(c.SQL[offset:], text)
		if i == c.commandIndex() {
			return pgparse.Span{Start: offset, End: offset + len(text)}
		}
		offset += len(text)
	}
	return pgparse.Span{}
}

// commandIndex returns the index of the command in its statement.
func (c *Change) commandIndex() int {
	return slices.IndexFunc(c.Node.GetAlterTableStmt().GetCmds(), func(n *pgparse.Node) bool { return n.GetAlterTableCmd() == c.Command })
}

// rewritesTable reports whether the command alone rewrites the table on one of the versions.
func (c *Change) rewritesTable() bool {
	stmt := c.Node.GetAlterTableStmt()
	index := c.commandIndex()
	node := pgparse.SelectCommands(stmt, stmt.Cmds[index:index+1])
	for _, v := range c.Release.Versions {
		r := effect.EffectOf(node, c.Before, effect.NewVersion(v), effect.Inputs{})
		for i := range r.Effects {
			if r.Effects[i].Rewrites {
				return true
			}
		}
	}
	return false
}
