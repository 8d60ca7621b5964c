package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnAdd adds a column in an instant, and what would read or rewrite the table behind it:
// values that differ from row to row are filled in, conditions are validated.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var columnAdd = &Recipe{Name: "column-add", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_AddColumn {
		return nil
	}
	t := c.Altered()
	if t.Kind != catalog.Table {
		return nil
	}
	d := definitionOf(c)
	if d == nil || d.generated {
		return nil
	}
	if why := d.becomes(c); why != "" {
		m := &Made{}
		m.missing("%s", why)
		return m
	}
	return d.made(c, t)
}}

// definition is the text of ADD COLUMN in its parts.
type definition struct {
	name    string
	head    string // ADD COLUMN name type
	value   string // of the default
	notNull bool
	rewrite bool
	// generated: it has an expression in the place of a default.
	generated bool
	// others are conditions that are constraints of the table as well as the column's.
	others []*pgparse.Constraint
	texts  []string
	// now is its default at the head where the release gives it another type.
	now *string
}

// becomes takes up what the release makes of the column behind it: another name, another type. It
// says why that cannot be.
func (d *definition) becomes(c *Change) string {
	is := c.course()
	if is == nil || is.now == nil {
		return ""
	}
	t := c.Altered()
	if base := c.Release.Deployed.Relation(is.table); base != nil && base.Column(is.now.Name) != nil {
		return fmt.Sprintf("%[1]s of %[2]s is dropped or renamed, and a new column takes its name in one release: deployed code and new code would mean two columns by one name. Where the values are the same in another type, ALTER COLUMN %[1]s TYPE … USING … is planned", quote(is.now.Name), t.Name)
	}
	if is.first() == nil {
		return ""
	}
	for _, o := range c.Release.changes[slices.Index(c.Release.changes, c):slices.Index(c.Release.changes, is.last())] {
		switch {
		case slices.Contains(o.uses(), is.place):
			return fmt.Sprintf("%s of %s is added and changed by one release, and %s:%d counts on it in between: ADD COLUMN is to say what it becomes", d.name, t.Name, o.Migration.Path, o.Line)
		case o.fills(is.table, d.name):
			return fmt.Sprintf("%s of %s is added and changed by one release, and %s:%d gives it values in between: ADD COLUMN is to say what it becomes", d.name, t.Name, o.Migration.Path, o.Line)
		}
	}
	if len(d.others) > 0 {
		return fmt.Sprintf("%s of %s is added with conditions, and changed by one release: ADD COLUMN is to say what it becomes", d.name, t.Name)
	}
	value, told, err := is.converted("(" + cmp.Or(d.value, "NULL") + ")::" + typeName(c.After.Relation(is.table).Attr(is.column).Type))
	if err != nil {
		return err.Error()
	}
	if told {
		d.value, d.now = value, &is.now.DefaultText
	}
	d.name, d.head = is.now.Name, "ADD COLUMN "+quote(is.now.Name)+" "+typeName(is.now.Type)
	if is.now.Collation != "" {
		d.head += " COLLATE " + quote(is.now.Collation)
	}
	return ""
}

// behind gives the column its last default, where it was filled by another one.
func (d *definition) behind(alter string) []string {
	switch {
	case d.now == nil:
		return nil
	case *d.now == "":
		return []string{alter + " DROP DEFAULT"}
	}
	return []string{alter + " SET DEFAULT " + *d.now}
}

// definitionOf takes a command apart; nil for columns that count, and for keys.
func definitionOf(c *Change) *definition {
	def := c.Command.Def.GetColumnDef()
	span := c.span()
	d := &definition{name: def.GetColname(), rewrite: c.rewrites()}
	head := span.End
	var list []*pgparse.Constraint
	for _, n := range def.GetConstraints() {
		con := n.GetConstraint()
		if con == nil {
			return nil
		}
		list = append(list, con)
		head = min(head, int(con.Location))
	}
	if col := def.GetCollClause(); col != nil && int(col.Location) > head || head < span.Start {
		return nil
	}
	d.head = strings.TrimSpace(c.SQL[span.Start:head])
	for i, con := range list {
		end := span.End
		if i+1 < len(list) {
			end = int(list[i+1].Location)
		}
		text := strings.TrimSpace(c.SQL[con.Location:end])
		switch con.Contype {
		case pgparse.ConstrType_CONSTR_NULL:
		case pgparse.ConstrType_CONSTR_NOTNULL:
			d.notNull = true
		case pgparse.ConstrType_CONSTR_DEFAULT:
			d.value = strings.TrimSpace(text[pgparse.AfterWord(text, "DEFAULT"):])
		case pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_UNIQUE:
			d.others, d.texts = append(d.others, con), append(d.texts, text)
		case pgparse.ConstrType_CONSTR_GENERATED:
			d.generated = true
		default: // identity, primary key, and what follows a constraint
			return nil
		}
	}
	return d
}

