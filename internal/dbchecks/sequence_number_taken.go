package dbchecks

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

var sequenceNumberTaken = &Check{Rule: rule.Rule{
	ID:       "sequence-number-taken",
	Category: onward.Data, Severity: onward.Warning,
	Summary: "A sequence is about to give a number that a row of its unique column has already",
	Harm: "The INSERT that gets the number fails: duplicate key value violates unique constraint. " +
		"So do the next ones, until the sequence has passed the last row. " +
		"Rows that were inserted with their numbers, by a load, a copy or a restore, do not advance a sequence.",
	Instead: "Set the sequence to the highest number of the column.",
	Manual:  []string{"https://www.postgresql.org/docs/current/functions-sequence.html"},
}, Scope: onward.ScopeDatabase, Look: checkTakenNumbers}

// mostSequences bounds how many columns are read, and soonTaken how many numbers of each sequence are looked up in its
// unique index.
const (
	mostSequences = 1000
	soonTaken     = 1000
)

const uniqueSequencesSQL = `
WITH taken AS (
	SELECT d.objid AS seq, d.refobjid AS rel, d.refobjsubid AS att FROM pg_depend d
	WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
	UNION SELECT d.refobjid, f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
	WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n')
SELECT sn.nspname, s.relname, n.nspname, c.relname, a.attname, q.seqincrement,
	has_sequence_privilege(s.oid, 'SELECT') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
FROM pg_sequence q JOIN pg_class s ON s.oid = q.seqrelid JOIN pg_namespace sn ON sn.oid = s.relnamespace
	JOIN taken o ON o.seq = s.oid JOIN pg_class c ON c.oid = o.rel JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_attribute a ON a.attrelid = o.rel AND a.attnum = o.att
WHERE NOT q.seqcycle AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
	AND a.atttypid IN (20, 21, 23) AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
		AND i.indnkeyatts = 1
		AND i.indkey[0] = a.attnum AND i.indpred IS NULL)
ORDER BY 3, 4, 5, 1, 2`

// uniqueSequence is a sequence that fills a unique column.
type uniqueSequence struct {
	schema, name, tableSchema, table, column string
	increment                                int64
	visible                                  bool
}

func checkTakenNumbers(p *Pass) error {
	var s uniqueSequence
	var all []uniqueSequence
	var hidden []string
	err := p.Each(uniqueSequencesSQL, nil, []any{&s.schema, &s.name, &s.tableSchema, &s.table, &s.column, &s.increment, &s.visible}, func() {
		if s.visible {
			all = append(all, s)
		} else {
			hidden = append(hidden, s.schema+"."+s.name)
		}
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b uniqueSequence) int { return p.touchedRank(&a) - p.touchedRank(&b) })
	for i := range all[:min(len(all), mostSequences)] {
		if err := p.findTakenNumber(&all[i]); err != nil {
			return err
		}
	}
	if len(all) > mostSequences {
		p.AddOpaque(fmt.Sprintf("whether the next numbers of %d sequences are free", len(all)-mostSequences), "only the first "+
			size.FormatCount(mostSequences)+" are read, those of tables that the release touches before others")
	}
	if len(hidden) > 0 {
		p.AddOpaque("whether the next numbers of "+fmt.Sprint(len(hidden))+" sequences are free: "+listNames(formatTables(hidden)),
			"the role lacks SELECT on the sequences or on their columns")
	}
	return nil
}

func (p *Pass) touchedRank(s *uniqueSequence) int {
	if _, _, qualified := formatRelation(s.tableSchema, s.table); p.isTouched(qualified) {
		return 0
	}
	return 1
}

// findTakenNumber looks for a row with one of the next numbers, by the unique index of the column.
func (p *Pass) findTakenNumber(s *uniqueSequence) error {
	shown, _, qualified := formatRelation(s.schema, s.name)
	table, _, _ := formatRelation(s.tableSchema, s.table)
	// The session's search_path is empty.
	sequence, tableSQL := quoteName(s.schema)+"."+quoteName(s.name), quoteName(s.tableSchema)+"."+quoteName(s.table)
	column := quoteName(s.column)
	first, last, order := "s.next", fmt.Sprintf("s.next + %d::numeric", s.increment*soonTaken), "ASC"
	if s.increment < 0 {
		first, last, order = last, first, "DESC"
	}
	query := fmt.Sprintf("SELECT t.%[1]s::bigint FROM (SELECT last_value::numeric + CASE WHEN is_called THEN %[2]d ELSE 0 END AS next FROM %[3]s) s "+
		"CROSS JOIN LATERAL (SELECT %[1]s FROM %[4]s WHERE %[1]s BETWEEN greatest(%[5]s, -9223372036854775808)::bigint "+
		"AND least(%[6]s, 9223372036854775807)::bigint "+
		"ORDER BY 1 %[7]s LIMIT 1) t", column, s.increment, sequence, tableSQL, first, last, order)
	var takenNumber int64
	return p.Each(query, nil, []any{&takenNumber}, func() {
		p.AddFinding(onward.Off, qualified, fmt.Sprintf("sequence %s soon gives %d, which a row of %s has in %s", shown, takenNumber, table, s.column),
			"the INSERT that gets the number fails: duplicate key value violates unique constraint",
			fmt.Sprintf("set it to the last row:\nSELECT setval(%s, (SELECT %s(%s) FROM %s));", pgparse.QuoteLiteral(sequence),
				map[bool]string{true: "max", false: "min"}[s.increment > 0], column, tableSQL))
	})
}
