package verify

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// trigger is an enabled trigger of a table.
type trigger struct {
	Name string
	// Type has the bits of pg_trigger.tgtype.
	Type int
	// When is its definition, with its condition and columns.
	When           string
	Language, Body string
	// Own: its function is none of the server's.
	Own bool
}

// The bits of pg_trigger.tgtype (src/include/catalog/pg_trigger.h).
const (
	triggerRow, triggerBefore                   = 1, 2
	triggerInsert, triggerDelete, triggerUpdate = 4, 8, 16
)

// findNewTriggers are those that a query sets off, and that are new or changed.
func (r *relation) findNewTriggers(before *relation, w *tableWrites) []trigger {
	var out []trigger
	for _, t := range r.Triggers {
		sets := w.inserts && t.Type&triggerInsert != 0 || w.updates && t.Type&triggerUpdate != 0 || w.deletes && t.Type&triggerDelete != 0
		if sets && t.Own && !slices.Contains(before.Triggers, t) {
			out = append(out, t)
		}
	}
	return out
}

var (
	plpgsqlComment = lazyregexp.New(`(?s)/\*.*?\*/|--[^\n]*`)
	plpgsqlRaise   = lazyregexp.New(`(?i)\bassert\b|\braise\s*(;|exception\b|sqlstate\b|'|[a-z_]+\s*(;|using\b))`)
	plpgsqlNotice  = lazyregexp.New(`(?i)\braise\s+(notice|warning|info|log|debug)\b`)
	plpgsqlQuery   = lazyregexp.New(`(?i)\b(select|insert\s+into|update|delete\s+from|merge|perform|execute|call|return\s+null)\b`)
	plpgsqlFill    = lazyregexp.New(`(?i)\bnew\s*:?=|\binto\s+(strict\s+)?new\b`)
)

// bodyCode is its function's body without comments, in upper and lower case as it is written.
func (t *trigger) bodyCode() string { return plpgsqlComment.ReplaceAllString(t.Body, " ") }

// raisesErrors reports whether its function raises errors under some condition.
func (t *trigger) raisesErrors() bool {
	return t.Language == "plpgsql" && plpgsqlRaise.MatchString(plpgsqlNotice.ReplaceAllString(t.bodyCode(), "note"))
}

// runsStatements reports whether its function does more than compare, set columns and raise: nobody knows then
// whether it works.
func (t *trigger) runsStatements() bool {
	return t.Language != "plpgsql" || plpgsqlQuery.MatchString(t.bodyCode())
}

// mayTriggerFill reports whether a trigger may give a column of a new row its value.
func (r *relation) mayTriggerFill(column string) bool {
	sets := lazyregexp.New(`(?i)\bnew\."?` + regexp.QuoteMeta(column) + `"?\s*:?=`)
	return slices.ContainsFunc(r.Triggers, func(t trigger) bool {
		const needed = triggerRow | triggerBefore | triggerInsert
		if t.Type&needed != needed {
			return false
		}
		code := t.bodyCode()
		return t.Language != "plpgsql" || sets.MatchString(code) || plpgsqlFill.MatchString(code) || strings.Contains(strings.ToLower(code), "jsonb_populate_record")
	})
}
