package constraint

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Rename flags a constraint or unique index whose name the deployed code
// knows. https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
var Rename = &rule.Rule{
	ID:       "constraint-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "deployed code names a constraint or unique index that is renamed or dropped",
	Harm: "ON CONFLICT ON CONSTRAINT fails when there is no constraint of the name. Code that tells errors apart by the name that the server reports no " +
		"longer recognises them, and shows a conflict of a user as a fault of its own.",
	Instead: "Let the code accept both names first, and rename a release later.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT",
		"https://www.postgresql.org/docs/current/protocol-error-fields.html",
	},
	Commit: checkConstraintRename,
}

// renamedName is a constraint or index whose name goes, and who names it.
type renamedName struct {
	d               *rule.Delta
	kind, name, act string
	uses            analysis.Usage
	// upserts are the uses in ON CONFLICT ON CONSTRAINT.
	upserts analysis.Usage
}

func checkConstraintRename(p *rule.Pass, t *rule.Tx) {
	type key struct {
		by  *rule.Stmt
		act string
	}
	var order []key
	all := map[key][]renamedName{}
	add := func(x renamedName) {
		if x.uses = p.Code.UsesName(catalog.Name{Schema: x.d.Before.Name.Schema, Name: x.name}); !x.uses.Used && !x.uses.Named {
			return
		}
		k := key{x.d.By, x.act}
		if all[k] == nil {
			order = append(order, k)
		}
		all[k] = append(all[k], x)
	}
	for _, s := range t.Statements {
		if x, ok := findUnseenRename(p, s); ok {
			add(x)
		}
	}
	for i := range t.Deltas {
		d := &t.Deltas[i]
		x := renamedName{d: d}
		switch {
		case d.Before == nil || d.After == nil || !p.IsDeployed(d):
			continue
		case d.Kind == catalog.ConstraintRenamed:
			x.kind, x.name, x.act = d.OldConstraint.Kind.String(), d.OldConstraint.Name, "is renamed to "+d.NewConstraint.Name
		case d.Kind == catalog.ConstraintDropped:
			x.kind, x.name, x.act = d.OldConstraint.Kind.String(), d.OldConstraint.Name, "is dropped"
		case d.Kind == catalog.IndexRenamed && d.OldIndex.Index.Unique:
			x.kind, x.name, x.act = "unique index", d.OldIndex.Name.Name, "is renamed to "+d.NewIndex.Name.Name
		default:
			continue
		}
		if d.After.Constraint(x.name) != nil || !isNameDeployed(p, d, x.name) {
			continue
		}
		x.upserts = p.Code.UpsertsOn(p.DeployedName(d), "", x.name)
		if x.upserts.Used && d.OldIndex != nil && d.Kind == catalog.ConstraintDropped && !hasOtherArbiter(t.After, d.Before, d.After, d.OldIndex) {
			continue // constraint-drop-on-conflict
		}
		add(x)
	}
	for _, k := range order {
		reportLostNames(p, all[k])
	}
}

// findUnseenRename gives the constraint that a statement renames on a table that no statement
// created: the catalog does not know it.
func findUnseenRename(p *rule.Pass, s *rule.Stmt) (renamedName, bool) {
	stmt := s.Node.GetRenameStmt()
	if stmt.GetRenameType() != pgparse.ObjectType_OBJECT_TABCONSTRAINT || s.Tx.RolledBack {
		return renamedName{}, false
	}
	table, _ := s.Before.Resolve(stmt.GetRelation())
	if !table.Inferred || table.Constraint(stmt.GetSubname()) != nil {
		return renamedName{}, false
	}
	x := renamedName{
		d:    &rule.Delta{Delta: &catalog.Delta{OID: table.OID, Before: table}, By: s},
		kind: "constraint", name: stmt.GetSubname(), act: "is renamed to " + stmt.GetNewname(),
	}
	x.upserts = p.Code.UpsertsOn(p.DeployedName(x.d), "", x.name)
	return x, p.IsDeployed(x.d)
}

// reportLostNames reports the names that one statement takes away.
func reportLostNames(p *rule.Pass, list []renamedName) {
	x := list[0]
	var names []string
	var uses []analysis.Usage
	upsert := false // ON CONFLICT takes the name of no other kind
	var upserts analysis.Usage
	for _, y := range list {
		names, uses = append(names, y.name), append(uses, y.uses)
		if y.upserts.Used && !upserts.Used {
			upserts = y.upserts
		}
		upsert = upsert || y.kind != catalog.Check.String() && y.kind != catalog.ForeignKey.String() && y.kind != "unique index"
	}
	u := analysis.MergeUsages(uses)
	r := rule.Report{
		Fact:     x.kind + " " + x.name + " of " + x.d.Before.Name.String() + " " + x.act + ", and the deployed code names it",
		Harm:     "code that tells errors apart by the constraint's name no longer does" + u.FirstPlace(),
		Instead:  "let the code accept both first, and rename or drop a release later",
		Evidence: u.Evidence,
		Severity: onward.Warning,
	}
	if upserts.Used {
		r.Severity, r.Evidence = onward.Error, upserts.Evidence
		r.Harm = "each INSERT of the deployed code with ON CONFLICT ON CONSTRAINT fails" + upserts.AllPlaces() + ": constraint \"" + x.name + "\" does not exist; " +
			strings.TrimSuffix(r.Harm, u.FirstPlace())
	} else if upsert {
		r.Harm = "ON CONFLICT ON CONSTRAINT fails, and " + r.Harm
	}
	if len(list) > 1 {
		r.Fact = "constraints " + prose.EnumerateNames(names) + " of " + x.d.Before.Name.String() + " are dropped, and the deployed code names them"
	}
	p.Report(x.d, r)
}

// isNameDeployed reports whether the deployed schema has the name on the table.
func isNameDeployed(p *rule.Pass, d *rule.Delta, name string) bool {
	r := p.Release.Deployed.Relation(d.OID)
	if r == nil || d.OldConstraint != nil && d.OldConstraint.Inferred {
		return true
	}
	if r.Constraint(name) != nil {
		return true
	}
	for _, oid := range r.Indexes {
		if idx := p.Release.Deployed.Relation(oid); idx != nil && idx.Name.Name == name {
			return true
		}
	}
	return false
}
