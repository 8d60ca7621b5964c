package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewDrop flags DROP VIEW while deployed code may read the view.
// https://www.postgresql.org/docs/current/sql-dropview.html
var ViewDrop = &rule.Rule{
	ID:       "view-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP VIEW breaks deployed code that still reads the view",
	Harm: "Every query of the old code on the view fails with \"relation does not exist\". " +
		"When the view is made anew in another transaction, queries fail in between, and for good when the second one does not succeed.",
	Instead: "Remove the view from the code first and drop it a release later. To change a view drop and create it in one transaction: " +
		"then there is no moment without it.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-dropview.html"},
	Gather:  gatherViewDrops,
	Release: checkViewDrop,
}

// droppedView is a view that a transaction leaves nothing for.
type droppedView struct {
	by     *rule.Stmt
	name   catalog.Name
	old    *catalog.Relation
	report rule.Report
	// where is the first place that uses it. judgeTemporaryView: it has the name of what the
	// deployed code knows.
	where   string
	standIn bool
}

func gatherViewDrops(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		gatherTxDrops(p, t)
	}
	for _, s := range rule.StatementsOf[*pgparse.Node_DropStmt](m) {
		if s.IfExists() && isSchemaUnknown(p) {
			judgeUnseenView(p, s)
		}
	}
}

// checkViewDrop reports what was dropped, by what the release ends with.
func checkViewDrop(p *rule.Pass, r *rule.Release) {
	for _, d := range rule.KeptValues[droppedView](p) {
		now := r.Head.Lookup(d.name.Schema, d.name.Name)
		switch {
		case now == nil:
		case d.standIn:
			continue
		case now.OID != d.old.OID && r.Deployed.Relation(now.OID) == nil && keepsColumns(now, d.old):
			d.report.Fact += ", and a later migration of the release makes it again"
			d.report.Harm = "queries on " + d.name.String() + " fail in between" + d.where + ", and for good when a migration in between does not succeed"
			d.report.Instead = "make it again in the migration that drops it, in the same transaction"
			d.report.Severity = min(d.report.Severity, onward.Warning)
		}
		p.Report(d.by, d.report)
	}
}

// keepsColumns reports whether a relation has all columns of a view.
func keepsColumns(now, old *catalog.Relation) bool {
	return now.Partial || !slices.ContainsFunc(old.Columns, func(c *catalog.Column) bool { return now.Column(c.Name) == nil })
}

// judgeUnseenView judges DROP … IF EXISTS of a view that no statement created, if nothing at all
// is known of the deployed schema: the view may exist.
func judgeUnseenView(p *rule.Pass, s *rule.Stmt) {
	for _, o := range s.ListDrops(pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW) {
		if s.Before.Lookup(o.Schema, o.Name.Name) != nil || s.Migration.After().Lookup(o.Schema, o.Name.Name) != nil {
			continue
		}
		r := describeUnseenDrop("view", "it", o.Name, p.Code.FindUses(o.Name, ""))
		r.Cause = "and so are %d others"
		p.Report(s, r)
	}
}

func gatherTxDrops(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.RelationDropped || !d.Before.Kind.IsView() ||
			!analysis.DropsByName(d.By.Node, d.Before.Name, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW) {
			continue
		}
		if !p.IsDeployed(d) {
			judgeTemporaryView(p, t, d)
			continue
		}
		if now := findSuccessor(t, d.Before.Name); now != nil {
			judgeEmptyView(p, d, now)
			continue
		}
		u := p.UsesOfTaken(t, d, nil)
		name := d.Before.Name.String()
		r := describeRelationDrop(d.Before.Kind.String(), "it", d.Before.Name, u)
		if recreation := findRecreation(t, d.Before); recreation != nil {
			r.Fact += " and made again in another transaction, at " + recreation.RelativePlace(d.By)
			r.Harm = "queries on " + name + " fail in between" + u.FirstPlace() + ", and for good when the second transaction does not succeed"
			r.Instead = "do both in one transaction:\nBEGIN;\n" + d.By.SQL + ";\nCREATE VIEW " + analysis.QuoteTable(d.Before.Name) + " AS …;\nCOMMIT;"
			if d.Before.Kind == catalog.MaterializedView {
				// Its query would run under the lock.
				next := analysis.QuoteTable(catalog.Name{Schema: d.Before.Name.Schema, Name: catalog.ObjectName(d.Before.Name.Name, "", "new")})
				r.Instead = "make it under another name first, with its indexes, and swap the names:\nCREATE MATERIALIZED VIEW " + next + " AS …;\nBEGIN;\n" +
					d.By.SQL + ";\nALTER MATERIALIZED VIEW " + next + " RENAME TO " + pgparse.QuoteIdent(d.Before.Name.Name) + ";\nCOMMIT;"
			}
			r.Severity = min(u.DropSeverity(), onward.Warning)
			p.Report(d, r)
			continue
		}
		p.KeepValue(droppedView{by: d.By, name: d.Before.Name, old: d.Before, report: r, where: u.FirstPlace()})
	}
}

// judgeTemporaryView judges a view of the release's own that goes again: it had the name of
// what the deployed code knows, for as long as that runs.
func judgeTemporaryView(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	name := d.Before.Name
	deployed := p.Release.Deployed.Lookup(name.Schema, name.Name)
	if deployed == nil || findSuccessor(t, d.Before.Name) != nil {
		return
	}
	u := p.Code.FindUses(name, "")
	p.KeepValue(droppedView{by: d.By, name: name, old: d.Before, standIn: true, report: rule.Report{
		Fact: d.Before.Kind.String() + " " + name.String() + " is dropped, which replaces the " + deployed.Kind.String() +
			" that the deployed code knows by that name",
		Harm:     u.DescribeBreak("the name"),
		Unused:   name.String(),
		Instead:  "keep it until no old code runs any more, and drop it a release later",
		Severity: u.DropSeverity(),
		Evidence: u.Evidence,
	}})
}

// judgeEmptyView judges a materialized view that takes the place of one with data and has
// none itself.
func judgeEmptyView(p *rule.Pass, d *rule.Delta, now *catalog.Relation) {
	if now.Kind != catalog.MaterializedView || now.View == nil || now.View.Filled ||
		d.Before.Kind == catalog.MaterializedView && !d.Before.Inferred && d.Before.View != nil && !d.Before.View.Filled {
		return
	}
	u := p.UsesTable(d)
	p.Report(d, rule.Report{
		Fact:     d.Before.Kind.String() + " " + d.Before.Name.String() + " is made again WITH NO DATA",
		Harm:     "every query on it fails" + u.FirstPlace() + ": it has not been populated",
		Instead:  "make it under another name, with data, and swap the names",
		Severity: u.DropSeverity(),
		Evidence: u.Evidence,
	})
}

// findRecreation finds the statement of the same migration, after the transaction, that gives the
// name to something again.
func findRecreation(t *rule.Tx, old *catalog.Relation) *rule.Stmt {
	last := t.Statements[len(t.Statements)-1]
	for _, s := range rule.StatementsAfter(t.Migration.StatementsOn(old.Name), last) {
		if s.After.Lookup(old.Name.Schema, old.Name.Name) != nil {
			return s
		}
	}
	return nil
}
