package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// added is the constraint that a command adds to a table.
func (c *Change) added(types ...pgparse.ConstrType) *pgparse.Constraint {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_AddConstraint {
		return nil
	}
	con := c.Command.Def.GetConstraint()
	for _, t := range types {
		if con.GetContype() == t {
			return con
		}
	}
	return nil
}

// constraintCheck adds a CHECK that is not valid, and validates it.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var constraintCheck = &Recipe{Name: "constraint-check", Make: func(c *Change) *Made {
	return c.unvalidated(pgparse.ConstrType_CONSTR_CHECK, catalog.Check)
}}

// constraintForeignKey does the same with a foreign key.
var constraintForeignKey = &Recipe{Name: "constraint-foreign-key", Make: func(c *Change) *Made {
	return c.unvalidated(pgparse.ConstrType_CONSTR_FOREIGN, catalog.ForeignKey)
}}

func (c *Change) unvalidated(typ pgparse.ConstrType, kind catalog.ConstraintKind) *Made {
	con := c.added(typ)
	if con == nil || con.SkipValidation || con.Contype == pgparse.ConstrType_CONSTR_CHECK && !con.IsEnforced {
		return nil
	}
	t := c.Altered()
	if t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable { // with its partitions
		return nil
	}
	made := c.brought(t, kind, "")
	if con.Conname != "" {
		made = &catalog.Constraint{Name: con.Conname}
		if after := c.After.Relation(t.OID); after != nil && after.Constraint(con.Conname) != nil {
			made = after.Constraint(con.Conname)
		}
	}
	if made == nil {
		return nil
	}
	m := &Made{}
	m.validated(t, made.Name, definitionText(c.Text), c.checkPhase(c.columnsOf(made)...))
	return m
}

// columnsOf are the columns of a constraint that a change brings; its statement may have added them.
func (c *Change) columnsOf(con *catalog.Constraint) []string {
	if after := c.After.Relation(c.Altered().OID); after != nil {
		return after.ColumnNames(con.Columns)
	}
	return c.Altered().ColumnNames(con.Columns)
}

// definitionText is what a command adds, without ADD and the constraint's name.
func definitionText(text string) string {
	return unnamed(strings.TrimSpace(text[pgparse.AfterWord(text, "ADD"):]))
}

// unnamed is a constraint without CONSTRAINT and its name.
func unnamed(text string) string {
	if at := pgparse.AfterWord(text, "CONSTRAINT"); at > 0 && strings.EqualFold(text[:at], "CONSTRAINT") {
		rest := text[at:]
		return strings.TrimSpace(rest[pgparse.NameEnd(rest, len(rest)-len(strings.TrimLeft(rest, " \t\r\n"))):])
	}
	return text
}

// validated adds a constraint that is not valid, and validates it.
func (m *Made) validated(t *catalog.Relation, con, definition string, phase onward.PlanPhase) {
	alter := "ALTER TABLE " + name(t)
	s := m.add(phase, onward.StepDDL, "holds for what is written from now on; no row is read", alter+" ADD CONSTRAINT "+quote(con)+" "+definition+" NOT VALID")
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quote(con)}
	m.add(phase, onward.StepValidate, "reads the rows that were there, while others read and write", alter+" VALIDATE CONSTRAINT "+quote(con))
}

// constraintUnique builds the index of a unique constraint, or a primary key, beside the
// traffic, and makes the constraint of it.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var constraintUnique = &Recipe{Name: "constraint-unique", Make: func(c *Change) *Made {
	con := c.added(pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY)
	if con == nil || con.Indexname != "" || con.WithoutOverlaps {
		return nil
	}
	t := c.Altered()
	if t.Kind != catalog.Table {
		return nil
	}
	kind := catalog.Unique
	if con.Contype == pgparse.ConstrType_CONSTR_PRIMARY {
		kind = catalog.PrimaryKey
	}
	made := c.brought(t, kind, "")
	if made == nil {
		return nil
	}
	m := &Made{}
	names := c.columnsOf(made)
	phase := c.checkPhase(names...)
	if kind == catalog.PrimaryKey {
		for _, n := range names {
			if col := t.Column(n); col != nil && !col.NotNull {
				m.notNull(c, t, n, phase)
			}
		}
	}
	m.uniquely(c, t, made, phase)
	return m
}}

// uniquely makes a unique constraint, or a primary key, of an index that is built beside the
// traffic.
func (m *Made) uniquely(c *Change, t *catalog.Relation, con *catalog.Constraint, phase onward.PlanPhase) {
	x := c.After.Relation(con.Index)
	if x == nil || x.Index == nil {
		m.missing("the columns of %s are not known", con.Name)
		return
	}
	after := c.After.Relation(t.OID)
	m.indexed(t, con.Name, indexBody(after, x.Index, x), true, phase)
	alter := "ALTER TABLE " + name(t)
	s := m.add(phase, onward.StepDDL, "the index becomes the constraint's in an instant", alter+" ADD CONSTRAINT "+quote(con.Name)+" "+usingIndex(con, con.Name))
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quote(con.Name)}
}

// usingIndex is what a constraint is that takes over an index.
func usingIndex(con *catalog.Constraint, index string) string {
	out := "UNIQUE"
	if con.Kind == catalog.PrimaryKey {
		out = "PRIMARY KEY"
	}
	out += " USING INDEX " + quote(index)
	if con.Deferrable {
		out += " DEFERRABLE"
		if con.InitiallyDeferred {
			out += " INITIALLY DEFERRED"
		}
	}
	return out
}
