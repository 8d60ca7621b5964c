package removal

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableDropCascade flags a CASCADE that takes along what nobody named.
// https://www.postgresql.org/docs/current/ddl-depend.html
var TableDropCascade = &rule.Rule{
	ID:       "table-drop-cascade",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "DROP … CASCADE takes along views, tables, columns, policies and constraints that the statement does not name",
	Harm: "CASCADE drops whatever depends on the thing, and what depends on that. The server only mentions it in a NOTICE that no deploy log shows. " +
		"Deployed code that reads a view which went along fails; a foreign key that went along no longer keeps the rows together.",
	Instead: "Drop what depends on it by name first, in statements that can be reviewed, and leave CASCADE out: the server then refuses when there is more.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-depend.html"},
	Commit:  checkDropCascade,
}

func checkDropCascade(p *rule.Pass, t *rule.Tx) {
	for _, s := range t.Statements {
		if s.Node == nil || !isCascade(s.Node) {
			continue
		}
		var droppedObjects []string
		severity, ownKeys := onward.Warning, true
		names := analysis.DroppedNames(s.Node, s.Node.GetDropStmt().GetRemoveType())
		for _, d := range changesByStatement(t)[s] {
			description, heavy := describeDroppedAlong(p, s, names, d)
			if description == "" || isRecreated(t, d) || slices.Contains(droppedObjects, description) {
				continue
			}
			droppedObjects = append(droppedObjects, description)
			ownKeys = ownKeys && isReferringKey(s, d)
			if heavy {
				severity = onward.Error
			}
		}
		reportDroppedDefaults(p, t, s)
		if len(droppedObjects) == 0 || ownKeys {
			continue
		}
		harm := "nobody named it: deployed code that depends on it fails, and what it kept is gone"
		if severity == onward.Warning {
			harm = "nothing keeps these rows together any more: deployed code that relies on it leaves rows that point at nothing"
			if strings.Contains(strings.Join(droppedObjects, " "), "check constraint") {
				harm = "nothing keeps these rows right any more: deployed code that relies on it leaves rows that do not fit"
			}
		}
		list := strings.Join(droppedObjects, ", ")
		if len(droppedObjects) > 5 {
			list = strings.Join(droppedObjects[:5], ", ") + " and more"
		}
		p.Report(s, rule.Report{
			Fact:     "CASCADE takes along " + list,
			Harm:     harm,
			Instead:  "drop it by name first, and leave CASCADE out: the server then refuses when there is more",
			Severity: severity,
			Cause:    "and CASCADE of %d other statements takes something along",
		})
	}
}

// isReferringKey reports whether what goes along is a foreign key to a table that the statement
// drops: with the table, nothing is left that it could keep right, and that the table
// goes is another rule's.
func isReferringKey(s *rule.Stmt, d *rule.Delta) bool {
	return d.Kind == catalog.ConstraintDropped && d.OldConstraint.Kind == catalog.ForeignKey &&
		s.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_TABLE && s.After.Relation(d.OldConstraint.Ref) == nil
}

// reportDroppedDefaults reports the defaults that go with a sequence which a statement
// drops, and that their columns still lack at commit. A new table counts too: it
// may take the place of a deployed one, and nobody meant its rows to have no
// number.
func reportDroppedDefaults(p *rule.Pass, t *rule.Tx, s *rule.Stmt) {
	if s.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_SEQUENCE {
		return // that is what CASCADE is for there: column-drop-default
	}
	var droppedDefaults []string
	instead := "let a column that stays own the sequence first, and leave CASCADE out:"
	for i := range s.Deltas {
		d := &s.Deltas[i]
		if d.Kind != catalog.ColumnDefaultChanged || d.New.Default != nil || d.Old.Takes == 0 || d.Before.Persistence == catalog.Temporary ||
			s.After.Relation(d.Old.Takes) != nil {
			continue
		}
		r := t.After.Relation(d.OID)
		if r == nil {
			continue
		}
		if c := r.Attr(d.New.Attnum); c != nil && c.Default == nil && c.Identity == "" {
			droppedDefaults = append(droppedDefaults, "the default of column "+c.Name+" of "+d.Before.Name.String())
			instead += "\nALTER SEQUENCE " + analysis.QuoteTable(s.Before.Relation(d.Old.Takes).Name) + " OWNED BY " + analysis.QuoteTable(d.Before.Name) + "." +
				pgparse.QuoteIdent(c.Name) + ";"
		}
	}
	if len(droppedDefaults) > 0 {
		p.Report(s, rule.Report{
			Fact:    "CASCADE takes along " + prose.EnumerateNames(droppedDefaults) + ", with the sequence",
			Harm:    "INSERTs that leave the column out fail, or store NULL there",
			Instead: instead,
		})
	}
}

// isOnAlteredTable reports whether a delta is on the table that the statement alters.
func isOnAlteredTable(s *rule.Stmt, d *rule.Delta) bool {
	return s.Node.GetAlterTableStmt() != nil && s.Node.GetAlterTableStmt().GetRelation().GetRelname() == d.Before.Name.Name
}

// isRecreated reports whether the transaction made again what went along.
func isRecreated(t *rule.Tx, d *rule.Delta) bool {
	switch d.Kind {
	case catalog.RelationDropped:
		return findSuccessor(t, d.Before.Name) != nil
	case catalog.TriggerDropped:
		return d.After == nil || d.After.Trigger(d.OldTrigger.Name) != nil
	case catalog.PolicyDropped:
		return slices.ContainsFunc(d.After.Policies, func(o *catalog.Policy) bool { return o.Name == d.Policy.Name })
	case catalog.ConstraintDropped:
		if d.OldConstraint.Kind == catalog.Check {
			return d.After == nil || d.After.Constraint(d.OldConstraint.Name) != nil
		}
		return d.After == nil || slices.ContainsFunc(d.After.Constraints, func(c *catalog.Constraint) bool {
			return c.Kind == catalog.ForeignKey && slices.Equal(c.Columns, d.OldConstraint.Columns)
		})
	case catalog.ColumnDropped:
		return d.After == nil
	}
	return false
}
