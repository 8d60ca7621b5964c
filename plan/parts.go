package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// part is the smallest piece of a release that a plan takes or leaves: a statement, a command of an ALTER TABLE, or code that
// is no SQL.
type part struct {
	partKey
	migration *rule.Migration
	line      int
	// change is what recipes plan; nil if they cannot.
	change *recipe.Change
	// statements are the statement and those in its block. several: the part is one of several statements of a block.
	statements []*rule.Stmt
	several    bool
	// missing says why the part has no proven steps, in sentences.
	missing []string
}

// partKey identifies a part in each plan of a release. Code has no statement.
type partKey struct {
	statement *rule.Stmt
	command   int
	path      string
	line      int
}

func (k partKey) isCode() bool { return k.statement == nil }

// statementSQL returns the part as a statement of its own, as written; "" for code.
func (t *part) statementSQL() string {
	switch {
	case t.isCode():
		return ""
	case t.change != nil && t.change.Command != nil:
		return t.change.AlterTable() + " " + t.change.Text
	case t.several:
		return t.statements[0].SQL
	}
	return t.statement.SQL
}

// splitMigration splits a migration into parts.
func (p *planner) splitMigration(m *rule.Migration) {
	first := len(p.parts)
	for _, c := range m.Script.Source.Code {
		p.addCode(m, c.Line, fmt.Sprintf("%s:%d runs %s, which is no SQL: no step has it, and its tool must run it", m.Path, c.Line, c.Name))
	}
	for _, s := range m.Statements {
		if s.Node == nil || s.Opaque != "" && s.Node.GetDoStmt() != nil {
			p.addUnplanned(m, s, "%s:%d cannot be planned: %s", m.Path, s.Line, cmp.Or(s.Opaque, "it could not be read"))
			continue
		}
		if s.OfRows {
			p.addUnplanned(m, s, "%s:%d was sent for rows of a throwaway database: no step has it, and its tool must run it", m.Path, s.Line)
			continue
		}
		if s.Parent >= 0 || s.In != "" || isSessionStatement(s.Node) {
			continue
		}
		planned := []*rule.Stmt{s}
		if s.Node.GetDoStmt() != nil {
			if planned = blockStatements(m, s); len(planned) == 0 {
				p.addUnplanned(m, s, "%s:%d is a DO block: a plan reads only a block of plain statements, under conditions on the schema that are true, "+
					"or of one statement with handlers that do nothing", m.Path, s.Line)
				continue
			}
		}
		n := 0
		for _, stmt := range planned {
			for _, c := range splitChanges(stmt) {
				p.collectFindings(c)
				t := &part{
					partKey: partKey{statement: s, command: n}, migration: m, line: max(s.Line, stmt.Line), change: c, statements: []*rule.Stmt{stmt},
					several: len(planned) > 1,
				}
				if createsTemporary(stmt.Node) {
					t.missing = []string{fmt.Sprintf("%s:%d creates a temporary table, which ends with its session: what uses it cannot become steps of its own",
						m.Path, t.line)}
				}
				p.parts = append(p.parts, t)
				n++
			}
		}
	}
	p.addOpaque(m, first)
	if slices.ContainsFunc(p.parts[first:], func(t *part) bool { return t.isCode() }) { // it was added before or after all statements
		slices.SortStableFunc(p.parts[first:], func(a, b *part) int { return a.line - b.line })
	}
}

// addUnplanned adds a statement that no recipe can plan.
func (p *planner) addUnplanned(m *rule.Migration, s *rule.Stmt, format string, args ...any) {
	t := &part{partKey: partKey{statement: s}, migration: m, line: s.Line, statements: []*rule.Stmt{s}, missing: []string{fmt.Sprintf(format, args...)}}
	if s.Node != nil && s.Opaque == "" {
		t.change = &recipe.Change{Stmt: s, Text: s.SQL}
		p.collectFindings(t.change)
	}
	for _, child := range m.Statements {
		if child.Parent == s.Index {
			t.statements = append(t.statements, child)
		}
	}
	p.parts = append(p.parts, t)
}

// addCode adds code that is no SQL.
func (p *planner) addCode(m *rule.Migration, line int, reason string) {
	p.parts = append(p.parts, &part{partKey: partKey{path: m.Path, line: line}, migration: m, line: line, missing: []string{reason}})
}

// addOpaque adds what the report lists as not judged: to the statement that has it, or else as code.
func (p *planner) addOpaque(m *rule.Migration, first int) {
	for _, o := range p.report.Opaque {
		if o.Path != m.Path || o.Usage {
			continue
		}
		reason := fmt.Sprintf("%s:%d: %s is in no step: %s", o.Path, o.Line, o.What, o.Why)
		inside := func(t *part) bool {
			return t.line == o.Line || !t.isCode() && t.statement.Line <= o.Line && o.Line <= t.statement.EndLine
		}
		if !slices.ContainsFunc(p.parts[first:], inside) {
			p.addCode(m, o.Line, reason)
			continue
		}
		for _, t := range p.parts[first:] {
			if inside(t) && len(t.missing) == 0 {
				t.missing = []string{reason}
			}
		}
	}
}

