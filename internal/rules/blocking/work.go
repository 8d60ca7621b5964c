package blocking

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Work flags every effect that reads, indexes or rewrites a relation while its users wait, and that no other rule reports. It runs
// last, so that a form without a rule costs a good text, and not the verdict.
// https://www.postgresql.org/docs/current/explicit-locking.html
var Work = &rule.Rule{
	ID:       "blocking-work",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a statement scans, indexes or rewrites a table while its users wait, in a form that no other rule explains",
	Harm: "The statement holds a lock against reads or writes of the relation while it goes through all of it. " +
		"Every query that the lock blocks waits, and the time grows with the relation.",
	Instead: "Take the work out of the lock: add constraints NOT VALID and validate them in a transaction of their own, build indexes CONCURRENTLY, " +
		"fill new columns in batches. Where no such form exists, run the statement in a window without traffic.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html"},
	Last:      true,
	Statement: checkBlockingWork,
}

func checkBlockingWork(p *rule.Pass, s *rule.Stmt) {
	if s.Result.Refused != nil || s.Result.NoTransaction != "" && s.InBlock() {
		return // it fails
	}
	if first, _ := analysis.FindLikePair(s.Migration.Script, s.Statement); first != nil {
		return // reported with the index or the constraint of the same column
	}
	var found []*effect.Effect
	for i := range s.Result.Effects {
		if e := &s.Result.Effects[i]; isBlockingWork(p, s, e) && !p.IsClaimed(s, e) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return
	}
	first := found[0]
	r := rule.Report{
		Fact:    "the statement " + describeBlockingWork(found),
		Harm:    analysis.DescribeWaiting(first) + " waits until that is done, and the time grows with the table",
		Instead: adviseSteps(s),
	}
	if len(found) == 1 {
		r.Grows = first.Name
	}
	if !slices.ContainsFunc(found, func(e *effect.Effect) bool { return !e.Unsure }) {
		r.Severity = onward.Warning
	}
	p.Report(s, r)
}

// adviseSteps says how the statement's end is reached without its work.
func adviseSteps(s *rule.Stmt) string {
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		c := n.GetAlterTableCmd()
		switch {
		case c.GetSubtype() == pgparse.AlterTableType_AT_DetachPartition:
			return "drop the foreign keys that refer to " + s.AlteredRelation().Name.String() + ", detach the partition concurrently, " +
				"then add them again NOT VALID and validate them in a transaction of their own"
		case c.GetSubtype() == pgparse.AlterTableType_AT_AlterConstraint:
			return "add the constraint a second time NOT VALID, validate it in a transaction of its own, and drop this one"
		case c.GetSubtype() == pgparse.AlterTableType_AT_AddColumn:
			return "add the column without its constraints, fill it in batches, add the constraints NOT VALID, and validate them in a transaction of their own"
		}
	}
	return "run it in a window without traffic, or take the work out of it first"
}

// mostNamed is how many relations with the same work are named.
const mostNamed = 4

// describeBlockingWork describes the work on relations: "reads all of a and b under a lock against writes".
func describeBlockingWork(list []*effect.Effect) string {
	var order []string
	names := map[string][]string{}
	for _, e := range list {
		kind := workVerb(e) + "%s under a lock against " + describeLocked(e)
		if names[kind] == nil {
			order = append(order, kind)
		}
		name := e.Name.String()
		if e.Why != "" {
			name += " (" + e.Why + ")"
		}
		names[kind] = append(names[kind], name)
	}
	for i, kind := range order {
		order[i] = strings.Replace(kind, "%s", prose.FirstNames(names[kind], mostNamed), 1)
	}
	return strings.Join(order, ", and ")
}

// isBlockingWork reports whether users of an existing relation wait for work that grows with it.
func isBlockingWork(p *rule.Pass, s *rule.Stmt, e *effect.Effect) bool {
	switch {
	case e.HeaviestWork() == onward.NoWork, e.Lock < onward.ShareLock, e.Instant, !analysis.IsBlocking(e), e.Kind == catalog.View:
		return false
	case e.Kind == catalog.MaterializedView && !e.Lock.BlocksReads():
		return false // nothing writes to it but REFRESH
	case e.Name.Schema == "pg_catalog" || e.Name.Schema == "information_schema":
		return false
	}
	if r := s.Before.Relation(e.OID); r != nil && r.Manager.IsHypertable() && strings.Contains(s.SQL, analysis.PerChunk) {
		return false // it blocks writes to one chunk at a time
	}
	return p.IsExisting(e) && !p.IsTiny(e.Name)
}

func workVerb(e *effect.Effect) string {
	switch e.HeaviestWork() {
	case onward.Rewrite:
		return "rewrites "
	case onward.IndexWork:
		return "builds an index of "
	}
	return "reads all of "
}

func describeLocked(e *effect.Effect) string {
	if e.Lock.BlocksReads() {
		return "reads and writes"
	}
	return "writes"
}
