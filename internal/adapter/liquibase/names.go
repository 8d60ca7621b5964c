package liquibase

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// quoteName writes a name as Liquibase does for Postgres: in quotes if it has capitals and small letters, bytes that a name
// cannot have, or is a reserved word. Else Postgres takes it in small letters.
func quoteName(name string) string {
	name = strings.TrimSpace(name)
	if strings.HasPrefix(name, `"`) && strings.HasSuffix(name, `"`) && len(name) > 1 {
		return name
	}
	lower := strings.ToLower(name)
	if lower != name && strings.ToUpper(name) != name {
		return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	if quoted := pgparse.QuoteIdent(lower); quoted == lower {
		return lower
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// qualifyName writes a name with its schema. A schema whose value is given when Liquibase runs is left out: it is the default one.
func qualifyName(schema, name string) string {
	if before, after, found := strings.Cut(name, "."); found && schema == "" && before != "" {
		schema, name = before, after
	}
	if schema == "" || strings.Contains(schema, "${") {
		return quoteName(name)
	}
	return quoteName(schema) + "." + quoteName(name)
}

// joinNames writes a list of names, separated by commas.
func joinNames(list string) string {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, quoteName(name))
	}
	return strings.Join(out, ", ")
}

// quoteText writes a text as a literal.
func quoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
