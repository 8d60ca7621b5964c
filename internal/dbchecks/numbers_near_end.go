package dbchecks

import (
	"fmt"
	"math"
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

var sequenceNearEnd = &Check{Rule: rule.Rule{
	ID:       "sequence-near-end",
	Category: onward.Data, Severity: onward.Warning,
	Summary: "A sequence has used four fifths of what it, or the column that it fills, can hold",
	Harm: "Behind the last number every INSERT fails: an integer key ends at 2,147,483,647 whatever its sequence can count to. " +
		"To change the type then means to rewrite the table and every foreign key to it while nothing can be written. From 95 % on it is an error.",
	Instead: "Make the key bigint now, in steps: onward plan does it for a release that says ALTER COLUMN … TYPE bigint. " +
		"Foreign keys that refer to it need it first.",
	Manual: []string{"https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT"},
}, Scope: onward.ScopeDatabase, Metric: "sequence_used_ratio", Help: "The part of a sequence's numbers that is used, for those from one half on.", Look: checkSequences}

// The columns of a sequence are its owning column and the columns whose default uses it.
const sequencesSQL = `
WITH taken AS (
	SELECT d.objid AS seq, d.refobjid AS rel, d.refobjsubid AS att FROM pg_depend d
	WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
	UNION SELECT d.refobjid, f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
	WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n')
SELECT sn.nspname, s.relname, coalesce(n.nspname, ''), coalesce(t.relname, ''), coalesce(a.attname, ''), coalesce(a.atttypid::int, 0),
	q.seqincrement > 0, CASE WHEN q.seqincrement > 0 THEN q.seqmax ELSE q.seqmin END, q.seqcycle,
	has_sequence_privilege(s.oid, 'SELECT, USAGE'), (CASE WHEN has_sequence_privilege(s.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(s.oid) END)::bigint
FROM pg_sequence q JOIN pg_class s ON s.oid = q.seqrelid JOIN pg_namespace sn ON sn.oid = s.relnamespace
	LEFT JOIN taken o ON o.seq = s.oid
	LEFT JOIN pg_class t ON t.oid = o.rel LEFT JOIN pg_namespace n ON n.oid = t.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = o.rel AND a.attnum = o.att
WHERE s.relpersistence <> 't' AND NOT (s.relpersistence = 'u' AND pg_is_in_recovery()) ORDER BY 1, 2, 3, 4, 5`

// integers are the column types with a smaller range than a sequence can have, by OID.
var integers = map[int]struct {
	name string
	most int64
}{21: {"smallint", math.MaxInt16}, 23: {"integer", math.MaxInt32}}

// sequence is a sequence with the column that it fills, if any.
type sequence struct {
	schema, name, tableSchema, table, column string
	kind                                     int    // the OID of the column's type; 0 without a column
	up                                       bool   // its increment is positive
	end                                      int64  // its MAXVALUE, or its MINVALUE if it counts down
	cycles, visible                          bool   // visible: the role may read it
	last                                     *int64 // nil if no number was taken yet
}

func checkSequences(p *Pass) error {
	var s sequence
	var hidden []string
	err := p.Each(sequencesSQL, nil, []any{
		&s.schema, &s.name, &s.tableSchema, &s.table, &s.column, &s.kind, &s.up, &s.end, &s.cycles, &s.visible, &s.last,
	}, func() {
		if !s.visible {
			hidden = append(hidden, s.schema+"."+s.name)
		} else if s.last != nil {
			p.judgeSequence(&s)
		}
	})
	if len(hidden) > 0 {
		p.AddOpaque("how much is left of "+fmt.Sprint(len(hidden))+" sequences: "+listNames(formatTables(hidden)),
			explainMissingRight(p, "them")+", or USAGE on the sequences")
	}
	return err
}

// judgeSequence judges how many numbers of a sequence are left.
func (p *Pass) judgeSequence(s *sequence) {
	shown, _, qualified := formatRelation(s.schema, s.name)
	end, holds := s.end, "sequence "+shown
	object := qualified
	narrow, ok := integers[s.kind]
	bound := narrow.most
	if !s.up {
		bound = -narrow.most - 1
	}
	// If both end at once, report the column: it has no room, whatever the sequence does.
	if ok && (s.up && bound <= end || !s.up && bound >= end) && (bound != end || !s.cycles) {
		end = bound
		table, _, qualifiedTable := formatRelation(s.tableSchema, s.table)
		holds, object = s.column+" of "+table+", which is "+narrow.name, qualifiedTable+"."+s.column
	} else if s.cycles {
		return
	}
	used := float64(*s.last) / float64(end)
	if end == 0 || used < 0.5 {
		return
	}
	p.AddMeasure(object, math.Round(used*1e4)/1e4)
	if used < 0.8 {
		return
	}
	severity := onward.Off
	if used >= 0.95 {
		severity = onward.Error
	}
	left := max(end-*s.last, *s.last-end)
	p.AddFinding(severity, object, fmt.Sprintf("sequence %s has used %.0f %% of the numbers of %s: %s are left", shown, math.Floor(used*100), holds,
		size.FormatCount(left)),
		"after the last one every INSERT that needs a number fails", "make the column bigint now, and what refers to it first; onward plan does it in steps")
}

// There are about 2,147 million transaction IDs (numbers). The check warns if almost half of them
// are used. It reports an error at 1,600 million, where vacuum skips all but freezing
// (vacuum_failsafe_age).
const (
	numbers          = 1 << 31
	wraparoundWarns  = 1_000_000_000
	wraparoundFailed = 1_600_000_000
)

var wraparoundNear = &Check{Rule: rule.Rule{
	ID:       "wraparound-near",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "Vacuum lags: transaction numbers are running out",
	Harm: "Before the numbers wrap around the server takes no more writes. Until then autovacuum works on the oldest tables with locks that do not give way " +
		"to a migration, and a backfill in batches uses numbers up itself. Told is each database from 1,000 million transactions or multixacts on; " +
		"from 1,600 million on it is an error.",
	Instead: "Find what holds vacuum back (an old transaction, a prepared one, a slot), end it, " +
		"and let VACUUM (FREEZE) run through the oldest tables before the migration.",
	Manual: []string{"https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND"},
}, Scope: onward.ScopeServer, Metric: "wraparound_numbers_left", Help: "Transaction or multixact numbers that are left before wraparound, " +
	"whichever are fewer.", Look: checkWraparound}

const wraparoundSQL = `SELECT datname::text, age(datfrozenxid)::bigint, mxid_age(datminmxid)::bigint FROM pg_database ORDER BY 1`

const oldestSQL = `
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't') AND (age(c.relfrozenxid) >= $1::bigint OR mxid_age(c.relminmxid) >= $1::bigint)
ORDER BY greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) DESC LIMIT 6`

func checkWraparound(p *Pass) error {
	var name, oldest string
	var transactions, multi int64
	var tables []string
	err := p.Each(oldestSQL, []any{int64(wraparoundWarns)}, []any{&oldest}, func() { tables = append(tables, oldest) })
	if err != nil {
		return err
	}
	return p.Each(wraparoundSQL, nil, []any{&name, &transactions, &multi}, func() {
		used, unit := transactions, "transactions"
		if multi > used {
			used, unit = multi, "multixacts"
		}
		p.AddMeasure(name, float64(numbers-used))
		if used < wraparoundWarns {
			return
		}
		severity := onward.Off
		if used >= wraparoundFailed {
			severity = onward.Error
		}
		fact := fmt.Sprintf("the oldest rows of database %s are %s %s old; %s are left", name, size.FormatCount(used), unit, size.FormatCount(max(0, numbers-used)))
		if name == p.database && len(tables) > 0 {
			fact += ", oldest: " + listNames(formatTables(tables))
		}
		p.AddFinding(severity, name, fact, "autovacuum works with locks that do not give way to a migration, and in the end the server takes no more writes",
			"end what holds vacuum back, then, in that database:\nVACUUM (FREEZE, VERBOSE);")
	})
}
