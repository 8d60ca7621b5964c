package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableRewrite flags the subcommands of ALTER TABLE that write the file of a table
// anew or copy it to another place, and change nothing in it: SET TABLESPACE,
// SET LOGGED, SET UNLOGGED, SET ACCESS METHOD.
// https://www.postgresql.org/docs/current/sql-altertable.html
var TableRewrite = &rule.Rule{
	ID:       "table-rewrite",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "SET TABLESPACE, SET LOGGED, SET UNLOGGED and SET ACCESS METHOD copy the table while nobody can read it",
	Harm: "The file is rewritten, or copied to the other tablespace, under ACCESS EXCLUSIVE. " +
		"Every query on the table waits, and the time grows with the table.",
	Instead: "Create a new table of the wanted kind, keep both in step with a trigger, copy the rows in batches, and swap the names; or use pg_repack; " +
		"or take a window without traffic.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-TABLESPACE"},
	Kinds:     rule.AlterTable | rule.Another,
	Statement: checkRewrite,
}

var rewriting = map[pgparse.AlterTableType]string{
	pgparse.AlterTableType_AT_SetTableSpace:   "SET TABLESPACE copies ",
	pgparse.AlterTableType_AT_SetLogged:       "SET LOGGED rewrites ",
	pgparse.AlterTableType_AT_SetUnLogged:     "SET UNLOGGED rewrites ",
	pgparse.AlterTableType_AT_SetAccessMethod: "SET ACCESS METHOD rewrites ",
}

const otherwise = "create a new table of that kind, copy the rows in batches while a trigger keeps both in step, and swap their names; " +
	"or run it in a window without traffic"

func checkRewrite(p *rule.Pass, s *rule.Stmt) {
	if s.Node.GetAlterTableMoveAllStmt() != nil {
		checkMoveAll(p, s)
		return
	}
	for _, c := range p.ListCommands(s) {
		words := rewriting[c.Subtype]
		if words == "" {
			continue
		}
		alone := p.EffectsAlone(c)
		if index := judgeMovedIndex(p, s, alone); index != nil {
			p.Report(c, *index)
			continue
		}
		e := p.FindBlocked(alone, analysis.IsRewritten)
		if alone.Refused != nil || e == nil {
			continue
		}
		p.Report(c, newWaitReport(e, words+e.Name.String(), "until all of it is written", otherwise))
	}
}

// checkMoveAll judges ALTER … ALL IN TABLESPACE.
func checkMoveAll(p *rule.Pass, s *rule.Stmt) {
	if s.Result.Refused != nil {
		return
	}
	e := p.FindBlocked(&s.Result, analysis.IsRewritten)
	if e == nil {
		for i := range s.Result.Effects {
			x := &s.Result.Effects[i]
			t := s.Before.TableOf(s.Before.Relation(x.OID))
			if x.Kind == catalog.Index && x.HeaviestWork() != onward.NoWork && p.IsExisting(x) && (t == nil || p.InUse(t) && !p.IsSmall(t.Name)) {
				e = x
				break
			}
		}
	}
	if e == nil {
		if e = p.FindBlocked(&s.Result, analysis.RebuildsIndex); e == nil {
			return
		}
	}
	r := rule.Report{
		Fact:    "SET TABLESPACE copies " + e.Name.String(),
		Harm:    analysis.DescribeWaiting(e) + " waits until all of them are written",
		Instead: otherwise,
	}
	if e.Kind == catalog.Index {
		r.Harm = "every query on their tables waits until they are copied, as the planner looks at all indexes of a table"
		r.Instead = "build them there instead, one by one, outside a transaction (14 and newer): REINDEX (CONCURRENTLY, TABLESPACE " +
			pgparse.QuoteIdent(s.Node.GetAlterTableMoveAllStmt().GetNewTablespacename()) + ") INDEX …;"
	}
	p.Report(s, r)
}

// judgeMovedIndex judges ALTER INDEX … SET TABLESPACE: the planner locks each index
// of a table that it plans a query on, so that all wait; nil for other
// statements.
func judgeMovedIndex(p *rule.Pass, s *rule.Stmt, r *effect.Result) *rule.Report {
	index := s.AlteredRelation()
	unseen := index.OID == 0 && s.Node.GetAlterTableStmt().GetObjtype() == pgparse.ObjectType_OBJECT_INDEX
	if index.Kind != catalog.Index && !unseen || r.Refused != nil || len(r.Effects) == 0 {
		return nil
	}
	e := &r.Effects[0]
	if e.OID != index.OID || !e.Lock.BlocksReads() || e.Instant || e.HeaviestWork() == onward.NoWork || !p.IsExisting(e) {
		return nil
	}
	name, table := analysis.QuoteTable(index.Name), "its table"
	if index.Index != nil {
		if t := s.Before.Relation(index.Index.Table); t != nil {
			if !p.InUse(t) || p.IsSmall(t.Name) {
				return nil
			}
			table = t.Name.String()
		}
	}
	return &rule.Report{
		Fact: "SET TABLESPACE copies index " + index.Name.String(),
		Harm: "every query on " + table + " waits until it is copied, as the planner looks at all of its indexes",
		Instead: "build it there instead, outside a transaction (14 and newer):\nREINDEX (CONCURRENTLY, TABLESPACE " + pgparse.QuoteIdent(findNewTablespace(s)) +
			") INDEX " + name + ";",
	}
}

// findNewTablespace returns the tablespace that an ALTER moves to.
func findNewTablespace(s *rule.Stmt) string {
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		if c := n.GetAlterTableCmd(); c.GetSubtype() == pgparse.AlterTableType_AT_SetTableSpace {
			return c.GetName()
		}
	}
	return ""
}