func (d *definition) made(c *Change, t *catalog.Relation) *Made {
	m := &Made{}
	alter, col := "ALTER TABLE "+name(t)+" ", quote(d.name)
	undo := []string{alter + "DROP COLUMN IF EXISTS " + col}
	after := onward.Expand
	switch {
	case d.rewrite && d.value == "":
		return nil // serial, and domains with conditions
	case d.rewrite:
		s := m.add(onward.Expand, onward.StepDDL, "new rows get a value; those that are there get theirs in the background",
			append([]string{alter + d.head, alter + "ALTER COLUMN " + col + " SET DEFAULT " + d.value}, d.behind(alter+"ALTER COLUMN "+col)...)...)
		s.Undo = undo
		missing := "t." + col + " IS NULL"
		b := m.backfill(c, t, "gives "+d.name+" to the rows that were there", col+" = "+d.value, missing)
		if b == nil {
			return m
		}
		if d.notNull { // else NULL may be what new code has written
			compare(b, t, identity(c.Before, t), missing, changing(t, col+" = "+d.value, missing))
		}
		c.Release.fills(t, d.name)
		c.Release.Volatile[full(t, d.name)] = true
		m.note("%s of %s differs from row to row: each row gets its own value when it is filled", d.name, t.Name)
		after = onward.Backfill
		if d.notNull {
			m.notNull(c, t, d.name, after)
		}
	default:
		sql := alter + d.head
		if d.value != "" {
			sql += " DEFAULT " + d.value
			if d.notNull {
				sql += " NOT NULL"
			}
		}
		s := m.add(onward.Expand, onward.StepDDL, "is added in an instant: no row is written", append([]string{sql}, d.behind(alter+"ALTER COLUMN "+col)...)...)
		s.Undo, s.Joins = undo, len(d.others) == 0 && (!d.notNull || d.value != "")
		if d.notNull && d.value == "" {
			m.note("%s of %s is to be NOT NULL, and has no default: what is there, and what the deployed code adds, has no value until somebody gives it one", d.name, t.Name)
			m.notNull(c, t, d.name, onward.Contract)
			after = onward.Contract
		}
	}
	for i, con := range d.others {
		d.other(m, c, t, con, d.texts[i], after)
	}
	return m
}

// other adds a condition of the column as one of the table.
func (d *definition) other(m *Made, c *Change, t *catalog.Relation, con *pgparse.Constraint, text string, phase onward.PlanPhase) {
	text = unnamed(text)
	kind := kindOf[con.Contype]
	made := c.brought(t, kind, d.name)
	if made == nil {
		m.missing("the name of a constraint of %s on %s is not known", d.name, t.Name)
		return
	}
	switch kind {
	case catalog.ForeignKey:
		text = "FOREIGN KEY (" + quote(d.name) + ") " + text
		fallthrough
	case catalog.Check:
		m.validated(t, made.Name, text, phase)
	default:
		m.uniquely(c, t, made, phase)
	}
}

// brought is the constraint of a kind that a change brings to a table, on a column where one is
// named.
func (c *Change) brought(t *catalog.Relation, kind catalog.ConstraintKind, column string) *catalog.Constraint {
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

// span is where the command stands in its statement.
func (c *Change) span() pgparse.Span {
	at := len(c.AlterTable())
	for i := range c.index() + 1 {
		text := c.Clause(i)
		at += strings.Index(c.SQL[at:], text)
		if i == c.index() {
			return pgparse.Span{Start: at, End: at + len(text)}
		}
		at += len(text)
	}
	return pgparse.Span{}
}

// index is the command's in its statement.
func (c *Change) index() int {
	return slices.IndexFunc(c.Node.GetAlterTableStmt().GetCmds(), func(n *pgparse.Node) bool { return n.GetAlterTableCmd() == c.Command })
}

// rewrites reports whether the command by itself writes the table anew on one of the versions.
func (c *Change) rewrites() bool {
	stmt := c.Node.GetAlterTableStmt()
	alone := &pgparse.AlterTableStmt{Relation: stmt.Relation, Objtype: stmt.Objtype, MissingOk: stmt.MissingOk, Cmds: stmt.Cmds[c.index() : c.index()+1]}
	node := &pgparse.Node{Node: &pgparse.Node_AlterTableStmt{AlterTableStmt: alone}}
	for _, v := range c.Release.Versions {
		r := effect.Of(node, c.Before, effect.NewVersion(v), effect.Session{})
		for i := range r.Effects {
			if r.Effects[i].Rewrites {
				return true
			}
		}
	}
	return false
}
