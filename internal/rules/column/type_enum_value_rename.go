package column

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeEnumValueRename flags ALTER TYPE … RENAME VALUE.
// https://www.postgresql.org/docs/current/sql-altertype.html
var TypeEnumValueRename = &rule.Rule{
	ID:       "type-enum-value-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "renaming an enum value breaks deployed code that writes, compares or reads the old one",
	Harm: "All rows read the new name at once. Deployed code that writes or compares the old one fails with \"invalid input value for enum\", " +
		"and code that turns the text into its own enum fails on the new one.",
	Instead:   "Add the new value, let the code accept both, change the rows in batches, and keep the old value.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertype.html"},
	Kinds:     rule.Another,
	Statement: checkEnumValueRename,
}

func checkEnumValueRename(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetAlterEnumStmt()
	if stmt == nil || stmt.OldVal == "" || s.Tx.RolledBack || len(stmt.TypeName) == 0 {
		return
	}
	schema, name := pgparse.SchemaAndName(stmt.TypeName)
	typeName := catalog.Name{Schema: schema, Name: name}
	if t := s.Before.LookupType(schema, name); t != nil {
		old := p.Release.Deployed.Type(t.OID)
		if !p.DeployedType(t) || old != nil && !old.Inferred && !slices.Contains(old.Labels, stmt.OldVal) {
			return
		}
		if now := s.Tx.After.Type(t.OID); now != nil && slices.Contains(now.Labels, stmt.OldVal) {
			return // there again at commit
		}
		typeName = t.Name
	}
	r := rule.Report{
		Fact: "value '" + stmt.OldVal + "' of enum " + typeName.String() + " is renamed to '" + stmt.NewVal + "'",
		Harm: "deployed code that writes or compares '" + stmt.OldVal + "' fails: invalid input value for enum; what it reads is a value that it does not know",
		Instead: "add the new value, let the code accept both, and change the rows in batches:\n" +
			recipe.AddEnumValue(typeName, stmt.NewVal) + ";",
	}
	if word.MatchString(stmt.OldVal) && !isInFunctionBody(s.Before, stmt.OldVal) {
		switch u := p.Code.UsesLabel(typeName, stmt.OldVal); {
		case u.Used:
			r.Evidence = u.Evidence
		case u.Known:
			r.Severity, r.Harm = onward.Warning, u.DescribeBreak("'"+stmt.OldVal+"'")
		}
	}
	p.Report(s, r)
}

// word is a value that code spells as it is, or as a constant of its name.
var word = lazyregexp.New(`^\w{2,}$`)

// isInFunctionBody reports whether a function of the schema has a value in quotation marks.
func isInFunctionBody(c *catalog.Catalog, value string) bool {
	found := false
	c.EachFunction(func(f *catalog.Function) bool {
		found = strings.Contains(f.Body, "'"+value+"'")
		return !found
	})
	return found
}
