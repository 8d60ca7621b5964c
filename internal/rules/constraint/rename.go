package constraint

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Rename flags a constraint or unique index whose name the deployed code
// knows. https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
var Rename = &rule.Rule{
	ID:       "constraint-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "deployed code names a constraint or unique index that is renamed or dropped",
	Harm:     "ON CONFLICT ON CONSTRAINT fails when there is no constraint of the name. Code that tells errors apart by the name that the server reports no longer recognises them, and shows a conflict of a user as a fault of its own.",
	Instead:  "Let the code accept both names first, and rename a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT", "https://www.postgresql.org/docs/current/protocol-error-fields.html"},
	Commit:   rename,
}

// renamed is a constraint or index whose name goes, and who names it.
type renamed struct {
	d               *rule.Delta
	kind, name, act string
	uses            analysis.Usage
	// upserts are those of the code with ON CONFLICT ON CONSTRAINT.
	upserts analysis.Usage
}

func rename(p *rule.Pass, t *rule.Tx) {
	type key struct {
		by  *rule.Stmt
		act string
	}
	var order []key
	all := map[key][]renamed{}
	for i := range t.Deltas {
		d := &t.Deltas[i]
		x := renamed{d: d}
		switch {
		case d.Before == nil || d.After == nil || !p.Deployed(d):
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
		if d.After.Constraint(x.name) != nil || !deployed(p, d, x.name) {
			continue
		}
		x.upserts = p.Code.UpsertsOn(p.DeployedName(d), "", x.name)
		if x.upserts.Used && d.OldIndex != nil && d.Kind == catalog.ConstraintDropped && !arbiter(t.After, d.Before, d.After, d.OldIndex) {
			continue // constraint-drop-on-conflict
		}
		if x.uses = p.Code.UsesName(catalog.Name{Schema: d.Before.Name.Schema, Name: x.name}); !x.uses.Used && !x.uses.Named {
			continue
		}
		k := key{d.By, x.act}
		if all[k] == nil {
			order = append(order, k)
		}
		all[k] = append(all[k], x)
	}
	for _, k := range order {
		reportNames(p, all[k])
	}
}

// reportNames reports the names that one statement takes away.
func reportNames(p *rule.Pass, list []renamed) {
	x := list[0]
	var names []string
	var uses []analysis.Usage
	upsert := false // ON CONFLICT takes the name of no other kind
	var said analysis.Usage
	for _, y := range list {
		names, uses = append(names, y.name), append(uses, y.uses)
		if y.upserts.Used && !said.Used {
			said = y.upserts
		}
		upsert = upsert || y.kind != catalog.Check.String() && y.kind != catalog.ForeignKey.String() && y.kind != "unique index"
	}
	u := analysis.Together(uses)
	r := rule.Report{
		Fact:     x.kind + " " + x.name + " of " + x.d.Before.Name.String() + " " + x.act + ", and the deployed code names it",
		Harm:     "code that tells errors apart by the constraint's name no longer does" + u.Where(),
		Instead:  "let the code accept both first, and rename or drop a release later",
		Evidence: u.Evidence,
		Severity: onward.Warning,
	}
	if said.Used {
		r.Severity, r.Evidence = onward.Error, said.Evidence
		r.Harm = "each INSERT of the deployed code with ON CONFLICT ON CONSTRAINT fails" + said.Where() + ": constraint \"" + x.name + "\" does not exist; " + strings.TrimSuffix(r.Harm, u.Where())
	} else if upsert {
		r.Harm = "ON CONFLICT ON CONSTRAINT fails, and " + r.Harm
	}
	if len(list) > 1 {
		r.Fact = "constraints " + advice.Enumerate(names) + " of " + x.d.Before.Name.String() + " are dropped, and the deployed code names them"
	}
	p.Report(x.d, r)
}

// deployed reports whether the deployed schema has the name on the table.
func deployed(p *rule.Pass, d *rule.Delta, name string) bool {
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
