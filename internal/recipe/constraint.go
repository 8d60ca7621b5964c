package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// constraintNode returns the constraint that a command adds to a table.
func (c *Change) constraintNode(types ...pgparse.ConstrType) *pgparse.Constraint {
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

// keyNode returns the unique constraint or primary key that a command adds, and uniqueNode the one that it adds with a new index.
func (c *Change) keyNode() *pgparse.Constraint {
	con := c.constraintNode(pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY)
	if con == nil || con.WithoutOverlaps {
		return nil
	}
	return con
}

func (c *Change) uniqueNode() *pgparse.Constraint {
	con := c.keyNode()
	if con.GetIndexname() != "" {
		return nil
	}
	return con
}

// addKeyNotNull makes the columns of a new primary key NOT NULL. It returns the phase in which a unique constraint or
// primary key is added.
func (m *Steps) addKeyNotNull(c *Change, t *catalog.Relation, newCon *catalog.Constraint) onward.PlanPhase {
	names := c.constraintColumns(newCon)
	phase := c.checkPhase(names...)
	if newCon.Kind != catalog.PrimaryKey {
		return phase
	}
	for _, n := range names {
		if col := t.Column(n); col != nil && !col.NotNull {
			m.addNotNullSteps(c, t, n, phase)
		}
	}
	return phase
}

// constraintCheck adds a CHECK as NOT VALID, and validates it later.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var constraintCheck = &Recipe{Name: "constraint-check", Make: func(c *Change) *Steps {
	return c.constraintSteps(pgparse.ConstrType_CONSTR_CHECK, catalog.Check)
}}

// constraintForeignKey does the same with a foreign key.
var constraintForeignKey = &Recipe{Name: "constraint-foreign-key", Make: func(c *Change) *Steps {
	return c.constraintSteps(pgparse.ConstrType_CONSTR_FOREIGN, catalog.ForeignKey)
}}

func (c *Change) constraintSteps(typ pgparse.ConstrType, kind catalog.ConstraintKind) *Steps {
	con := c.constraintNode(typ)
	if con == nil || con.SkipValidation || con.Contype == pgparse.ConstrType_CONSTR_CHECK && !con.IsEnforced {
		return nil
	}
	t := c.AlteredRelation()
	if t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable { // with its partitions
		return nil
	}
	newCon := c.findNewConstraint(t, kind, "")
	if con.Conname != "" {
		newCon = &catalog.Constraint{Name: con.Conname}
		if after := c.After.Relation(t.OID); after != nil && after.Constraint(con.Conname) != nil {
			newCon = after.Constraint(con.Conname)
		}
	}
	if newCon == nil {
		return nil
	}
	m := &Steps{}
	phase := m.constraintPhase(c, newCon)
	m.addConstraintSteps(t, newCon.Name, constraintDefinition(c.Text), phase)
	return m
}

// constraintPhase returns the phase in which a change adds a constraint. A foreign key that sets columns to NULL waits until they
// accept it. If the release makes rows satisfy the constraint, the deployed code may write others: they follow before it.
func (m *Steps) constraintPhase(c *Change, newCon *catalog.Constraint) onward.PlanPhase {
	if slices.Contains([]string{newCon.OnDelete, newCon.OnUpdate}, "set null") {
		for _, n := range newCon.Columns {
			colChange := c.Release.columnChanges[columnID{c.AlteredRelation().OID, n}]
			if colChange != nil && slices.ContainsFunc(colChange.changes, func(other *Change) bool {
				return other.commandType() == pgparse.AlterTableType_AT_DropNotNull && other.breaksDeployed()
			}) {
				return onward.Contract
			}
		}
	}
	columns := c.constraintColumns(newCon)
	if repairs := c.listRepairs(c.AlteredRelation(), c.After.Relation(newCon.Ref), columns); len(repairs) > 0 {
		m.repeatRepairs(c, repairs, c.violationOf(newCon))
		return onward.Contract
	}
	return c.checkPhase(columns...)
}

