package transaction

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// describeWork says what the work is: "ALTER TABLE scans orders".
func describeWork(p *rule.Pass, s *rule.Stmt, e *effect.Effect) string {
	name := e.Name.String()
	for _, w := range p.ListWrites(s) {
		switch {
		case w.Table.Name != e.Name || w.IsBounded(s.Statement):
		case w.Verb == "DELETE":
			return "DELETE removes rows of " + name
		default:
			return w.Verb + " writes rows of " + name
		}
	}
	switch {
	case e.Rewrites:
		return statementVerb(s) + " rewrites " + name
	case e.BuildsIndex:
		return statementVerb(s) + " builds an index on " + name
	case e.RebuildsIndex:
		return statementVerb(s) + " rebuilds an index of " + name
	case e.Lock <= onward.RowShareLock:
		return statementVerb(s) + " reads " + name
	}
	return statementVerb(s) + " scans " + name
}

// classifyWork is what the statement works on.
func classifyWork(s *rule.Stmt) advice.Work {
	switch {
	case s.Node.GetUpdateStmt() != nil:
		return advice.Fills
	case s.Node.GetIndexStmt() != nil:
		return advice.Indexes
	}
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		if n.GetAlterTableCmd().GetDef().GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_FOREIGN {
			return advice.References
		}
	}
	return advice.Other
}

func adviseMove(s *rule.Stmt, e *effect.Effect) string {
	if e.Lock == onward.RowExclusiveLock {
		return "move it to " + s.SeparatePlace() + ", and write " + e.Name.String() + " in batches that commit"
	}
	return "move it to " + s.SeparatePlace() + ":\n" + s.SQL + ";"
}
