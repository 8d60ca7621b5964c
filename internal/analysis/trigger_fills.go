package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// branches are the words of a PL/pgSQL body after which a statement may not run.
var branches = lazyregexp.New(`(?i)\b(?:if|case|loop|while|for|foreach|begin|exception|return|exit|continue)\b`)

// IsSetByTrigger reports whether a trigger sets the column in each inserted row: it is the first
// thing that its function does to the column, and unconditional. The trigger may leave out
// rows that have a value.
func IsSetByTrigger(c *catalog.Catalog, r *catalog.Relation, column string) bool {
	return isSetByTrigger(c, r, column, "insert")
}

// IsResetByTrigger is IsSetByTrigger for each updated row.
func IsResetByTrigger(c *catalog.Catalog, r *catalog.Relation, column string) bool {
	return isSetByTrigger(c, r, column, "update")
}

func isSetByTrigger(c *catalog.Catalog, r *catalog.Relation, column, event string) bool {
	return slices.ContainsFunc(r.Triggers, func(t *catalog.Trigger) bool {
		if !t.Row || !t.RunsBefore(event) || t.When != nil && !(event == "insert" && testsColumnIsNull(t.When, column)) || event == "update" && len(t.Columns) > 0 {
			return false
		}
		body, known := triggerBody(c, t)
		_, block, found := strings.Cut(strings.ToLower(body), "begin")
		if !known || !found {
			return false
		}
		for _, m := range setsColumn.FindAllStringSubmatchIndex(block, -1) {
			if strings.Trim(block[m[2]:m[3]], `"`) != strings.ToLower(column) || m[4] >= 0 {
				continue
			}
			value, _, _ := strings.Cut(block[m[1]:], ";")
			return !branches.MatchString(block[:m[0]]) && strings.TrimSpace(value) != "null" && !strings.Contains(value, "old")
		}
		return false
	})
}

// testsColumnIsNull reports whether the condition of a trigger is NEW.column IS NULL.
func testsColumnIsNull(whenClause *pgparse.Node, column string) bool {
	test := whenClause.GetNullTest()
	fields := test.GetArg().GetColumnRef().GetFields()
	return test.GetNulltesttype() == pgparse.NullTestType_IS_NULL && len(fields) == 2 &&
		fields[0].GetString_().GetSval() == "new" && fields[1].GetString_().GetSval() == column
}

// Code in a PL/pgSQL body that may set columns of NEW, by name or all of them.
var (
	setsColumn = lazyregexp.New(`(?i)\bnew\s*\.\s*("[^"]+"|\w+)\s*(\[[^\]]*\]\s*)?:?=`)
	setsRow    = lazyregexp.New(`(?i)\bnew\s*:?=|\b(into|call)\b[^;]*\bnew\b`)
	returned   = lazyregexp.New(`(?i)\breturn\s+([^;]*)`)
)

// MaySetColumn reports whether a trigger may set a column of the row. It is false only if the
// body of the function cannot do so.
func MaySetColumn(c *catalog.Catalog, t *catalog.Trigger, column string) bool {
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
	return assignsColumn(body, column)
}

// assignsColumn reports whether a body has an assignment to NEW.column.
func assignsColumn(body, column string) bool {
	return slices.ContainsFunc(setsColumn.FindAllStringSubmatch(body, -1), func(m []string) bool {
		return strings.EqualFold(strings.Trim(m[1], `"`), column)
	})
}

// FindFiller returns a trigger that may set one of the columns in each inserted row; nil if
// there is none.
func FindFiller(c *catalog.Catalog, r *catalog.Relation, columns []string) *catalog.Trigger {
	for _, t := range r.Triggers {
		if t.Row && t.RunsBefore("insert") && slices.ContainsFunc(columns, func(name string) bool { return MaySetColumn(c, t, name) }) {
			return t
		}
	}
	return nil
}

// triggerBody returns the PL/pgSQL that a trigger runs; known is false if the catalog
// does not have it, or if the function is in another language.
func triggerBody(c *catalog.Catalog, t *catalog.Trigger) (body string, known bool) {
	list := c.Functions(t.Function.Schema, t.Function.Name)
	if len(list) != 1 || list[0].Language != "plpgsql" || list[0].Body == "" {
		return "", false
	}
	return list[0].Body, true
}

// ManagedTable returns the table that a statement with these effects works on if an extension manages the table; nil
// otherwise.
func ManagedTable(before *catalog.Catalog, effects []effect.Effect) *catalog.Relation {
	for i := range effects {
		e := &effects[i]
		if r := before.Relation(e.OID); r != nil && r.Kind.IsTable() && r.Manager != catalog.Unmanaged && e.Lock >= onward.ShareUpdateExclusiveLock {
			return r
		}
	}
	return nil
}

// PerChunk is the storage parameter by which TimescaleDB builds an index one chunk at a time.
// https://docs.timescale.com/api/latest/hypertable/create_index/
const PerChunk = "timescaledb.transaction_per_chunk"

// ManagedAdvice replaces advice that was only measured on tables that no extension manages.
func ManagedAdvice(t *catalog.Relation, node *pgparse.Node, sql string) string {
	name := t.Name.String()
	if t.Manager == catalog.PartmanParent {
		return "pg_partman makes and drops partitions of " + name + " that no migration names (SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '" +
			name +
			"'::regclass lists them). Take each of them on its own, then the parent, and change the template table, too"
	}
	index := node.GetIndexStmt()
	if t.Manager.IsHypertable() && index != nil && !index.GetUnique() && len(index.GetOptions()) == 0 {
		return name + " is " + t.Manager.String() + ". Build the index outside a transaction, which blocks writes to one chunk at a time (by its manual; " +
			"not measured):\n" + addPerChunkOption(sql) + ";"
	}
	return "not known: " + name + " is " + t.Manager.String() +
		", and what was measured on plain tables may not hold for it. Read the extension's manual, and try the release on a copy"
}

// addPerChunkOption returns CREATE INDEX in TimescaleDB's form.
func addPerChunkOption(sql string) string {
	sql = strings.TrimRight(sql, " \t\r\n;")
	if end := pgparse.AfterWord(sql, "CONCURRENTLY"); end >= 0 {
		sql = strings.TrimRight(sql[:end-len("CONCURRENTLY")], " ") + sql[end:]
	}
	const with = " WITH (" + PerChunk + ")"
	if offset := pgparse.AfterWord(sql, "WHERE"); offset >= 0 {
		offset -= len("WHERE")
		return strings.TrimRight(sql[:offset], " \t\r\n") + with + " " + sql[offset:]
	}
	return sql + with
}

// MayCarryRows reports whether a trigger of a table may copy its rows to another one: the trigger's function names
// that table, or is not known.
func MayCarryRows(c *catalog.Catalog, source, other *catalog.Relation) bool {
	return slices.ContainsFunc(source.Triggers, func(t *catalog.Trigger) bool {
		list := c.Functions(t.Function.Schema, t.Function.Name)
		return t.Enabled && (len(list) == 0 || slices.ContainsFunc(list, func(fn *catalog.Function) bool {
			return slices.Contains(fn.ListBodyWords(), other.Name.Name)
		}))
	})
}
