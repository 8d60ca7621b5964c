package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// GrantSequenceMissing flags a role that may insert into a new table, and may not take
// the numbers of its rows. https://www.postgresql.org/docs/current/ddl-priv.html
var GrantSequenceMissing = &rule.Rule{
	ID:       "grant-sequence-missing",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a role may insert into a new table, but not use the sequence of its serial column",
	Harm: "The sequence of a serial column has privileges of its own: GRANT INSERT on the table is not enough. " +
		"The first INSERT of the new code fails with \"permission denied for sequence\", in production only: locally one role does everything.",
	Instead:   "Grant USAGE on the sequence too, or make the column an identity, whose sequence needs no privilege.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-priv.html", "https://www.postgresql.org/docs/current/sql-createtable.html"},
	Migration: sequenceMissing,
}

func sequenceMissing(p *rule.Pass, m *rule.Migration) {
	if len(m.Statements) == 0 {
		return
	}
	end := m.After()
	for _, d := range m.CreatedTables() {
		t := end.Relation(d.OID)
		if t == nil || t.Owner != "" || len(t.Grants) == 0 || hasDefaultPrivileges(end, "") {
			continue
		}
		for _, c := range t.Columns {
			seq := serialSequence(end, c)
			if seq == nil {
				continue
			}
			var missing []string
			for _, role := range rolesThatInsert(t) {
				if !mayCallNextval(seq, role) && hasAllSequences(p, role) {
					missing = append(missing, role)
				}
			}
			if len(missing) == 0 {
				continue
			}
			list := strings.Join(missing, ", ")
			p.Report(findLastGrant(m, t, d.By), rule.Report{
				Cause:   "nor on the sequences of %d other new tables",
				Fact:    list + " may insert into " + t.Name.String() + ", but has no privilege on " + seq.Name.String() + ", which numbers column " + c.Name,
				Harm:    "INSERTs of code that connects as " + list + " fail: permission denied for sequence " + seq.Name.Name,
				Instead: "grant it, as on the other sequences:\n" + recipe.Grant("USAGE, SELECT", seq, list) + ";",
			})
		}
	}
}

// serialSequence is the sequence of a serial column; nil for any other. That of an
// identity column asks for no privilege.
func serialSequence(c *catalog.Catalog, col *catalog.Column) *catalog.Relation {
	if col.Sequence == 0 || col.Identity != "" || col.Default == nil {
		return nil
	}
	return c.Relation(col.Sequence)
}

// rolesThatInsert are the roles that may insert into a table, in their order.
func rolesThatInsert(t *catalog.Relation) []string {
	var out []string
	for _, g := range t.Grants {
		if (g.Privilege == "insert" || g.Privilege == "all") && g.Role != "postgres" && !slices.Contains(out, g.Role) {
			out = append(out, g.Role)
		}
	}
	slices.Sort(out)
	return out
}

// mayCallNextval reports whether a role may call nextval of a sequence.
func mayCallNextval(seq *catalog.Relation, role string) bool {
	return seq.Owner == role || slices.ContainsFunc(seq.Grants, func(g catalog.Grant) bool {
		return (g.Role == role || strings.EqualFold(g.Role, "public")) && (g.Privilege == "usage" || g.Privilege == "update" || g.Privilege == "all")
	})
}

// hasAllSequences reports whether a role has been given the sequence of each deployed
// table that it may insert into: it needs to be, then, and no other role that it
// is a member of does it for it.
func hasAllSequences(p *rule.Pass, role string) bool {
	roles := rule.BuildOnce(&p.Release.Notes, func() sequenceHabits { return sequenceHabits{} })
	known, ok := roles[role]
	if !ok {
		known = alwaysTakes(p.Release.Deployed, role)
		roles[role] = known
	}
	return known
}

// sequenceHabits are the roles that accustomed was asked for.
type sequenceHabits map[string]bool

func alwaysTakes(c *catalog.Catalog, role string) bool {
	given := 0
	all := true
	c.EachRelation(func(t *catalog.Relation) bool {
		if !t.Kind.IsTable() || t.Inferred || !slices.Contains(rolesThatInsert(t), role) {
			return true
		}
		for _, col := range t.Columns {
			if seq := serialSequence(c, col); seq != nil {
				given++
				all = all && mayCallNextval(seq, role)
			}
		}
		return all
	})
	return all && given > 0
}

// findLastGrant is the last statement of a migration that grants on a table, else the one
// that makes it.
func findLastGrant(m *rule.Migration, t *catalog.Relation, made *rule.Stmt) *rule.Stmt {
	by := rule.BuildOnce(&m.Notes, func() grants {
		out := grants{}
		for _, s := range rule.StatementsOf[*pgparse.Node_GrantStmt](m) {
			g := s.Node.GetGrantStmt()
			if !g.GetIsGrant() || g.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE {
				continue
			}
			for _, n := range g.GetObjects() {
				if r, _ := s.After.Resolve(n.GetRangeVar()); r != nil {
					out[r.OID] = s
				}
			}
		}
		return out
	})[t.OID]
	if by == nil {
		return made
	}
	return by
}

// grants are the last statements of a migration that grant on a table.
type grants map[catalog.OID]*rule.Stmt
