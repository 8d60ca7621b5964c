package constraint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropCascade flags a foreign key that goes, or gets another action, while the deployed code deletes rows and relies on its ON DELETE.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
var DropCascade = &rule.Rule{
	ID:       "constraint-drop-cascade",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "what ON DELETE did for the DELETEs of the deployed code is no longer done",
	Harm: "The deployed code deletes a row and leaves the rows that point at it to the server: ON DELETE CASCADE, SET NULL or SET DEFAULT. " +
		"Without the foreign key they stay and point at nothing, and no statement fails. If the new foreign key has no action, the DELETE fails.",
	Instead: "Release code that deletes or clears the rows itself first, and drop the foreign key, or change its action, a release later.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"},
	Commit:  checkDropCascade,
}

func checkDropCascade(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.ConstraintDropped) {
		old := d.OldConstraint
		if old.Kind != catalog.ForeignKey || old.Parent || !actsOnRows(old.OnDelete) || d.After == nil ||
			slices.ContainsFunc(old.Columns, func(n int16) bool { return d.After.Attr(n) == nil }) {
			continue
		}
		oldTarget, parent := t.Before.Relation(old.Ref), p.Release.Deployed.Relation(old.Ref)
		if oldTarget == nil || parent == nil || t.After.Relation(old.Ref) == nil {
			continue
		}
		next := findNextKey(t.After, d.After, old, parent)
		head := t.Migration.After()
		if next == nil && findNextKey(head, head.Relation(d.OID), old, parent) != nil || next != nil && next.OnDelete == old.OnDelete {
			continue
		}
		uses := p.Code.FindUses(parent.Name, "")
		deletes := uses.WriteEvidence("delete")
		if uses.IsIdle() || uses.IsReadOnly() {
			continue
		}
		child, table := d.After.Name.String(), parent.Name.String()
		r := rule.Report{
			Fact:     "foreign key " + old.Name + " of " + child + " is dropped, and with it ON DELETE " + strings.ToUpper(old.OnDelete),
			Harm:     "rows of " + child + " stay and point at nothing when the deployed code deletes their row of " + table,
			Instead:  "let the code do that itself first, and drop the foreign key a release later",
			Evidence: deletes,
			Severity: onward.Warning,
		}
		if next != nil {
			r.Instead = "let the code do that itself first, and change the action a release later"
			r.Fact = fmt.Sprintf("foreign key %s of %s has ON DELETE %s now, and had ON DELETE %s", next.Name, child,
				strings.ToUpper(cmp.Or(next.OnDelete, "no action")), strings.ToUpper(old.OnDelete))
			switch next.OnDelete {
			case "cascade":
				r.Harm = "when the deployed code deletes a row of " + table + ", rows of " + child + " are deleted, which it expects to stay"
			case "set null", "set default":
				r.Harm = "rows of " + child + " stay when the deployed code deletes their row of " + table
			default:
				r.Harm = "a DELETE of the deployed code on " + table + " fails if rows of " + child + " point at the row"
				if p.UsesTable(d).WriteEvidence("delete") == nil { // the code may delete these rows first
					r.Severity = onward.Off
				}
			}
		}
		r.Harm += analysis.Usage{Evidence: deletes}.FirstPlace()
		if len(deletes) == 0 {
			r.Severity = onward.Info
		}
		p.Report(d, r)
	}
}

// actsOnRows reports whether ON DELETE deletes or clears the rows that point at a deleted one.
func actsOnRows(action string) bool { return action != "" && action != "restrict" }

// findNextKey returns the foreign key that a table has on the columns of an old one, to the same table or to one that took its name; nil for none.
func findNextKey(c *catalog.Catalog, child *catalog.Relation, old *catalog.Constraint, parent *catalog.Relation) *catalog.Constraint {
	if child == nil {
		return nil
	}
	for _, k := range child.Constraints {
		if k.Kind != catalog.ForeignKey || !slices.Equal(k.Columns, old.Columns) {
			continue
		}
		if ref := c.Relation(k.Ref); k.Ref == old.Ref || ref != nil && ref.Name == parent.Name {
			return k
		}
	}
	return nil
}
