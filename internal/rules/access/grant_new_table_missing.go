package access

import (
	"sort"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// GrantNewTableMissing flags a new table without the privileges that all others
// have. https://www.postgresql.org/docs/current/ddl-priv.html
var GrantNewTableMissing = &rule.Rule{
	ID:       "grant-new-table-missing",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a new table lacks the privileges that the other tables of its schema have",
	Harm: "A table belongs to the role that runs the migration, and nobody else may touch it. " +
		"Where every other table has a GRANT for the role of the application, the new code fails on this one with \"permission denied\", in production only: " +
		"locally one role does everything.",
	Instead:   "Grant the same on the new table, or set it once for all with ALTER DEFAULT PRIVILEGES.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-priv.html", "https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html"},
	Migration: checkNewTableGrants,
}

func checkNewTableGrants(p *rule.Pass, m *rule.Migration) {
	if len(m.Statements) == 0 {
		return
	}
	end := m.After()
	for _, d := range m.EachChange() {
		if d.Kind != catalog.RelationCreated || !d.After.Kind.IsTable() || d.After.Parent != 0 || d.After.Name.Schema == "pg_temp" {
			continue
		}
		now := end.Relation(d.OID)
		if now == nil || now.Owner != "" {
			continue
		}
		if old := p.Release.Deployed.Lookup(now.Name.Schema, now.Name.Name); old != nil && len(old.Grants) > 0 {
			continue // grant-recreated-missing
		}
		missing, example := findUsualGrantees(p.Release.Deployed, now.Name.Schema, now.Grants)
		if len(missing) == 0 || hasDefaultPrivileges(end, "") {
			continue
		}
		list := strings.Join(missing, ", ")
		p.Report(d, rule.Report{
			Cause:   "nor have %d other new tables",
			Fact:    "table " + now.Name.String() + " has no privileges for " + list + ", which the other tables of schema " + now.Name.Schema + " have",
			Harm:    "code that connects as " + list + " fails on " + now.Name.String() + ": permission denied for table " + now.Name.Name,
			Instead: "grant what the others have:\n" + recipe.Grant(strings.ToUpper(example), now, list) + ";",
		})
	}
}

// findUsualGrantees finds the roles that have a privilege on every deployed table of a
// schema, of which there are at least three, and none among have. example is
// what the first of them is granted.
func findUsualGrantees(c *catalog.Catalog, schema string, have []catalog.Grant) (missing []string, example string) {
	tables := 0
	counts := map[string]int{}
	granted := map[string]map[string]int{}
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Name.Schema != schema || !r.Kind.IsTable() || r.Inferred || r.Parent != 0 {
			return true
		}
		tables++
		seen := map[string]bool{}
		for _, g := range r.Grants {
			if granted[g.Role] == nil {
				granted[g.Role] = map[string]int{}
			}
			granted[g.Role][g.Privilege]++
			if !seen[g.Role] {
				seen[g.Role] = true
				counts[g.Role]++
			}
		}
		return true
	})
	for _, g := range have {
		delete(counts, g.Role)
	}
	for role, n := range counts {
		// postgres is the superuser's default name.
		if tables >= 3 && n == tables && role != "postgres" {
			missing = append(missing, role)
		}
	}
	sort.Strings(missing)
	if len(missing) == 0 {
		return nil, ""
	}
	var list []string
	for privilege, n := range granted[missing[0]] {
		if n == tables {
			list = append(list, privilege)
		}
	}
	sort.Strings(list)
	if len(list) == 0 {
		list = []string{"…"}
	}
	return missing, strings.Join(list, ", ")
}
