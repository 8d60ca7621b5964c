package access

import (
	"iter"
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
	Migration: checkSequenceGrants,
}

func checkSequenceGrants(p *rule.Pass, m *rule.Migration) {
	if len(m.Statements) == 0 {
		return
	}
	end := m.After()
	for _, d := range m.CreatedTables() {
		if t := end.Relation(d.OID); t != nil && t.Owner == "" {
			for _, c := range t.Columns {
				reportSequence(p, m, &numbered{t, c, numberingSequence(end, c), true}, d.By)
			}
		}
	}
	for _, d := range m.EachChange() {
		if d.Kind != catalog.ColumnAdded && d.Kind != catalog.ColumnDefaultChanged || d.By == nil || d.After.Owner != "" || p.IsNew(d.OID) {
			continue
		}
		seq := numberingSequence(end, d.New)
		if seq != nil && p.Release.Deployed.Relation(seq.OID) == nil {
			reportSequence(p, m, &numbered{d.After, d.New, seq, false}, d.By)
		}
	}
}

// numbered is a column whose default takes the numbers of a sequence. created: its table is new.
type numbered struct {
	table    *catalog.Relation
	column   *catalog.Column
	sequence *catalog.Relation
	created  bool
}

func reportSequence(p *rule.Pass, m *rule.Migration, n *numbered, stmt *rule.Stmt) {
	if n.sequence == nil {
		return
	}
	end := m.After()
	var missing []string
	for _, role := range rolesThatInsert(n.table) {
		if lacksSequence(p, end, n, role, hasDefaultPrivilegeOn(end, "insert on tables", n.table.Name.Schema, role)) {
			missing = append(missing, role)
		}
	}
	if n.created {
		for _, role := range listDefaultRoles(end, n.table.Name.Schema) {
			if !slices.Contains(missing, role) && lacksSequence(p, end, n, role, true) {
				missing = append(missing, role)
			}
		}
	}
	if len(missing) == 0 {
		return
	}
	t, seq := n.table, n.sequence
	list := strings.Join(missing, ", ")
	r := rule.Report{
		Cause:   "nor on the sequences of %d other new tables",
		Fact:    list + " may insert into " + t.Name.String() + ", but has no privilege on " + seq.Name.String() + ", which numbers column " + n.column.Name,
		Harm:    "INSERTs of code that connects as " + list + " fail: permission denied for sequence " + seq.Name.Name,
		Instead: "grant it, as on the other sequences:\n" + recipe.Grant("USAGE, SELECT", seq, list) + ";",
	}
	if hasDefaultPrivilegeOn(end, "insert on tables", t.Name.Schema, missing[0]) {
		r.Harm += ": the default privileges of its schema are for tables only"
		r.Instead = "grant it, and set it for all sequences to come:\n" + recipe.Grant("USAGE, SELECT", seq, list) + ";\n" +
			"ALTER DEFAULT PRIVILEGES IN SCHEMA " + pgparse.QuoteIdent(t.Name.Schema) + " GRANT USAGE, SELECT ON SEQUENCES TO " + list + ";"
	}
	p.Report(findLastGrant(m, t, stmt), r)
}

// lacksSequence reports whether a role may not take the numbers of a column that it may write. byDefault: default privileges let
// it write new tables, so no other role does that for it, unless it writes a deployed table whose sequence it has no privilege on.
func lacksSequence(p *rule.Pass, c *catalog.Catalog, n *numbered, role string, byDefault bool) bool {
	if mayCallNextval(n.sequence, role) || hasDefaultPrivilegeOn(c, "usage on sequences", n.sequence.Name.Schema, role) {
		return false
	}
	if !byDefault {
		return hasAllSequences(p, role)
	}
	return !hasUngrantedSequence(p, n.table.Name.Schema, role)
}

// hasUngrantedSequence reports whether a deployed table of a schema takes numbers of a sequence on which a role has no privilege.
func hasUngrantedSequence(p *rule.Pass, schema, role string) bool {
	found := false
	p.Release.Deployed.EachRelation(func(t *catalog.Relation) bool {
		if t.Name.Schema != schema || !t.Kind.IsTable() {
			return true
		}
		for _, c := range t.Columns {
			if seq := numberingSequence(p.Release.Deployed, c); seq != nil && !mayCallNextval(seq, role) {
				found = true
			}
		}
		return !found
	})
	return found
}

// defaultPrivilegesIn gives the default privileges for new objects of a schema.
func defaultPrivilegesIn(c *catalog.Catalog, schema string) iter.Seq[catalog.Grant] {
	return func(yield func(catalog.Grant) bool) {
		c.EachObject("default privileges", func(o *catalog.Object) bool {
			_, list, limited := strings.Cut(o.Name.Name, " in ")
			if limited && !slices.Contains(strings.Split(list, ", "), schema) {
				return true
			}
			for _, g := range o.Grants {
				if !yield(g) {
					return false
				}
			}
			return true
		})
	}
}

// hasDefaultPrivilegeOn reports whether default privileges give a role a privilege on new objects of a schema: "insert on tables".
func hasDefaultPrivilegeOn(c *catalog.Catalog, privilege, schema, role string) bool {
	_, kind, _ := strings.Cut(privilege, " on ")
	for g := range defaultPrivilegesIn(c, schema) {
		if (g.Role == role || g.Role == "public") && (g.Privilege == privilege || g.Privilege == "all on "+kind ||
			kind == "sequences" && g.Privilege == "update on sequences") {
			return true
		}
	}
	return false
}

// listDefaultRoles lists the roles that may insert into each new table of a schema by default.
func listDefaultRoles(c *catalog.Catalog, schema string) []string {
	var out []string
	for g := range defaultPrivilegesIn(c, schema) {
		if (g.Privilege == "insert on tables" || g.Privilege == "all on tables") && g.Role != "postgres" && g.Role != "public" && !slices.Contains(out, g.Role) {
			out = append(out, g.Role)
		}
	}
	slices.Sort(out)
	return out
}

// numberingSequence is the sequence whose numbers the default of a column takes; nil for none. That of an identity column asks for
// no privilege.
func numberingSequence(c *catalog.Catalog, col *catalog.Column) *catalog.Relation {
	if col.Takes == 0 || col.Identity != "" {
		return nil
	}
	return c.Relation(col.Takes)
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
		known = mayUseAllSequences(p.Release.Deployed, role)
		roles[role] = known
	}
	return known
}

// sequenceHabits are the roles that hasAllSequences was asked for.
type sequenceHabits map[string]bool

func mayUseAllSequences(c *catalog.Catalog, role string) bool {
	sequenceCount := 0
	all := true
	c.EachRelation(func(t *catalog.Relation) bool {
		if !t.Kind.IsTable() || t.Inferred || !slices.Contains(rolesThatInsert(t), role) {
			return true
		}
		for _, col := range t.Columns {
			if seq := numberingSequence(c, col); seq != nil {
				sequenceCount++
				all = all && mayCallNextval(seq, role)
			}
		}
		return all
	})
	return all && sequenceCount > 0
}

// findLastGrant is the last statement of a migration that grants on a table, else the one
// that makes it.
func findLastGrant(m *rule.Migration, t *catalog.Relation, creator *rule.Stmt) *rule.Stmt {
	lastGrant := rule.BuildOnce(&m.Notes, func() grants {
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
	if lastGrant == nil {
		return creator
	}
	return lastGrant
}

// grants are the last statements of a migration that grant on a table.
type grants map[catalog.OID]*rule.Stmt
