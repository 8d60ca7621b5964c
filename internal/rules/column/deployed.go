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
	if filler(c, r, columns) != nil {
		return onward.Warning
	}
	return onward.Off
}

// unless names the trigger that may fill a column that INSERTs leave out, as the
// end of a sentence that says they fail.
func unless(c *catalog.Catalog, r *catalog.Relation, columns ...string) string {
	if t := filler(c, r, columns); t != nil {
		return ", unless trigger " + t.Name + " fills " + one(len(columns), "it", "them")
	}
	return ""
}

func filler(c *catalog.Catalog, r *catalog.Relation, columns []string) *catalog.Trigger {
	for _, t := range r.Triggers {
		if t.Row && t.Precedes("insert") && slices.ContainsFunc(columns, func(name string) bool { return mayFill(c, t, name) }) {
			return t
		}
	}
	return nil
}

// branches are the words of a PL/pgSQL body behind which a statement need not
// run.
var branches = regexp.MustCompile(`(?i)\b(?:if|case|loop|while|for|foreach|begin|exception|return|exit|continue)\b`)

// given reports whether a trigger gives the column a value in each row that is
// inserted: the first thing that its function does to it, and without a condition.
func given(c *catalog.Catalog, r *catalog.Relation, column string) bool {
	return slices.ContainsFunc(r.Triggers, func(t *catalog.Trigger) bool {
		if !t.Row || !t.Precedes("insert") || t.When != nil {
			return false
		}
		body, known := triggerBody(c, t)
		_, begun, found := strings.Cut(strings.ToLower(body), "begin")
		if !known || !found {
			return false
		}
		for _, m := range setsColumn.FindAllStringSubmatchIndex(begun, -1) {
			if strings.Trim(begun[m[2]:m[3]], `"`) != strings.ToLower(column) || m[4] >= 0 {
				continue
			}
			value, _, _ := strings.Cut(begun[m[1]:], ";")
			return !branches.MatchString(begun[:m[0]]) && strings.TrimSpace(value) != "null" && !strings.Contains(value, "old")
		}
		return false
	})
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
