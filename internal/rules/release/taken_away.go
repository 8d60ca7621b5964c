package release

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// takenAway is something that a statement takes away or changes, of which nobody can say whether deployed code uses it.
type takenAway struct {
	by     *rule.Stmt
	kind   string       // as the catalog keeps it
	object catalog.Name // as the catalog keeps it
	label  string       // "user mapping for app on server far"; kind and name if it is empty
	named  bool         // a finding of another rule may name it
	fact   string       // "is gone after the statement"
	harm   string
}

// judgedDrops are the kinds of objects whose DROP needs no finding of this rule: other rules, the comparison of the schemas or the server judge
// it. Any other kind is reported.
var judgedDrops = map[pgparse.ObjectType]string{
	pgparse.ObjectType_OBJECT_TABLE:           "table-drop",
	pgparse.ObjectType_OBJECT_FOREIGN_TABLE:   "table-drop",
	pgparse.ObjectType_OBJECT_VIEW:            "view-drop",
	pgparse.ObjectType_OBJECT_MATVIEW:         "view-drop",
	pgparse.ObjectType_OBJECT_SEQUENCE:        "sequence-drop",
	pgparse.ObjectType_OBJECT_INDEX:           "index-drop-first",
	pgparse.ObjectType_OBJECT_TYPE:            "type-drop",
	pgparse.ObjectType_OBJECT_DOMAIN:          "type-drop",
	pgparse.ObjectType_OBJECT_FUNCTION:        "function-drop",
	pgparse.ObjectType_OBJECT_PROCEDURE:       "function-drop",
	pgparse.ObjectType_OBJECT_ROUTINE:         "function-drop",
	pgparse.ObjectType_OBJECT_AGGREGATE:       "function-drop",
	pgparse.ObjectType_OBJECT_SCHEMA:          "schema-drop",
	pgparse.ObjectType_OBJECT_TRIGGER:         "trigger-drop",
	pgparse.ObjectType_OBJECT_POLICY:          "policy-hides-rows",
	pgparse.ObjectType_OBJECT_RULE:            "table-rule-drop",
	pgparse.ObjectType_OBJECT_EXTENSION:       "extension-drop",
	pgparse.ObjectType_OBJECT_PUBLICATION:     "publication-drop",
	pgparse.ObjectType_OBJECT_OPERATOR:        "function-drop-operator",
	pgparse.ObjectType_OBJECT_CAST:            "function-drop-operator",
	pgparse.ObjectType_OBJECT_COLLATION:       "release-use-lost",
	pgparse.ObjectType_OBJECT_TSCONFIGURATION: "release-use-lost",
	pgparse.ObjectType_OBJECT_STATISTIC_EXT:   "only the planner reads it",
	pgparse.ObjectType_OBJECT_OPCLASS:         "the server refuses while an index has it",
	pgparse.ObjectType_OBJECT_OPFAMILY:        "the server refuses while an index has it",
	pgparse.ObjectType_OBJECT_ACCESS_METHOD:   "the server refuses while a relation has it",
	pgparse.ObjectType_OBJECT_TSPARSER:        "the server refuses while a configuration has it",
	pgparse.ObjectType_OBJECT_TSTEMPLATE:      "the server refuses while a dictionary has it",
	pgparse.ObjectType_OBJECT_TRANSFORM:       "the server refuses while a function has it",
	pgparse.ObjectType_OBJECT_EVENT_TRIGGER:   "it fires for changes of the schema",
}

