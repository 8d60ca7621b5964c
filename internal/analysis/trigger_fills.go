package analysis

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// branches are the words of a PL/pgSQL body behind which a statement need not
// run.
var branches = regexp.MustCompile(`(?i)\b(?:if|case|loop|while|for|foreach|begin|exception|return|exit|continue)\b`)

// Given reports whether a trigger gives the column a value in each row that is
// inserted: the first thing that its function does to it, and without a condition.
func Given(c *catalog.Catalog, r *catalog.Relation, column string) bool {
	return given(c, r, column, "insert")
}

// GivenAnew is Given for each row that is updated.
func GivenAnew(c *catalog.Catalog, r *catalog.Relation, column string) bool {
	return given(c, r, column, "update")
}

func given(c *catalog.Catalog, r *catalog.Relation, column, event string) bool {
	return slices.ContainsFunc(r.Triggers, func(t *catalog.Trigger) bool {
		if !t.Row || !t.Precedes(event) || t.When != nil || event == "update" && len(t.Columns) > 0 {
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

// MayFill reports whether a trigger may give a column of the row a value. Only
// what the body of its function cannot do is left out.
func MayFill(c *catalog.Catalog, t *catalog.Trigger, column string) bool {
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

// Filler is a trigger that may give one of the columns a value in each row that
// is inserted; nil when there is none.
func Filler(c *catalog.Catalog, r *catalog.Relation, columns []string) *catalog.Trigger {
	for _, t := range r.Triggers {
		if t.Row && t.Precedes("insert") && slices.ContainsFunc(columns, func(name string) bool { return MayFill(c, t, name) }) {
			return t
		}
	}
	return nil
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