// constraintColumns returns the columns of a constraint that a change adds. The same statement may have added the columns.
func (c *Change) constraintColumns(con *catalog.Constraint) []string {
	if after := c.After.Relation(c.AlteredRelation().OID); after != nil {
		return after.ColumnNames(con.Columns)
	}
	return c.AlteredRelation().ColumnNames(con.Columns)
}

// constraintDefinition returns the definition that a command adds, without ADD and the constraint's name.
func constraintDefinition(text string) string {
	return stripConstraintName(strings.TrimSpace(text[pgparse.AfterWord(text, "ADD"):]))
}

// stripConstraintName removes CONSTRAINT and the name from a constraint.
func stripConstraintName(text string) string {
	if wordEnd := pgparse.AfterWord(text, "CONSTRAINT"); wordEnd > 0 && strings.EqualFold(text[:wordEnd], "CONSTRAINT") {
		rest := text[wordEnd:]
		return strings.TrimSpace(rest[pgparse.NameEnd(rest, len(rest)-len(strings.TrimLeft(rest, " \t\r\n"))):])
	}
	return text
}

// addConstraintSteps adds a constraint as NOT VALID, and validates it.
func (m *Steps) addConstraintSteps(t *catalog.Relation, con, definition string, phase onward.PlanPhase) {
	s := m.addStep(phase, onward.StepDDL, "add constraint "+con+" to "+t.Name.Name+" as NOT VALID: it holds for new writes, and no row is read",
		AddUnvalidated(t.Name, con, definition))
	s.Undo = []string{"ALTER TABLE " + tableName(t) + " DROP CONSTRAINT IF EXISTS " + quoteIdent(con)}
	m.addStep(phase, onward.StepValidate, "validate constraint "+con+": it reads existing rows, while others read and write", ValidateConstraint(t.Name, con))
}

// constraintUnique builds the index of a unique constraint or a primary key concurrently, and then adds the
// constraint with that index.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var constraintUnique = &Recipe{Name: "constraint-unique", Make: func(c *Change) *Steps {
	con := c.uniqueNode()
	if con == nil {
		return nil
	}
	t := c.AlteredRelation()
	if t.Kind != catalog.Table {
		return nil
	}
	kind := catalog.Unique
	if con.Contype == pgparse.ConstrType_CONSTR_PRIMARY {
		kind = catalog.PrimaryKey
	}
	newCon := c.findNewConstraint(t, kind, "")
	if newCon == nil {
		return nil
	}
	m := &Steps{}
	phase := m.addKeyNotNull(c, t, newCon)
	m.addUniqueConstraint(c, t, newCon, phase)
	return m
}}

// addUniqueConstraint adds a unique constraint, or a primary key, with an index that is built concurrently.
func (m *Steps) addUniqueConstraint(c *Change, t *catalog.Relation, con *catalog.Constraint, phase onward.PlanPhase) {
	x := c.After.Relation(con.Index)
	if x == nil || x.Index == nil {
		m.addMissing("the columns of %s are not known", con.Name)
		return
	}
	after := c.After.Relation(t.OID)
	m.addIndex(t, con.Name, indexBody(after, x.Index, x), true, phase)
	alter := "ALTER TABLE " + tableName(t)
	s := m.addStep(phase, onward.StepDDL, "make the index the constraint "+con.Name+": no row is read",
		alter+" ADD CONSTRAINT "+quoteIdent(con.Name)+" "+usingIndex(con, con.Name))
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quoteIdent(con.Name)}
}

// usingIndex returns the definition of a constraint that uses an existing index.
func usingIndex(con *catalog.Constraint, index string) string {
	out := "UNIQUE"
	if con.Kind == catalog.PrimaryKey {
		out = "PRIMARY KEY"
	}
	out += " USING INDEX " + quoteIdent(index)
	if con.Deferrable {
		out += " DEFERRABLE"
		if con.InitiallyDeferred {
			out += " INITIALLY DEFERRED"
		}
	}
	return out
}
