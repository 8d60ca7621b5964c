package release

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// UseLost flags an object that is gone after a transaction, to which a query or a mapper of the deployed code binds, and of which no other
// rule says so. It runs last, so that a form without a rule costs a good text, and not the verdict.
// https://www.postgresql.org/docs/current/ddl-depend.html
var UseLost = &rule.Rule{
	ID:       "release-use-lost",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "the deployed code uses something that is gone after the migration, by a form that no other rule explains",
	Harm: "The object goes together with another one: its schema, its type, its extension, the table that it inherits from. " +
		"Or an object of its name comes back that does not take the same calls or values. " +
		"Queries of the deployed code that name it fail until the new code has replaced it everywhere.",
	Instead: "Remove it from the code in one release, and drop it in a later one, when no old code runs any more.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-depend.html"},
	Last:    true,
	Gather:  gatherLostUses,
	Release: reportLostUses,
}

// lostUse is something that is gone after a transaction, and that the deployed code uses.
type lostUse struct {
	by     *rule.Stmt
	object string
	// names are those that a finding has to have in its text to be about the object.
	names []string
	// isThere reports whether a schema has the object. ask asks for its uses.
	isThere func(*catalog.Catalog) bool
	ask     func() analysis.Usage
	analysis.Usage
}

func gatherLostUses(p *rule.Pass, m *rule.Migration) {
	gatherTakenObjects(p, m)
	for t, d := range m.EachChange() {
		if d.By == nil || m.Runner.AfterDeploy {
			continue
		}
		for _, x := range append(listLostRelations(p, t, d), listLostObjects(p, t, d)...) {
			if x.isThere(t.After) {
				continue
			}
			if x.Usage = x.ask(); x.Used {
				x.by = d.By
				p.KeepValue(x)
			}
		}
	}
}

// listLostRelations lists the relations and columns that a change takes from the deployed code.
func listLostRelations(p *rule.Pass, t *rule.Tx, d *rule.Delta) []lostUse {
	if d.Before == nil || !p.IsDeployed(d) {
		return nil
	}
	name := p.DeployedName(d)
	if name.Schema == onward.PlanRoom {
		return nil
	}
	var out []lostUse
	switch d.Kind {
	case catalog.RelationDropped, catalog.RelationRenamed:
		out = append(out, lostUse{
			object: d.Before.Kind.String() + " " + name.String(), names: []string{name.Name}, isThere: newRelationCheck(name),
			ask: func() analysis.Usage { return p.UsesTable(d) },
		})
		for _, c := range d.Before.Columns {
			out = append(out, listLostSequence(p, t, c)...)
		}
	case catalog.ColumnDropped:
		if d.After != nil && !p.NewColumn(d, d.Old) {
			isThere := func(c *catalog.Catalog) bool {
				now := c.Lookup(name.Schema, name.Name)
				return now == nil || now.Column(d.Old.Name) != nil // without the table, that is the loss
			}
			out = append(out, lostUse{
				object: "column " + d.Old.Name + " of " + name.String(), names: []string{name.Name, d.Old.Name}, isThere: isThere,
				ask: func() analysis.Usage { return p.UsesColumn(d, d.Old) },
			})
		}
		out = append(out, listLostSequence(p, t, d.Old)...)
	case catalog.ColumnIdentityChanged:
		out = append(out, listLostSequence(p, t, d.Old)...)
	case catalog.ColumnTypeChanged:
		out = append(out, listLostValues(p, t, d)...)
	}
	return out
}

// listLostSequence lists the sequence of a column, which goes and moves with it, if the code takes numbers from it itself.
func listLostSequence(p *rule.Pass, t *rule.Tx, c *catalog.Column) []lostUse {
	old := p.Release.Deployed.Relation(c.Sequence)
	if old == nil || old.Seq == nil || t.Before.Relation(c.Sequence) == nil {
		return nil
	}
	return []lostUse{{
		object: "sequence " + old.Name.String(), names: []string{old.Name.Name}, isThere: newRelationCheck(old.Name),
		ask: func() analysis.Usage { return p.Code.FindUses(old.Name, "") },
	}}
}

