package dbchecks

import (
	"fmt"
	"math"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

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
