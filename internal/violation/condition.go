package violation

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Kind is the kind of a condition, in Postgres' words.
type Kind string

// The kinds.
const (
	Check      Kind = "check constraint"
	ForeignKey Kind = "foreign key"
	Unique     Kind = "unique index"
)

// Condition is what a step demands of all rows of a table.
type Condition struct {
	Kind Kind
	// Name is the name of the constraint or index.
	Name string
	// Schema is "" if the step leaves it to the search_path.
	Schema, Table string
	// Wrong is true for a row that violates it. Of a Unique it is true for the rows that the index covers.
	Wrong string
	// Groups are the expressions whose values must differ from row to row; only a Unique has them.
	Groups []string
	// Parent is the table that a foreign key refers to.
	Parent string
	// Only: the rows of child tables do not count.
	Only bool

	columns []string // names that Wrong and Groups may read as columns
}

// Table is what the server knows about a table.
type Table struct {
	// Columns are the names of its columns.
	Columns []string
	// Key are the columns of its primary key; Order are columns that tell rows apart and are in an index.
	Key, Order []string
	// Partitioned: it holds no rows itself.
	Partitioned bool
	// Fires: a trigger may change rows when an UPDATE writes them.
	Fires bool
}

// Lookup finds a table by its name in SQL; nil if there is none.
type Lookup func(name string) (*Table, error)

// FullName is the name of its table in SQL.
func (c *Condition) FullName() string { return fullName(c.Schema, c.Table) }

func fullName(schema, table string) string {
	if schema == "" {
		return pgparse.QuoteIdent(table)
	}
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(table)
}

// Source is the relation that holds its rows.
func (c *Condition) Source() string {
	if c.Only {
		return "ONLY " + c.FullName()
	}
	return c.FullName()
}

// Find is the query that shows the rows which violate it, by some columns that tell them apart. rows is a FROM item without
// its alias; "" for the table.
func (c *Condition) Find(rows string, columns []string) string {
	if rows == "" {
		rows = c.Source()
	}
	from := " FROM " + rows + " AS " + pgparse.QuoteIdent(c.Table) + " WHERE " + c.Wrong
	if len(c.Groups) > 0 {
		list := strings.Join(c.Groups, ", ")
		return "SELECT " + list + ", count(*)" + from + " GROUP BY " + list + " HAVING count(*) > 1"
	}
	list := "*"
	if len(columns) > 0 {
		quoted := make([]string, len(columns))
		for i, column := range columns {
			quoted[i] = c.column(column)
		}
		list = strings.Join(quoted, ", ")
	}
	return "SELECT " + list + from
}

// Count is the query that counts what Find shows.
func (c *Condition) Count(rows string) string {
	return "SELECT count(*) FROM (" + c.Find(rows, nil) + ") AS found"
}

// column is a column of its table, qualified so that no subquery takes it for its own.
func (c *Condition) column(name string) string {
	return pgparse.QuoteIdent(c.Table) + "." + pgparse.QuoteIdent(name)
}

// Of are the conditions that a step adds or validates.
func Of(p *onward.Plan, step int, lookup Lookup) ([]*Condition, error) {
	var out []*Condition
	for _, s := range statements(&p.Steps[step]) {
		switch n := s.node.GetNode().(type) {
		case *pgparse.Node_IndexStmt:
			if c := uniqueIndex(s.text, n.IndexStmt); c != nil {
				out = append(out, c)
			}
		case *pgparse.Node_AlterTableStmt:
			for _, cmd := range n.AlterTableStmt.Cmds {
				list, err := ofCommand(p, step, s.text, n.AlterTableStmt.Relation, cmd.GetAlterTableCmd(), lookup)
				if err != nil {
					return nil, err
				}
				out = append(out, list...)
			}
		}
	}
	for _, c := range out {
		t, err := lookup(c.FullName())
		if err != nil {
			return nil, err
		}
		c.Only = c.Only || c.Kind != Check && t != nil && !t.Partitioned
	}
	return out, nil
}

// ofCommand are the conditions of one command of an ALTER TABLE. A constraint that is added NOT VALID counts if the plan
// validates it later: otherwise old rows may violate it.
func ofCommand(p *onward.Plan, step int, text string, table *pgparse.RangeVar, cmd *pgparse.AlterTableCmd, lookup Lookup) ([]*Condition, error) {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddConstraint:
		con := cmd.GetDef().GetConstraint()
		if con.GetSkipValidation() && !slices.ContainsFunc(p.Steps[step:], func(s onward.PlanStep) bool { return validates(&s, table, con.Conname) }) {
			return nil, nil
		}
		c, err := constraint(text, table, con, lookup)
		if c == nil || err != nil {
			return nil, err
		}
		return []*Condition{c}, nil
	case pgparse.AlterTableType_AT_ValidateConstraint:
		for i := range step {
			for _, s := range statements(&p.Steps[i]) {
				alter := s.node.GetAlterTableStmt()
				for _, n := range alter.GetCmds() {
					con := n.GetAlterTableCmd().GetDef().GetConstraint()
					if con == nil || con.Conname != cmd.Name || !sameTable(alter.Relation, table) {
						continue
					}
					c, err := constraint(s.text, table, con, lookup)
					if c == nil || err != nil {
						return nil, err
					}
					return []*Condition{c}, nil
				}
			}
		}
	}
	return nil, nil
}

// validates reports whether a step validates a constraint.
func validates(s *onward.PlanStep, table *pgparse.RangeVar, name string) bool {
	for _, st := range statements(s) {
		alter := st.node.GetAlterTableStmt()
		for _, n := range alter.GetCmds() {
			if cmd := n.GetAlterTableCmd(); cmd.GetSubtype() == pgparse.AlterTableType_AT_ValidateConstraint && cmd.Name == name && sameTable(alter.Relation, table) {
				return true
			}
		}
	}
	return false
}

// sameTable reports whether two names may mean one table.
func sameTable(a, b *pgparse.RangeVar) bool {
	return a != nil && b != nil && mayBe(a, b.Schemaname, b.Relname)
}

func mayBe(rv *pgparse.RangeVar, schema, table string) bool {
	return rv.GetRelname() == table && (rv.Schemaname == schema || rv.Schemaname == "" || schema == "")
}

// statement is one statement of a step, whose locations count in its text.
type statement struct {
	text string
	node *pgparse.Node
}

// statements are those of a step; a statement that cannot be read has no node.
func statements(s *onward.PlanStep) []statement {
	f, err := pgparse.Split(s.SQL)
	if err != nil {
		return []statement{{}}
	}
	out := make([]statement, len(f.Stmts))
	for i, stmt := range f.Stmts {
		out[i] = statement{f.Src[stmt.Start:stmt.End], stmt.Node}
	}
	return out
}
