package trigger

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// RefusesWrites flags a trigger that is there to refuse what the deployed code
// writes. https://www.postgresql.org/docs/current/plpgsql-errors-and-messages.html
var RefusesWrites = &rule.Rule{
	ID:       "trigger-refuses-writes",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a trigger refuses what the deployed code writes: each row, or each change of a column",
	Harm: "The trigger is on from the commit, for old code too: a table that is frozen, because the new code has another one, " +
		"refuses each INSERT of the servers that the deploy has not come to.",
	Instead: "Freeze the table a release later, when no code that writes to it runs any more; take the privilege away instead, which the same waits for.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/plpgsql-errors-and-messages.html",
		"https://www.postgresql.org/docs/current/sql-createtrigger.html",
	},
	Gather: func(p *rule.Pass, m *rule.Migration) {
		gatherTriggers(p, m, func(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger) bool {
			old := p.Release.Deployed.Relation(r.OID)
			if old == nil {
				return false
			}
			columns, _ := findFrozenColumns(c, r, t)
			setting, unset := findGuardSetting(c, t)
			return alwaysRaises(c, t) || setting != "" && unset == predicate.True || len(columns) > 0 || findDemandedColumn(c, old, r, t) != nil
		})
	},
	Release: func(p *rule.Pass, r *rule.Release) { judgeKeptTriggers(p, r, judgeRefusedWrites) },
}

var (
	// raising matches a body whose first statement is RAISE EXCEPTION, or RAISE without a
	// level, which is the same.
	raising  = lazyregexp.New(`(?is)^\s*(?:<<\w+>>\s*)?(?:declare\b(?:[^']|'[^']*')*?)?\bbegin\s+raise\s+(?:exception\b|'|sqlstate\b|using\b)`)
	comments = lazyregexp.New(`--[^\n]*|(?s:/\*.*?\*/)`)
)

func judgeRefusedWrites(p *rule.Pass, c *catalog.Catalog, stmt *rule.Stmt, r *catalog.Relation, t *catalog.Trigger) {
	old := p.Release.Deployed.Relation(r.OID)
	if old == nil {
		return
	}
	setting, unset := findGuardSetting(c, t)
	guarded := setting != "" && unset == predicate.True && isSettingNeverSet(p, c, t, setting)
	if !guarded && !alwaysRaises(c, t) {
		reportRefusedInserts(p, c, stmt, old, r, t)
		if columns, skips := findFrozenColumns(c, r, t); len(columns) > 0 {
			reportRefusedChanges(p, stmt, old, r, t, columns, skips)
		}
		return
	}
	u := p.Code.FindUses(old.Name, "")
	severity, evidence := onward.Off, u.Evidence
	if written := u.WriteEvidence(strings.Split(t.Events, " or ")...); written != nil {
		evidence = written
	} else if !strings.Contains(t.Events, "insert") {
		return // rows that are written once: nothing says that the code changes them
	} else {
		severity = u.DropSeverity()
	}
	report := rule.Report{
		Fact:     "trigger " + t.Name + " refuses each " + strings.ToUpper(t.Events) + " on " + r.Name.String(),
		Harm:     "the deployed code's fail: " + t.Function.String() + "() raises an exception, whatever the row",
		Instead:  "create it a release later, when no code that writes to " + r.Name.String() + " runs any more",
		Severity: severity,
		Evidence: evidence,
	}
	if guarded {
		report.Fact += " of a session that does not set " + setting
		report.Harm = "the deployed code's fail: " + t.Function.String() + "() raises an exception, and the code sets " + setting + " nowhere"
		report.Instead = "release code that sets " + setting + " first, and create the trigger a release later"
	}
	p.Report(stmt, report)
}

// reportRefusedInserts tells of a trigger that demands a column which the deployed code
// does not know, or is seen to leave out.
func reportRefusedInserts(p *rule.Pass, c *catalog.Catalog, stmt *rule.Stmt, old, r *catalog.Relation, t *catalog.Trigger) {
	col := findDemandedColumn(c, old, r, t)
	if col == nil {
		return
	}
	fails := t.Function.String() + "() raises an exception"
	out := rule.Report{Fact: "trigger " + t.Name + " refuses each INSERT on " + r.Name.String() + " that leaves " + col.Name + " out"}
	if old.Attr(col.Attnum) != nil {
		in := p.LeftOut(old, col)
		if in == nil {
			return
		}
		out.Harm = "the one at " + in.FormatPlace() + " does, and fails: " + fails
		out.Instead = "create the trigger a release later, when all code writes " + col.Name + "; or give the column a default"
		out.Evidence = []onward.Evidence{in.Evidence}
	} else {
		u := p.Code.FindUses(old.Name, "")
		out.Harm = "the deployed code's do, because it does not know the column, and fail: " + fails
		out.Instead = "give the column a default, or create the trigger a release later, when all code writes " + col.Name
		out.Severity, out.Evidence = u.DropSeverity(), u.Evidence
		if written := u.WriteEvidence("insert"); written != nil {
			out.Severity, out.Evidence = onward.Off, written
		}
	}
	p.Report(stmt, out)
}
