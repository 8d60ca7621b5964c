package violation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Kind is the kind of a condition, in Postgres' terms.
type Kind string

// The kinds.
const (
	Check      Kind = "check constraint"
	ForeignKey Kind = "foreign key"
	Unique     Kind = "unique index"
)

// Condition is a condition that a step requires of all rows of a table.
type Condition struct {
	Kind Kind
	// Name is the name of the constraint or index.
	Name string
	// Schema is "" if the step relies on the search_path.
	Schema, Table string
	// Wrong is an SQL condition that is true for a row that violates this one: "NOT (price > 0)". For Unique it is true
	// for the rows that the index covers.
	Wrong string
	// Groups are the expressions whose values must be unique; only a Unique has them.
	Groups []string
	// Parent is the table that a foreign key refers to.
	Parent string
	// Only: the rows of child tables do not count.
	Only bool

	columns []string // names in Wrong and Groups that may be columns
}

// Table describes a table on the server.
type Table struct {
	// Columns are the names of its columns.
	Columns []string
	// Key are the columns of its primary key. Order are columns with a unique index, for reading rows in order.
	Key, Order []string
	// Partitioned: it holds no rows itself.
	Partitioned bool
	// Fires: a trigger may change rows when an UPDATE writes them.
	Fires bool
}

// Lookup finds a table by its name in SQL; nil if there is none.
type Lookup func(name string) (*Table, error)

// FullName returns the name of its table in SQL.
func (c *Condition) FullName() string { return quoteTableName(c.Schema, c.Table) }

func quoteTableName(schema, table string) string {
	if schema == "" {
		return pgparse.QuoteIdent(table)
	}
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(table)
}

// FromItem returns the FROM item for its rows.
func (c *Condition) FromItem() string {
	if c.Only {
		return "ONLY " + c.FullName()
	}
	return c.FullName()
}

// FindQuery returns the query that lists the rows which violate it, by some identifying columns. rows is a FROM item without
// its alias; "" for the table.
func (c *Condition) FindQuery(rows string, columns []string) string {
	if rows == "" {
		rows = c.FromItem()
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
			quoted[i] = c.qualifiedColumn(column)
		}
		list = strings.Join(quoted, ", ")
	}
	return "SELECT " + list + from
}

// CountQuery returns the query that counts the rows that Find lists.
func (c *Condition) CountQuery(rows string) string {
	return "SELECT count(*) FROM (" + c.FindQuery(rows, nil) + ") AS found"
}

// qualifiedColumn returns a column of its table, qualified so that a subquery cannot capture it.
func (c *Condition) qualifiedColumn(name string) string {
	return pgparse.QuoteIdent(c.Table) + "." + pgparse.QuoteIdent(name)
}

