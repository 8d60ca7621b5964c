package removal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeDrop flags DROP TYPE and DROP DOMAIN.
// https://www.postgresql.org/docs/current/sql-droptype.html
var TypeDrop = &rule.Rule{
	ID:       "type-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP TYPE breaks deployed code that casts to the type or looks it up",
	Harm: "Queries that cast to the type fail with \"type does not exist\". Drivers that register types by name when they connect (pgx, Npgsql, asyncpg, " +
		"psycopg adapters) fail on every new connection.",
	Instead:   "Drop it a release after the code that used it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-droptype.html"},
	Kinds:     rule.Drop,
	Statement: checkTypeDrop,
}

func checkTypeDrop(p *rule.Pass, s *rule.Stmt) {
	for _, o := range s.ListDrops(pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN) {
		t := s.Before.LookupType(o.Schema, o.Name.Name)
		name := o.Name
		switch {
		case t == nil && s.IfExists() && (!isSchemaUnknown(p) || s.Migration.After().LookupType(o.Schema, o.Name.Name) != nil),
			t != nil && !p.DeployedType(t):
			continue // nothing tells that it is there
		case t != nil:
			name = deployedName(p, t)
		}
		if s.Tx.After.LookupType(name.Schema, name.Name) != nil {
			continue // made anew: type-enum-recreate compares the values
		}
		u := p.Code.UsesType(name)
		r := describeDrop("type", name.String(), u)
		if droppedColumns := listDroppedWith(p, s, t); droppedColumns != "" {
			// What the deployed code does with the values fails for the columns:
			// that is a finding of theirs.
			r.Severity = onward.Info
			r.Fact += ", as " + droppedColumns + " that had it"
			r.Harm = "what names the type by itself fails, too: a driver that looks its types up when it connects"
			r.Cause = "and %d other types go with theirs"
		}
		p.Report(s, r)
	}
}

// listDroppedWith names the columns of a type that the release drops, or their tables, if
// deployed code uses the type. It returns "" if a column only changes its type, or was
// dropped before.
func listDroppedWith(p *rule.Pass, s *rule.Stmt, t *catalog.UserType) string {
	if t == nil {
		return ""
	}
	var names []string
	used := false
	for _, r := range p.Release.Deployed.TypedBy(t.OID) {
		if !r.Kind.IsTable() {
			continue
		}
		now := s.Before.Relation(r.OID)
		for _, c := range r.Columns {
			switch {
			case c.Type.OID != t.OID:
				continue
			case now == nil:
				used = used || p.Code.FindUses(r.Name, "").Used
			case now.Attr(c.Attnum) != nil:
				return ""
			default:
				used = used || p.Code.FindUses(r.Name, c.Name).Used
			}
			names = append(names, r.Name.String()+"."+c.Name)
		}
	}
	switch {
	case !used:
		return ""
	case len(names) == 1:
		return "is the column " + names[0]
	}
	return "are the columns " + prose.EnumerateNames(names)
}

// deployedName is the name of a type in the deployed schema.
func deployedName(p *rule.Pass, t *catalog.UserType) catalog.Name {
	if old := p.Release.Deployed.Type(t.OID); old != nil {
		return old.Name
	}
	return t.Name
}
