package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SwappedDiffers flags a new table that takes a deployed one's name, and whose
// columns are not what the deployed code knows.
// https://www.postgresql.org/docs/current/sql-createtable.html
var SwappedDiffers = &rule.Rule{
	ID:       "column-swapped-differs",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a new table takes the name of a deployed one; its columns have other types, or lack the defaults that INSERTs live on",
	Harm: "The deployed code knows tables by name. CREATE TABLE … AS copies no default, no identity and no NOT NULL, " +
		"LIKE copies them only with INCLUDING, and the sequence of a copied identity begins at 1: " +
		"INSERTs fail, or store NULL instead of the old table's number, and the server refuses parameters of another type.",
	Instead: "Give the new table the columns of the old one (LIKE … INCLUDING ALL), set its sequences after the highest numbers before the names are " +
		"exchanged, and change columns one at a time afterwards.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createtable.html", "https://www.postgresql.org/docs/current/sql-createtableas.html"},
	Gather:  gatherSwappedTables,
	Release: checkSwappedDiffers,
}

// swappedTable is a new table that got the name of a deployed one.
type swappedTable struct {
	by  *rule.Stmt
	oid catalog.OID
	// setters are the statements of the migration that set a sequence.
	setters setters
}

// hiddenWriter is a statement of the release that may write rows to any table.
type hiddenWriter struct{}

// mayWriteAnywhere reports whether a statement runs code that is not read: that may copy rows.
func mayWriteAnywhere(s *rule.Stmt) bool {
	return s.Opaque != "" || s.Node == nil || s.Node.GetCallStmt() != nil || s.Node.GetSelectStmt() != nil
}

func gatherSwappedTables(p *rule.Pass, m *rule.Migration) {
	if slices.ContainsFunc(m.Statements, mayWriteAnywhere) {
		p.KeepValue(hiddenWriter{})
	}
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			if old := p.ReplacedRelation(d); old != nil && old.OID != d.OID && old.Kind.IsTable() && d.After.Kind.IsTable() && !m.Runner.AfterDeploy && !t.RolledBack {
				p.KeepValue(swappedTable{t.FindNamer(d), d.OID, listSequenceSetters(m)})
			}
		}
	}
}

func checkSwappedDiffers(p *rule.Pass, r *rule.Release) {
	reportedTables := map[catalog.OID]bool{}
	for _, x := range rule.KeptValues[swappedTable](p) {
		now := r.Head.Relation(x.oid)
		if now == nil || reportedTables[x.oid] || now.Inferred || now.Partial || now.Parent != 0 {
			continue
		}
		old := r.Deployed.Lookup(now.Name.Schema, now.Name.Name)
		if old == nil || old.OID == now.OID || old.Inferred || old.Partial || areUnrelated(old, now) {
			continue
		}
		if u := p.Code.FindUses(old.Name, ""); u.IsIdle() {
			continue
		}
		reportedTables[x.oid] = true
		var worst *rule.Report
		var names []string
		worstIndex := 0
		for _, c := range now.Columns {
			d := &rule.Delta{Delta: &catalog.Delta{OID: old.OID, Before: old, After: now, Old: old.Column(c.Name), New: c}, By: x.by}
			fit := columnFit{d, p, r, x.setters}
			f := fit.judgeFit()
			if f == nil {
				continue
			}
			if worst == nil || worst.Severity != onward.Off && (f.Severity == onward.Off || f.Severity > worst.Severity) {
				worst, worstIndex = f, len(names)
			}
			names = append(names, c.Name)
		}
		if worst == nil {
			continue
		}
		if otherNames := slices.Delete(names, worstIndex, worstIndex+1); len(otherNames) > 0 {
			worst.Fact += "; nor " + prose.PickForm(len(otherNames), "does ", "do ") + prose.EnumerateNames(otherNames) + " fit"
		}
		p.Report(x.by, *worst)
	}
}

// areUnrelated reports whether two tables have hardly more than the name in common.
func areUnrelated(old, now *catalog.Relation) bool {
	missing := 0
	for _, c := range old.Columns {
		if now.Column(c.Name) == nil {
			missing++
		}
	}
	return 2*missing > len(old.Columns)
}
