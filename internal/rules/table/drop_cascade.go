package table

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropCascade flags a CASCADE that takes along what nobody named.
// https://www.postgresql.org/docs/current/ddl-depend.html
var DropCascade = &rule.Rule{
	ID:       "table-drop-cascade",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "DROP … CASCADE takes along views, tables, columns, policies and constraints that the statement does not name",
	Harm:     "CASCADE drops whatever depends on the thing, and what depends on that. The server only mentions it in a NOTICE that no deploy log shows. Deployed code that reads a view which went along fails; a foreign key that went along no longer keeps the rows together.",
	Instead:  "Drop what depends on it by name first, in statements that can be reviewed, and leave CASCADE out: the server then refuses when there is more.",
	Manual:   []string{"https://www.postgresql.org/docs/current/ddl-depend.html"},
	Commit:   dropCascade,
}

func dropCascade(p *rule.Pass, t *rule.Tx) {
	for _, s := range t.Statements {
		if s.Node == nil || !cascades(s.Node) {
			continue
		}
		var taken []string
		severity := onward.Warning
		for _, d := range due(t)[s] {
			what, heavy := along(p, s, d)
			if what == "" || again(t, d) || slices.Contains(taken, what) {
				continue
			}
			taken = append(taken, what)
			if heavy {
				severity = onward.Error
			}
		}
		defaultsAlong(p, t, s)
		if len(taken) == 0 {
			continue
		}
		harm := "nobody named it: deployed code that depends on it fails, and what it kept is gone"
		if severity == onward.Warning {
			harm = "nothing keeps these rows together any more: deployed code that relies on it leaves rows that point at nothing"
			if strings.Contains(strings.Join(taken, " "), "check constraint") {
				harm = "nothing keeps these rows right any more: deployed code that relies on it leaves rows that do not fit"
			}
		}
		list := strings.Join(taken, ", ")
		if len(taken) > 5 {
			list = strings.Join(taken[:5], ", ") + " and more"
		}
		p.Report(s, rule.Report{
			Fact:     "CASCADE takes along " + list,
			Harm:     harm,
			Instead:  "drop it by name first, and leave CASCADE out: the server then refuses when there is more",
			Severity: severity,
		})
	}
}

// changes are the deltas of a transaction by the statements that they are due to.
type changes map[*rule.Stmt][]*rule.Delta

func due(t *rule.Tx) changes {
	return rule.Once(&t.Notes, func() changes {
		out := changes{}
		for i := range t.Deltas {
			d := &t.Deltas[i]
			out[d.By] = append(out[d.By], d)
		}
		return out
	})
}

// cascades reports whether a statement says CASCADE of something that is
// dropped.
func cascades(n *pgparse.Node) bool {
	if d := n.GetDropStmt(); d != nil {
		return d.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	}
	for _, c := range n.GetAlterTableStmt().GetCmds() {
		cmd := c.GetAlterTableCmd()
		if cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE &&
			(cmd.GetSubtype() == pgparse.AlterTableType_AT_DropColumn || cmd.GetSubtype() == pgparse.AlterTableType_AT_DropConstraint) {
			return true
		}
	}
	return false
}

// along names what a delta took along, when the statement does not; heavy says
// that code or data depends on it.
func along(p *rule.Pass, s *rule.Stmt, d *rule.Delta) (what string, heavy bool) {
	if drop := s.Node.GetDropStmt(); drop.GetRemoveType() == pgparse.ObjectType_OBJECT_SCHEMA && d.Before != nil &&
		slices.ContainsFunc(drop.GetObjects(), func(n *pgparse.Node) bool { return n.GetString_().GetSval() == d.Before.Name.Schema }) {
		return "", false // what is in it: schema-drop
	}
	switch d.Kind {
	case catalog.RelationDropped:
		if !p.Deployed(d) || d.Before.Kind == catalog.Sequence || d.Before.Parent != 0 ||
			named(s, d.Before.Name) || d.Before.Kind == catalog.CompositeType {
			return "", false
		}
		return d.Before.Kind.String() + " " + d.Before.Name.String(), true
	case catalog.ConstraintDropped:
		if !p.Deployed(d) || onAltered(s, d) {
			return "", false
		}
		if drop := s.Node.GetDropStmt(); drop != nil && d.OldConstraint.Kind == catalog.Check && d.After != nil {
			return "check constraint " + d.OldConstraint.Name + " of " + d.Before.Name.String(), false
		}
		if d.OldConstraint.Kind != catalog.ForeignKey {
			return "", false
		}
		return "foreign key " + d.OldConstraint.Name + " of " + d.Before.Name.String(), false
	case catalog.ColumnDropped:
		if !p.Deployed(d) || d.Before.View != nil || onAltered(s, d) {
			return "", false
		}
		return "column " + d.Old.Name + " of " + d.Before.Name.String(), true
	case catalog.TriggerDropped:
		if !p.Deployed(d) || onAltered(s, d) {
			return "", false
		}
		return "trigger " + d.OldTrigger.Name + " of " + d.Before.Name.String(), true
	case catalog.PolicyDropped:
		if !p.Deployed(d) || d.After == nil {
			return "", false
		}
		return "policy " + d.Policy.Name + " of " + d.Before.Name.String(), true
	}
	return "", false
}

// defaultsAlong reports the defaults that go with a sequence which a statement
// drops, and that their columns still lack at commit. A new table counts too: it
// may take the place of a deployed one, and nobody meant its rows to have no
// number.
func defaultsAlong(p *rule.Pass, t *rule.Tx, s *rule.Stmt) {
	if s.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_SEQUENCE {
		return // that is what CASCADE is for there: column-drop-default
	}
	var taken []string
	instead := "let a column that stays own the sequence first, and leave CASCADE out:"
	for i := range s.Deltas {
		d := &s.Deltas[i]
		if d.Kind != catalog.ColumnDefaultChanged || d.New.Default != nil || d.Old.Takes == 0 || d.Before.Persistence == catalog.Temporary || s.After.Relation(d.Old.Takes) != nil {
			continue
		}
		r := t.After.Relation(d.OID)
		if r == nil {
			continue
		}
		if c := r.Attr(d.New.Attnum); c != nil && c.Default == nil && c.Identity == "" {
			taken = append(taken, "the default of column "+c.Name+" of "+d.Before.Name.String())
			instead += "\nALTER SEQUENCE " + analysis.Table(s.Before.Relation(d.Old.Takes).Name) + " OWNED BY " + analysis.Table(d.Before.Name) + "." + pgparse.QuoteIdent(c.Name) + ";"
		}
	}
	if len(taken) > 0 {
		p.Report(s, rule.Report{
			Fact:    "CASCADE takes along " + advice.Enumerate(taken) + ", with the sequence",
			Harm:    "INSERTs that leave the column out fail, or store NULL there",
			Instead: instead,
		})
	}
}

func named(s *rule.Stmt, name catalog.Name) bool {
	return dropsByName(s, name, s.Node.GetDropStmt().GetRemoveType())
}

// onAltered reports whether a delta is on the table that the statement alters.
func onAltered(s *rule.Stmt, d *rule.Delta) bool {
	return s.Node.GetAlterTableStmt() != nil && s.Node.GetAlterTableStmt().GetRelation().GetRelname() == d.Before.Name.Name
}

// again reports whether the transaction made again what went along.
func again(t *rule.Tx, d *rule.Delta) bool {
	switch d.Kind {
	case catalog.RelationDropped:
		return successor(t, d.Before.Name) != nil
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