// judgedRenames are those for RENAME and SET SCHEMA, beside judgedDrops.
var judgedRenames = map[pgparse.ObjectType]string{
	pgparse.ObjectType_OBJECT_COLUMN:         "column-rename",
	pgparse.ObjectType_OBJECT_ATTRIBUTE:      "column-rename",
	pgparse.ObjectType_OBJECT_TABCONSTRAINT:  "constraint-rename",
	pgparse.ObjectType_OBJECT_DOMCONSTRAINT:  "no query names it",
	pgparse.ObjectType_OBJECT_ROLE:           "role-restricted",
	pgparse.ObjectType_OBJECT_DATABASE:       "database-closed",
	pgparse.ObjectType_OBJECT_TABLESPACE:     "no query names it",
	pgparse.ObjectType_OBJECT_TRIGGER:        "no query names it",
	pgparse.ObjectType_OBJECT_POLICY:         "no query names it",
	pgparse.ObjectType_OBJECT_RULE:           "no query names it",
	pgparse.ObjectType_OBJECT_FDW:            "no query names it",
	pgparse.ObjectType_OBJECT_FOREIGN_SERVER: "no query names it",
	pgparse.ObjectType_OBJECT_CONVERSION:     "no query names it",
	pgparse.ObjectType_OBJECT_SUBSCRIPTION:   "no query names it",
	pgparse.ObjectType_OBJECT_PUBLICATION:    "publication-drop",
	pgparse.ObjectType_OBJECT_EVENT_TRIGGER:  "no query names it",
}

// reachOptions are the options of a foreign server or a user mapping that say where its tables are, and as whom they are read.
var reachOptions = []string{"host", "hostaddr", "port", "dbname", "service", "user", "password", "filename", "program", "address", "database", "username"}

// listTakenObjects lists what a statement takes away by its form, beside what a comparison of the schemas shows.
func listTakenObjects(p *rule.Pass, s *rule.Stmt) []takenAway {
	const gone = "is gone after the statement"
	const otherRows = "queries on foreign tables that need it fail, or read other rows"
	const otherOptions = "has other options after the statement"
	const otherWords = "gives other words after the statement"
	const unlikeStored = "the deployed code searches with other words than those that are stored, and finds other rows"
	mapping := func(user *pgparse.RoleSpec, server, fact string) []takenAway {
		return []takenAway{{
			kind: "user mapping", object: catalog.Name{Schema: server, Name: user.GetRolename()},
			label: "user mapping for " + formatRole(user) + " on server " + server, fact: fact, harm: otherRows,
		}}
	}
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.DropStmt:
		if judgedDrops[x.GetRemoveType()] != "" {
			return nil
		}
		var out []takenAway
		for _, o := range analysis.ListDropped(s.Node, x.GetRemoveType()) {
			removal := takenAway{kind: catalog.ObjectWord(x.GetRemoveType()), object: o.Name, named: true, fact: gone}
			if !isDropHarmless(p, s, removal, x.GetMissingOk()) {
				out = append(out, removal)
			}
		}
		return out
	case *pgparse.DropUserMappingStmt:
		if out := mapping(x.GetUser(), x.GetServername(), gone); !isDropHarmless(p, s, out[0], x.GetMissingOk()) {
			return out
		}
	case *pgparse.DropSubscriptionStmt:
		const harm = "deployed code reads rows that no longer change with the publisher's"
		removal := takenAway{kind: "subscription", object: catalog.Name{Name: x.GetSubname()}, named: true, fact: gone, harm: harm}
		if !isDropHarmless(p, s, removal, x.GetMissingOk()) {
			return []takenAway{removal}
		}
	case *pgparse.AlterForeignServerStmt:
		if hasReachOption(x.GetOptions()) {
			return []takenAway{{kind: "server", object: catalog.Name{Name: x.GetServername()}, fact: otherOptions, harm: otherRows}}
		}
	case *pgparse.AlterUserMappingStmt:
		if hasReachOption(x.GetOptions()) {
			return mapping(x.GetUser(), x.GetServername(), otherOptions)
		}
	case *pgparse.RenameStmt:
		if kind := x.GetRenameType(); judgedDrops[kind] == "" && judgedRenames[kind] == "" {
			name := findObjectName(x.GetObject(), x.GetSubname())
			return []takenAway{{kind: catalog.ObjectWord(kind), object: catalog.Name{Name: name}, fact: "has another name after the statement"}}
		}
	case *pgparse.AlterObjectSchemaStmt:
		switch kind := x.GetObjectType(); {
		case kind == pgparse.ObjectType_OBJECT_EXTENSION && x.GetNewschema() == "public":
			return nil // names without a schema find it
		case kind == pgparse.ObjectType_OBJECT_EXTENSION || judgedDrops[kind] == "" && judgedRenames[kind] == "":
			name := findObjectName(x.GetObject(), "")
			return []takenAway{{kind: catalog.ObjectWord(kind), object: catalog.Name{Name: name}, fact: "is in schema " + x.GetNewschema() + " after the statement"}}
		}
	case *pgparse.AlterTSConfigurationStmt:
		if x.GetKind() != pgparse.AlterTSConfigType_ALTER_TSCONFIG_ADD_MAPPING {
			name := catalog.Name{Name: pgparse.LastText(x.GetCfgname())}
			return []takenAway{{kind: "text search configuration", object: name, named: true, fact: otherWords, harm: unlikeStored}}
		}
	case *pgparse.AlterTSDictionaryStmt:
		name := catalog.Name{Name: pgparse.LastText(x.GetDictname())}
		return []takenAway{{kind: "text search dictionary", object: name, named: true, fact: otherWords, harm: unlikeStored}}
	}
	return nil
}

