package plan

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// candidates limits how many referenced rows are tried until one can be deleted.
const candidates = 10

// triedKey is a foreign key whose trials are being chosen.
type triedKey struct {
	table, referenced *catalog.Relation
	constraint        *catalog.Constraint
	columns, keys     []string // quoted: of the foreign key, and of the columns that it refers to
	// candidates are keys of referenced rows. trials are the chosen ones.
	candidates [][]string
	trials     []*trial
}

// findCandidates finds the first referenced rows.
func (k *triedKey) findCandidates(ctx context.Context, conn *pgx.Conn) error {
	k.columns = pgparse.QuoteIdents(k.table.ColumnNames(k.constraint.Columns))
	k.keys = pgparse.QuoteIdents(k.referenced.ColumnNames(k.constraint.RefColumns))
	if len(k.columns) != len(k.constraint.Columns) || len(k.keys) != len(k.constraint.RefColumns) {
		return nil
	}
	joined := make([]string, len(k.keys))
	texts := make([]string, len(k.keys))
	for i := range k.keys {
		joined[i], texts[i] = "p."+k.keys[i]+" = c."+k.columns[i], "p."+k.keys[i]+"::text"
	}
	rows, err := conn.Query(ctx, fmt.Sprintf("SELECT ARRAY[%s] FROM %s p WHERE EXISTS (SELECT FROM %s c WHERE %s) ORDER BY %s LIMIT %d",
		strings.Join(texts, ", "), analysis.QuoteTable(k.referenced.Name), analysis.QuoteTable(k.table.Name),
		strings.Join(joined, " AND "), strings.Join(texts, ", "), candidates))
	if err != nil {
		return err
	}
	k.candidates, err = pgx.CollectRows(rows, pgx.RowTo[[]string])
	return err
}

// newTrial returns the trial that deletes a candidate, or the one that gives it another key.
func (k *triedKey) newTrial(key []string, update bool) *trial {
	conditions := make([]string, len(key))
	for i := range key {
		conditions[i] = k.keys[i] + " = " + pgparse.QuoteLiteral(key[i])
	}
	parent, condition := analysis.QuoteTable(k.referenced.Name), strings.Join(conditions, " AND ")
	x := &trial{
		table: k.table.Name.String(), constraint: k.constraint.Name, tables: [2]string{effectName(k.table), effectName(k.referenced)},
		count: buildCountQuery(parent, analysis.QuoteTable(k.table.Name), k.keys, k.columns, key),
		write: "DELETE FROM " + parent + " WHERE " + condition,
	}
	if !update {
		return x
	}
	n := len(k.keys) - 1
	column := k.referenced.Attr(k.constraint.RefColumns[n])
	if column == nil || unusedKey(column.Type) == "" {
		return nil
	}
	x.write = "UPDATE " + parent + " SET " + k.keys[n] + " = " + pgparse.QuoteLiteral(unusedKey(column.Type)) + " WHERE " + condition
	return x
}

// unusedKey returns a value that no generated row has; "" if there is no simple one for the type.
func unusedKey(t catalog.Type) string {
	if t.Array > 0 || t.OID != 0 {
		return ""
	}
	switch t.Name.Name {
	case "int2", "int4", "int8", "numeric":
		return "31999"
	case "text", "varchar":
		return "~"
	case "uuid":
		return "00000000-0000-4000-8000-00000000b0b0"
	}
	return ""
}

// effectName returns the name that the effects of a step have for a relation.
func effectName(r *catalog.Relation) string { return r.Name.Schema + "." + r.Name.Name }

func buildCountQuery(parent, child string, keys, childKeys, key []string) string {
	var old, null, set, joins []string
	for i := range childKeys {
		old = append(old, "c."+childKeys[i]+" = "+pgparse.QuoteLiteral(key[i]))
		null = append(null, "c."+childKeys[i]+" IS NULL")
		set = append(set, "c."+childKeys[i]+" IS NOT NULL")
		joins = append(joins, "p."+keys[i]+" = c."+childKeys[i])
	}
	return fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %s), count(*) FILTER (WHERE %s), "+
		"count(*) FILTER (WHERE %s AND p.%s IS NULL) FROM %s c LEFT JOIN %s p ON %s",
		strings.Join(old, " AND "), strings.Join(null, " OR "), strings.Join(set, " AND "), keys[0], child, parent, strings.Join(joins, " AND "))
}
