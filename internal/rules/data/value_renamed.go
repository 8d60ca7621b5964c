package data

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ValueRenamed flags an UPDATE that gives rows a value which the deployed code does
// not know, in the place of one that it does.
// https://www.postgresql.org/docs/current/sql-update.html
var ValueRenamed = &rule.Rule{
	ID:        "data-value-renamed",
	Category:  onward.Compatibility,
	Severity:  onward.Warning,
	Preset:    onward.Recommended,
	Summary:   "UPDATE replaces a value that the deployed code knows by one that it does not",
	Harm:      "The deployed code compares with the old value and does not find these rows, or meets a value that it has no case for. It goes on to write the old one while servers are replaced, and rows that are written behind the UPDATE keep it: the new code has to know both, or these rows are lost to it.",
	Instead:   "Release code that accepts both values first. Then change the rows, and do that once more when no server runs the old code.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-update.html"},
	Migration: valueRenamed,
}

func valueRenamed(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if r := renamedBy(p, s); r != nil {
			p.Report(s, *r)
		}
	}
	for _, x := range m.Script.Source.Replaces {
		if r := renames(p, x.Name, p.Mapped(x.Table), x.Column, replacement{x.Old, x.Now}); r != nil {
			p.ReportAt(m.ID, m.Path, x.Line, *r)
		}
	}
}

// renamedBy is what is said of the first value that a statement renames; nil for none.
func renamedBy(p *rule.Pass, s *rule.Stmt) *rule.Report {
	for _, w := range p.Writes(s) {
		stmt, ok := w.Node.(*pgparse.UpdateStmt)
		if !ok {
			continue
		}
		for _, n := range stmt.GetTargetList() {
			target := n.GetResTarget()
			if len(target.GetIndirection()) > 0 {
				continue
			}
			for _, x := range replaced(target, stmt.GetWhereClause()) {
				if r := renames(p, "UPDATE", w.Table, target.GetName(), x); r != nil {
					return r
				}
			}
		}
	}
	return nil
}

// renames is what is said of a value that takes the place of another; nil where the
// deployed code does not know the old one, or knows both.
func renames(p *rule.Pass, who string, t *catalog.Relation, column string, x replacement) *rule.Report {
	if t == nil || !p.InUse(t) || !telling(x.old) || x.now == "" || x.now == x.old {
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
	if was := p.Release.Deployed.Relation(t.OID); was != nil {
		name = was.Name
	}
	u := p.Code.KnowsOnly(name, column, x.old, x.now)
	if !u.Used {
		return nil
	}
	return &rule.Report{
		Fact:     who + " turns " + column + " '" + x.old + "' of " + t.Name.String() + " into '" + x.now + "', which the deployed code does not know",
		Harm:     "the deployed code looks for '" + x.old + "'" + u.Where() + " and no longer finds these rows, and what it goes on to write as '" + x.old + "' stays that way",
		Instead:  "release code that accepts both first; change the rows behind it, and once more when no server runs the old code",
		Evidence: u.Evidence,
		Cause:    "and %d others do so in " + t.Name.String(),
	}
}
