package column

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// required reports whether an INSERT that leaves the column out fails. A
// domain may have the default that the column lacks.
func required(c *catalog.Catalog, col *catalog.Column) bool {
	if !col.Required() {
		return false
	}
	t := c.Type(col.Type.OID)
	return t == nil || t.Kind != catalog.Domain || t.Default == nil
}

// filled is the severity of columns that INSERTs leave out: only a warning when
// a trigger may fill one, else the rule's own.
func filled(c *catalog.Catalog, r *catalog.Relation, columns ...string) onward.Severity {
	for _, t := range r.Triggers {
		if t.Enabled && t.Row && t.Timing == "before" && strings.Contains(t.Events, "insert") &&
			slices.ContainsFunc(columns, func(name string) bool { return mayFill(c, t, name) }) {
			return onward.Warning
		}
	}
	return onward.Off
}

// What of a PL/pgSQL body may give columns of NEW values: by name, or all.
var (
	setsColumn = regexp.MustCompile(`(?i)\bnew\s*\.\s*("[^"]+"|\w+)\s*(\[[^\]]*\]\s*)?:?=`)
	setsRow    = regexp.MustCompile(`(?i)\bnew\s*:?=|\b(into|call)\b[^;]*\bnew\b`)
	returned   = regexp.MustCompile(`(?i)\breturn\s+([^;]*)`)
)

// mayFill reports whether a trigger may give a column of the row a value. Only
// what the body of its function cannot do is left out.
func mayFill(c *catalog.Catalog, t *catalog.Trigger, column string) bool {
	body, known := triggerBody(c, t)
	if !known || setsRow.MatchString(body) {
		return true
	}
	for _, m := range returned.FindAllStringSubmatch(body, -1) {
		switch strings.ToLower(strings.TrimSpace(m[1])) {
		case "new", "old", "null":
		default:
			return true
		}
	}
	return slices.ContainsFunc(setsColumn.FindAllStringSubmatch(body, -1), func(m []string) bool {
		return strings.EqualFold(strings.Trim(m[1], `"`), column)
	})
}

// triggerBody is the PL/pgSQL that a trigger runs; not known when the catalog
// has it not, or the function is written in another language.
func triggerBody(c *catalog.Catalog, t *catalog.Trigger) (body string, known bool) {
	list := c.Functions(t.Function.Schema, t.Function.Name)
	if len(list) != 1 || list[0].Language != "plpgsql" || list[0].Body == "" {
		return "", false
	}
	return list[0].Body, true
}
