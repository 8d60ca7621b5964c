package database

import (
	"fmt"
	"sort"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// describeContent lists what deployed code can know of a schema, in words: "tables a
// and b". It is "" for an empty one.
func describeContent(p *rule.Pass, c *catalog.Catalog, schema string) string {
	var names []string
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Name.Schema == schema && (r.Kind.IsTable() || r.View != nil || r.Kind == catalog.ForeignTable) && p.InUse(r) {
			names = append(names, r.Name.Name)
		}
		return true
	})
	sort.Strings(names)
	if len(names) > 4 {
		return strings.Join(names[:4], ", ") + fmt.Sprintf(" and %d more", len(names)-4)
	}
	return strings.Join(names, ", ")
}

// reportSchemaLoss finishes a finding on a schema that goes away.
func reportSchemaLoss(p *rule.Pass, s *rule.Stmt, name string, r rule.Report) {
	u := p.Code.UsesName(catalog.Name{Name: name})
	r.Evidence = u.Evidence
	if inside := describeContent(p, s.Before, name); inside != "" {
		r.Harm = "queries of the deployed code on " + inside + " fail" + u.FirstPlace() + ": relation does not exist"
	} else if !u.Used && (u.Known || s.Node.GetDropStmt().GetBehavior() != pgparse.DropBehavior_DROP_CASCADE ||
		s.Before.Object("schema", catalog.Name{Name: name}) != nil) {
		r.Severity = onward.Warning
	}
	p.Report(s, r)
}
