package fill

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// advanceSequences calls setval for each sequence with the largest generated number. COPY with explicit keys does not advance
// sequences, so the next INSERT would conflict.
func (f *filler) advanceSequences(ctx context.Context) error {
	linked := map[string]bool{}
	for _, t := range f.schema.tables {
		for _, c := range t.columns {
			// A text may contain a number from a sequence.
			if c.sequence == "" || !slices.Contains(counted, c.typeText) {
				continue
			}
			linked[c.sequence] = true
			if t.added == 0 {
				continue
			}
			if err := f.advanceSequenceTo(ctx, c.sequence, t.name(), "(SELECT pg_catalog.max("+quoteIdent(c.name)+")::bigint FROM "+t.quotedName()+")"); err != nil {
				return err
			}
		}
	}
	return f.advanceUnlinkedSequences(ctx, linked)
}

// advanceSequenceTo sets a sequence to a number, unless the sequence is already beyond it.
func (f *filler) advanceSequenceTo(ctx context.Context, sequence, relation, number string) error {
	return f.tryStatement(ctx, relation, "advance "+sequence, fmt.Sprintf("SELECT pg_catalog.setval(%s, x.m) FROM (SELECT %s AS m) AS x WHERE x.m "+
		"OPERATOR(pg_catalog.>=) (SELECT last_value FROM %s)",
		pgparse.QuoteLiteral(sequence), number, sequence))
}

// advanceUnlinkedSequences advances the sequences that no column default uses but that the migrations have used: a statement may call
// nextval() itself. A sequence whose name begins with a table's follows this table's key; any other follows the keys of all
// tables.
func (f *filler) advanceUnlinkedSequences(ctx context.Context, linked map[string]bool) error {
	var used []string
	err := eachRow(ctx, f.conn, "sequences", `SELECT pg_catalog.quote_ident(s.schemaname), pg_catalog.quote_ident(s.sequencename) FROM pg_catalog.pg_sequences AS s
		WHERE s.last_value IS NOT NULL AND s.increment_by OPERATOR(pg_catalog.>) 0 ORDER BY 1, 2`, func(r pgx.Rows) error {
		var schema, name string
		if err := r.Scan(&schema, &name); err != nil {
			return err
		}
		if sequence := schema + "." + name; !linked[sequence] {
			used = append(used, sequence)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, sequence := range used {
		_, name, _ := strings.Cut(sequence, ".")
		var all []string
		ownerMax, longest := "", 0
		for _, t := range f.schema.tables {
			c := t.numberedKey()
			if c == nil || t.added == 0 {
				continue
			}
			number := "(SELECT pg_catalog.max(" + quoteIdent(c.name) + ")::bigint FROM " + t.quotedName() + ")"
			all = append(all, number)
			if strings.HasPrefix(strings.Trim(name, `"`), t.rel+"_") && len(t.rel) > longest {
				ownerMax, longest = number, len(t.rel)
			}
		}
		switch {
		case ownerMax != "":
			err = f.advanceSequenceTo(ctx, sequence, sequence, ownerMax)
		case len(all) > 0:
			err = f.advanceSequenceTo(ctx, sequence, sequence, "GREATEST("+strings.Join(all, ", ")+")")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// numberedKey returns the column that is the numeric primary key of the table; nil for none.
func (t *table) numberedKey() *column {
	for _, k := range t.keys {
		if !k.primary || len(k.columns) != 1 || k.columns[0] < 0 {
			continue
		}
		if c := t.columns[k.columns[0]]; slices.Contains(counted, c.typeText) {
			return c
		}
	}
	return nil
}