// blockStatements returns the statements of a DO block that runs all of them, each once and whatever the rows are; none if it does more.
// An IF that asks for the schema is one that runs its statements if its condition is true.
// Generators write a block of one statement so that an object that exists is no error:
// DO $$ BEGIN ALTER TABLE …; EXCEPTION WHEN duplicate_object THEN null; END $$. Several statements must have no handler, because it
// would undo them together.
func blockStatements(m *rule.Migration, block *rule.Stmt) (out []*rule.Stmt) {
	for _, expression := range block.Expressions {
		if !isConstant(expression) && !slices.Contains(block.Conditions, strings.TrimPrefix(expression, "SELECT ")) {
			return nil
		}
	}
	holds := map[string]bool{} // the guards' values in the schema before their first statement
	for _, s := range m.Statements {
		if s.Parent != block.Index {
			continue
		}
		if _, known := holds[s.Guard]; !known && s.Guard != "" {
			holds[s.Guard] = guards{s.Before}.evaluate(s.Guard) == isTrue
		}
		if s.Conditional && !holds[s.Guard] || s.Loop || s.In != "" || s.Node == nil || s.Opaque != "" {
			return nil
		}
		out = append(out, s)
	}
	if len(out) > 1 && handlerWord.MatchString(block.SQL) {
		return nil
	}
	return out
}

// isConstant reports whether a query returns one constant, such as the text that an EXECUTE runs.
func isConstant(query string) bool {
	expression, ok := strings.CutPrefix(query, "SELECT ")
	return ok && pgparse.ParseExpression(expression).GetAConst() != nil
}

// createsTemporary reports whether a statement creates a temporary table.
func createsTemporary(n *pgparse.Node) bool {
	const temporary = "t"
	return n.GetCreateStmt().GetRelation().GetRelpersistence() == temporary || n.GetCreateTableAsStmt().GetInto().GetRel().GetRelpersistence() == temporary
}

// handlerWord finds the handlers of a block.
var handlerWord = lazyregexp.New(`(?i)\bexception\b`)

// isSessionStatement: a statement about the session or its transaction, which each step sets itself.
func isSessionStatement(n *pgparse.Node) bool {
	switch n.GetNode().(type) {
	case *pgparse.Node_VariableSetStmt, *pgparse.Node_TransactionStmt, *pgparse.Node_ConstraintsSetStmt, *pgparse.Node_VariableShowStmt, *pgparse.Node_LockStmt:
		return true
	}
	sel := n.GetSelectStmt()
	if sel == nil || len(sel.FromClause) > 0 || len(sel.TargetList) != 1 {
		return false
	}
	value := sel.TargetList[0].GetResTarget().GetVal()
	call := value.GetFuncCall()
	return value.GetAConst() != nil || call != nil && pgparse.LastText(call.Funcname) == "set_config"
}

// splitChanges splits a statement into changes.
func splitChanges(s *rule.Stmt) []*recipe.Change {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil || stmt.Objtype != pgparse.ObjectType_OBJECT_TABLE {
		return []*recipe.Change{{Stmt: s, Text: s.SQL}}
	}
	var out []*recipe.Change
	for i, n := range stmt.Cmds {
		out = append(out, &recipe.Change{Stmt: s, Command: n.GetAlterTableCmd(), Text: s.CommandText(i)})
	}
	return out
}

// transactionMode says whether the part may run inside a transaction.
func (t *part) transactionMode() onward.Transaction {
	if t.isCode() || t.statement.Result.NoTransaction != "" {
		return onward.TransactionNone
	}
	return onward.TransactionFile
}

// leaveChains takes the parts of some chains out of the plan, and all code.
func (p *planner) leaveChains(left map[*chain][]string) {
	p.parts = slices.DeleteFunc(p.parts, func(t *part) bool {
		c := p.chainOf[t.partKey]
		_, isLeft := left[c]
		if isLeft = isLeft || t.isCode(); isLeft {
			p.plan.Left = append(p.plan.Left, onward.PlanLeft{
				Migration: t.migration.ID, Path: t.migration.Path, Line: t.line, SQL: strings.TrimSpace(t.statementSQL()), Chain: c.name,
				Transaction: t.transactionMode(),
			})
			if t.isCode() {
				p.plan.Left[len(p.plan.Left)-1].Why = t.missing
			}
			if t.change != nil {
				t.change.Release = p.release
				t.change.MarkWrittenRows()
			}
		}
		return isLeft
	})
}
