package data

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// ValueRenamed flags an UPDATE that gives rows a value which the deployed code does
// not know, in the place of one that it does.
// https://www.postgresql.org/docs/current/sql-update.html
var ValueRenamed = &rule.Rule{
	ID:       "data-value-renamed",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "UPDATE replaces a value that the deployed code knows by one that it does not",
	Harm: "The deployed code compares with the old value and does not find these rows, or meets a value that it has no case for. " +
		"It goes on writing the old one while servers are replaced, and rows that are written after the UPDATE keep it: " +
		"the new code must know both values, or it does not find these rows.",
	Instead:   "Release code that accepts both values first. Then change the rows, and do that once more when no server runs the old code.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-update.html"},
	Migration: checkValueRenamed,
}

func checkValueRenamed(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if r := judgeRenamedValue(p, s); r != nil {
			p.Report(s, *r)
		}
	}
	for _, list := range analysis.GroupByKey(m.Script.Source.Replaces, func(x *script.Replacement) program { return program{x.Name, x.Line} }) {
		reportProgramRenames(p, m, list)
	}
}

// program tells the programs of a migration apart.
type program struct {
	name string
	line int
}

// reportProgramRenames reports the first value that a program renames, and counts the others.
func reportProgramRenames(p *rule.Pass, m *rule.Migration, list []script.Replacement) {
	var found *rule.Report
	otherCount := 0
	for _, x := range list {
		switch r := judgeValueReplacement(p, x.Name, p.MappedTable(x.Table), x.Column, replacement{x.Old, x.Now}); {
		case r == nil:
		case found == nil:
			found = r
		default:
			otherCount++
			found.Evidence = append(slices.Clip(found.Evidence), r.Evidence...)
		}
	}
	if found == nil {
		return
	}
	if otherCount > 0 {
		found.Fact += fmt.Sprintf(", and renames %d other values", otherCount)
		if otherCount == 1 {
			found.Fact = strings.TrimSuffix(found.Fact, "1 other values") + "another value"
		}
	}
	p.ReportAt(m.ID, m.Path, list[0].Line, *found)
}

// judgeRenamedValue returns the report for the first value that a statement renames; nil for
// none.
func judgeRenamedValue(p *rule.Pass, s *rule.Stmt) *rule.Report {
	for _, w := range p.ListWrites(s) {
		stmt, ok := w.Node.(*pgparse.UpdateStmt)
		if !ok {
			continue
		}
		for _, n := range stmt.GetTargetList() {
			target := n.GetResTarget()
			if len(target.GetIndirection()) > 0 {
				continue
			}
			for _, x := range listReplacements(target, stmt.GetWhereClause()) {
				if r := judgeValueReplacement(p, "UPDATE", w.Table, target.GetName(), x); r != nil {
					return r
				}
			}
		}
	}
	return nil
}

// judgeValueReplacement returns the report for a value that replaces another one; nil if the deployed
// code does not know the old one, or knows both. actor is the statement or program that replaces it.
func judgeValueReplacement(p *rule.Pass, actor string, t *catalog.Relation, column string, x replacement) *rule.Report {
	if t == nil || !p.InUse(t) || !isDistinctiveValue(x.old) || x.now == "" || x.now == x.old {
		return nil
	}
	if c := t.Column(column); c == nil && !t.Inferred && !t.Partial {
		return nil
	} else if c != nil {
		if old, known := p.DeployedColumn(t.OID, c.Attnum); known && old == nil {
			return nil
		}
	}
	name := t.Name
	if deployed := p.Release.Deployed.Relation(t.OID); deployed != nil {
		name = deployed.Name
	}
	u := p.Code.KnowsOnly(name, column, x.old, x.now)
	if !u.Used {
		return nil
	}
	return &rule.Report{
		Fact: actor + " turns " + column + " '" + x.old + "' of " + t.Name.String() + " into '" + x.now +
			"', which the deployed code does not know",
		Harm: "the deployed code looks for '" + x.old + "'" + u.FirstPlace() + " and no longer finds these rows, and what it goes on to write as '" + x.old +
			"' stays that way",
		Instead:  "release code that accepts both first; change the rows after it, and once more when no server runs the old code",
		Evidence: u.Evidence,
		Cause:    "and %d others do so in " + t.Name.String(),
	}
}
