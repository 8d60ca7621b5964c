package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// Commands are the commands of an ALTER TABLE on a schema. Refusals, locks and names of each are judged on the schema that
// the earlier ones have made, which is folded once.
type Commands struct {
	// Statement is the ALTER TABLE, Start the schema before it.
	Statement *pgparse.AlterTableStmt
	Start     *Catalog
	// List has the commands in the order of execution.
	List []*pgparse.AlterTableCmd
	// after has the schema after each command, as far as somebody asked.
	after []*Catalog
	// tried and constraints are the names that earlier commands use.
	tried       map[nameParts]int
	constraints namedConstraints
}

// NewCommands returns the commands of a statement.
func NewCommands(c *Catalog, s *pgparse.AlterTableStmt) *Commands {
	return &Commands{Statement: s, Start: c, List: OrderCommands(s)}
}

// SchemaAfter returns the catalog that the command after List[i] finds. A command that the server certainly refuses changes
// nothing. The texts of expressions are empty in it.
func (m *Commands) SchemaAfter(i int) *Catalog {
	for n := len(m.after); n <= i; n++ {
		before := m.Start
		if n > 0 {
			before = m.after[n-1]
		}
		m.after = append(m.after, m.applyCommand(before, m.List[n]))
	}
	return m.after[i]
}

// applyCommand folds one command.
func (m *Commands) applyCommand(c *Catalog, cmd *pgparse.AlterTableCmd) *Catalog {
	next := *c
	next.foldCount++
	f := &fold{Catalog: &next, own: next.foldCount, tried: m.tried, constraints: m.constraints}
	f.alterTable(m.Statement, []*pgparse.AlterTableCmd{cmd})
	m.tried, m.constraints = f.tried, f.constraints
	if f.failed {
		return c
	}
	return f.Catalog
}