// isDropHarmless reports whether a statement drops nothing that anybody misses: the object is there after the transaction, or IF EXISTS skips it.
func isDropHarmless(p *rule.Pass, s *rule.Stmt, x takenAway, missingOK bool) bool {
	if findObject(s.Tx.After, x) != nil || !missingOK || findObject(s.Before, x) != nil {
		return findObject(s.Tx.After, x) != nil
	}
	isKnown := p.Release.Known && x.kind != "language" // a new database has PL/pgSQL
	return isKnown || s.Before.IsObjectDropped(x.kind, x.object)
}

// findObject finds what a statement names with or without its schema.
func findObject(c *catalog.Catalog, x takenAway) *catalog.Object {
	if o := c.Object(x.kind, x.object); o != nil || x.object.Schema != "" {
		return o
	}
	return c.Object(x.kind, catalog.Name{Schema: "public", Name: x.object.Name})
}

func hasReachOption(list []*pgparse.Node) bool {
	return slices.ContainsFunc(list, func(n *pgparse.Node) bool {
		return slices.Contains(reachOptions, strings.ToLower(n.GetDefElem().GetDefname()))
	})
}

func formatRole(r *pgparse.RoleSpec) string {
	name, _ := analysis.QuoteRole(r)
	return name
}

// findObjectName returns the name of the object of a statement that works on any kind.
func findObjectName(n *pgparse.Node, otherwise string) string {
	for _, name := range []string{pgparse.LastText(pgparse.ListItems(n)), pgparse.StringText(n), otherwise} {
		if name != "" {
			return name
		}
	}
	return "of the statement"
}

func gatherTakenObjects(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Tx == nil || s.Tx.RolledBack || s.Node == nil || m.Runner.AfterDeploy {
			continue
		}
		for _, x := range listTakenObjects(p, s) {
			if findObject(s.Before, x) != nil && findObject(p.Release.Deployed, x) == nil {
				continue // the release made it
			}
			x.by = s
			p.KeepValue(x)
		}
	}
}

func reportTakenObjects(p *rule.Pass, _ *rule.Release) {
	for _, x := range rule.KeptValues[takenAway](p) {
		if x.named && p.IsLossClaimed(x.by, x.object.Name) {
			continue
		}
		p.Report(x.by, rule.Report{
			Fact:     cmp.Or(x.label, x.kind+" "+x.object.String()) + " " + x.fact,
			Harm:     cmp.Or(x.harm, "deployed code that uses it fails"),
			Instead:  "see that no deployed code needs it, or do this a release later",
			Severity: onward.Warning,
		})
	}
}