// StepConditions returns the conditions that a step adds or validates.
func StepConditions(p *onward.Plan, step int, lookup Lookup) ([]*Condition, error) {
	var out []*Condition
	for _, s := range stepStatements(&p.Steps[step]) {
		switch n := s.node.GetNode().(type) {
		case *pgparse.Node_IndexStmt:
			if c := uniqueIndexCondition(s.text, n.IndexStmt); c != nil {
				out = append(out, c)
			}
		case *pgparse.Node_AlterTableStmt:
			for _, cmd := range n.AlterTableStmt.Cmds {
				list, err := commandConditions(p, step, s.text, n.AlterTableStmt.Relation, cmd.GetAlterTableCmd(), lookup)
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

// commandConditions returns the conditions of one command of an ALTER TABLE. A constraint that is added NOT VALID counts if the
// plan validates it later; otherwise old rows may violate it.
func commandConditions(p *onward.Plan, step int, text string, table *pgparse.RangeVar, cmd *pgparse.AlterTableCmd, lookup Lookup) ([]*Condition, error) {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddConstraint:
		con := cmd.GetDef().GetConstraint()
		if con.GetSkipValidation() && !slices.ContainsFunc(p.Steps[step:], func(s onward.PlanStep) bool { return validatesConstraint(&s, table, con.Conname) }) {
			return nil, nil
		}
		c, err := constraintCondition(text, table, con, lookup)
		if c == nil || err != nil {
			return nil, err
		}
		return []*Condition{c}, nil
	case pgparse.AlterTableType_AT_ValidateConstraint:
		for i := range step {
			for _, s := range stepStatements(&p.Steps[i]) {
				alter := s.node.GetAlterTableStmt()
				for _, n := range alter.GetCmds() {
					con := n.GetAlterTableCmd().GetDef().GetConstraint()
					if con == nil || con.Conname != cmd.Name || !mayBeSameTable(alter.Relation, table) {
						continue
					}
					c, err := constraintCondition(s.text, table, con, lookup)
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

// validatesConstraint reports whether a step validates a constraint.
func validatesConstraint(s *onward.PlanStep, table *pgparse.RangeVar, name string) bool {
	for _, st := range stepStatements(s) {
		alter := st.node.GetAlterTableStmt()
		for _, n := range alter.GetCmds() {
			if cmd := n.GetAlterTableCmd(); cmd.GetSubtype() == pgparse.AlterTableType_AT_ValidateConstraint && cmd.Name == name &&
				mayBeSameTable(alter.Relation, table) {
				return true
			}
		}
	}
	return false
}

// mayBeSameTable reports whether two names may mean the same table.
func mayBeSameTable(a, b *pgparse.RangeVar) bool {
	return a != nil && b != nil && mayNameTable(a, b.Schemaname, b.Relname)
}

func mayNameTable(rv *pgparse.RangeVar, schema, table string) bool {
	return rv.GetRelname() == table && (rv.Schemaname == schema || rv.Schemaname == "" || schema == "")
}

// statement is one statement of a step, with locations relative to its text.
type statement struct {
	text string
	node *pgparse.Node
}

// stepStatements returns the statements of a step; one that cannot be parsed has no node.
func stepStatements(s *onward.PlanStep) []statement {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return []statement{{}}
	}
	out := make([]statement, len(f.Stmts))
	for i, stmt := range f.Stmts {
		out[i] = statement{f.Src[stmt.Start:stmt.End], stmt.Node}
	}
	return out
}

// predictBackfill records what a backfill does to the rows of the table.
func (im *predictedTable) predictBackfill(b *onward.PlannedBackfill) (ok bool, err error) {
	work := pgparse.ParseStatement(b.Work)
	if work == nil {
		return false, nil // the step itself reports the error
	}
	if n := work.GetInsertStmt(); n != nil {
		return !im.isParent(n.Relation), nil
	}
	n := work.GetUpdateStmt()
	switch {
	case n == nil || im.isParent(n.Relation):
		return false, nil
	case !im.isOwnTable(n.Relation):
		return true, nil
	}
	set, condition, ok := splitBackfillUpdate(b)
	if !ok {
		return false, nil
	}
	out := &fill{where: condition}
	if condition != "" {
		node := pgparse.ParseExpression(condition)
		if node == nil {
			return false, nil
		}
		if known, err := im.isPredictable(node); err != nil || !known {
			return false, err
		}
	}
	for _, item := range pgparse.SplitClauses(set, 0) {
		text := set[item.Start:item.End]
		end := pgparse.NameEnd(text, 0)
		value := strings.TrimSpace(text[end:])
		if end == 0 || !strings.HasPrefix(value, "=") || len(out.columns) >= len(n.TargetList) {
			return false, nil
		}
		value = strings.TrimSpace(value[1:])
		node := pgparse.ParseExpression(value)
		known := false
		if node != nil {
			if known, err = im.isPredictable(node); err != nil {
				return false, err
			}
		}
		name := n.TargetList[len(out.columns)].GetResTarget().GetName()
		if slices.Contains(im.t.Order, name) { // rows are read in its order
			return false, nil
		}
		out.columns, out.values, out.known = append(out.columns, name), append(out.values, value), append(out.known, known)
	}
	im.fills = append(im.fills, out)
	return len(out.columns) == len(n.TargetList), nil
}

// splitBackfillUpdate splits the work of a backfill into its assignments and its condition: the work
// is UPDATE table AS t SET assignments FROM batch WHERE keys [AND (condition)].
func splitBackfillUpdate(b *onward.PlannedBackfill) (set, condition string, ok bool) {
	text, ok := strings.CutPrefix(b.Work, "UPDATE "+b.Table+" AS t SET ")
	if !ok {
		return "", "", false
	}
	keys := make([]string, len(b.Keys))
	for i, k := range b.Keys {
		keys[i] = fmt.Sprintf("t.%s = batch.onward_key%d", k, i+1)
	}
	set, condition, ok = strings.Cut(text, " FROM batch WHERE "+strings.Join(keys, " AND "))
	if !ok || condition == "" {
		return set, "", ok
	}
	condition, opened := strings.CutPrefix(condition, " AND (")
	condition, closed := strings.CutSuffix(condition, ")")
	return set, condition, opened && closed
}