// listLostValues lists the labels that the enum of a column has and the column's new enum has not.
func listLostValues(p *rule.Pass, t *rule.Tx, d *rule.Delta) []lostUse {
	oldType, now := t.Before.Type(d.Old.Type.OID), t.After.Type(d.New.Type.OID)
	if oldType == nil || now == nil || oldType.Kind != catalog.Enum || now.Kind != catalog.Enum || oldType.Inferred || now.Inferred || p.NewColumn(d, d.Old) {
		return nil
	}
	var out []lostUse
	for _, l := range oldType.Labels {
		if slices.Contains(now.Labels, l) {
			continue
		}
		isThere := func(c *catalog.Catalog) bool {
			r := c.Relation(d.OID)
			if r == nil || r.Attr(d.Old.Attnum) == nil {
				return true // another loss
			}
			enum := c.Type(r.Attr(d.Old.Attnum).Type.OID)
			return enum == nil || enum.Kind != catalog.Enum || slices.Contains(enum.Labels, l)
		}
		name := p.DeployedName(d)
		out = append(out, lostUse{
			object: "value '" + l + "' of column " + d.Old.Name + " of " + name.String(), names: []string{l}, isThere: isThere,
			ask: func() analysis.Usage { return p.Code.FindValueUses(name, d.Old.Name, l) },
		})
	}
	return out
}

// listLostObjects lists the objects beside relations that a change takes from the deployed code.
func listLostObjects(p *rule.Pass, t *rule.Tx, d *rule.Delta) []lostUse {
	switch d.Kind {
	case catalog.FunctionDropped, catalog.FunctionRenamed:
		return listLostCalls(p, t, d)
	case catalog.TypeDropped, catalog.TypeRenamed:
		old := p.Release.Deployed.Type(d.OldType.OID)
		if old == nil || old.Inferred {
			return nil
		}
		isThere := func(c *catalog.Catalog) bool { return c.LookupType(old.Name.Schema, old.Name.Name) != nil }
		return []lostUse{{
			object: "type " + old.Name.String(), names: []string{old.Name.Name}, isThere: isThere,
			ask: func() analysis.Usage { return p.Code.FindObjectUses(analysis.TypeObject, old.Name, 0) },
		}}
	case catalog.EnumValueRenamed:
		return listLostLabels(p, d)
	case catalog.ObjectDropped:
		if o := d.OldObject; p.Release.Deployed.Object(o.Kind, o.Name) != nil {
			return listLostNamedObjects(p, o)
		}
	}
	return nil
}

// listLostCalls lists a function with the numbers of arguments with which nothing of its name can be called any more.
func listLostCalls(p *rule.Pass, t *rule.Tx, d *rule.Delta) []lostUse {
	name := d.OldFunction.Name
	before := p.Release.Deployed.Functions(name.Schema, name.Name)
	if !p.DeployedFunction(d.OldFunction) || !d.OldFunction.IsCalledByQueries() || len(before) == 0 {
		return nil
	}
	lost := lostArgCounts(before, name, t.After)
	isThere := func(c *catalog.Catalog) bool { return lostArgCounts(before, name, c) == 0 }
	object := d.OldFunction.Kind + " " + name.String()
	if lost != allCounts {
		object += " with " + describeArgCounts(lost)
	}
	return []lostUse{{
		object: object, names: []string{name.Name}, isThere: isThere,
		ask: func() analysis.Usage { return p.Code.FindObjectUses(analysis.FunctionObject, name, lost) },
	}}
}

// allCounts are all numbers of arguments: no function of the name is left.
const allCounts = ^uint64(0)

// lostArgCounts returns the numbers of arguments, as bits, with which functions could be called that a schema has no function of the name for.
func lostArgCounts(before []*catalog.Function, name catalog.Name, c *catalog.Catalog) uint64 {
	now := append(slices.Clone(c.Functions(name.Schema, name.Name)), c.Functions("", name.Name)...)
	if len(now) == 0 {
		return allCounts
	}
	return acceptedArgCounts(before) &^ acceptedArgCounts(now)
}

// acceptedArgCounts returns with how many arguments one of some functions can be called, as bits.
func acceptedArgCounts(list []*catalog.Function) (counts uint64) {
	for _, f := range list {
		most := len(f.Args)
		if f.Variadic {
			most = 63
		}
		least := len(f.Args) - f.Defaults
		if f.Variadic {
			least--
		}
		for n := max(least, 0); n <= min(most, 63); n++ {
			counts |= 1 << n
		}
	}
	return counts
}

// describeArgCounts returns numbers of arguments in words.
func describeArgCounts(counts uint64) string {
	var list []string
	for n := range 64 {
		if counts&(1<<n) != 0 {
			list = append(list, strconv.Itoa(n))
		}
	}
	switch {
	case len(list) > 3:
		return list[0] + " or more arguments"
	case counts == 1<<1:
		return "1 argument"
	}
	return strings.Join(list, " or ") + " arguments"
}

// listLostLabels lists the labels that an enum lost.
func listLostLabels(p *rule.Pass, d *rule.Delta) []lostUse {
	old := p.Release.Deployed.Type(d.OldType.OID)
	if old == nil || old.Inferred {
		return nil
	}
	var out []lostUse
	for _, l := range old.Labels {
		if slices.Contains(d.NewType.Labels, l) {
			continue
		}
		isThere := func(c *catalog.Catalog) bool {
			now := c.Type(old.OID)
			return now == nil || slices.Contains(now.Labels, l)
		}
		out = append(out, lostUse{
			object: "value '" + l + "' of enum " + old.Name.String(), names: []string{l}, isThere: isThere,
			ask: func() analysis.Usage { return p.Code.UsesLabel(old.Name, l) },
		})
	}
	return out
}

// listLostNamedObjects lists an operator, a collation or a text search configuration.
func listLostNamedObjects(p *rule.Pass, o *catalog.Object) []lostUse {
	name, kind := o.Name, analysis.FunctionObject
	isThere := func(c *catalog.Catalog) bool { return c.Object(o.Kind, o.Name) != nil }
	switch o.Kind {
	case "operator":
		name.Name, _, _ = strings.Cut(o.Name.Name, "(")
		isThere = func(c *catalog.Catalog) bool { return hasOperator(c, name) }
	case "collation":
		kind = analysis.CollationObject
	case "text search configuration":
		kind = analysis.TextSearchObject
	default:
		return nil
	}
	return []lostUse{{
		object: o.Kind + " " + name.String(), names: []string{name.Name}, isThere: isThere,
		ask: func() analysis.Usage { return p.Code.FindObjectUses(kind, name, allCounts) },
	}}
}

// hasOperator reports whether a catalog has an operator with a sign, for any types, in a schema or along the search path.
func hasOperator(c *catalog.Catalog, n catalog.Name) bool {
	found := false
	c.EachObject("operator", func(o *catalog.Object) bool {
		found = strings.HasPrefix(o.Name.Name, n.Name+"(") && (o.Name.Schema == n.Schema || slices.Contains(c.SearchPath, o.Name.Schema))
		return !found
	})
	return found
}

func newRelationCheck(n catalog.Name) func(*catalog.Catalog) bool {
	return func(c *catalog.Catalog) bool { return c.Lookup(n.Schema, n.Name) != nil }
}

func reportLostUses(p *rule.Pass, r *rule.Release) {
	for _, x := range rule.KeptValues[lostUse](p) {
		if x.isThere(r.Head) || p.IsLossClaimed(x.by, x.names...) {
			continue
		}
		p.Report(x.by, rule.Report{
			Fact:     x.object + " is gone after the statement, and the deployed code uses it",
			Harm:     x.DescribeBreak("it"),
			Instead:  x.FixBeforeDrop("it"),
			Evidence: x.AllEvidence(),
		})
	}
	reportTakenObjects(p, r)
}
