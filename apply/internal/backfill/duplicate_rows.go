package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

const (
	// longestSearch is the limit for a statement that looks for wrong rows in a whole table.
	longestSearch = 10 * time.Minute
	// mostHashes is how many hashes a search keeps, in 128 MB. If a table has more rows, it is read several times.
	mostHashes = 16 << 20
	// mostCandidates is how many hashes that occur twice are looked at in one walk, and mostAlike how many rows of each are kept.
	mostCandidates, mostAlike = 500_000, 100
	// enoughKeys ends a search: a message says "at least" then.
	enoughKeys = 10_000
	// mostLookups is about how many rows are looked up by their keys in one statement.
	mostLookups = 5000
)

// duplicateSearch finds keys that occur more than once, in short transactions. A first walk over the rows reads the hash of each key. If
// hashes occur twice, a second walk reads which rows have them, and the server compares the keys of these rows. Rows that change between
// the chunks can be missed, but are never found falsely: the last comparison is one statement.
type duplicateSearch struct {
	hashes []int64 // of the walk: those that belong to the pass
	// Only hashes with hash & mask = pass are kept. There are mask + 1 passes.
	mask, pass int64
	candidates []int64            // sorted: hashes that occur twice and were not looked at
	rows       map[int64][]rowKey // of the second walk: rows by their hash; nil in the first one
}

// rowKey is the key of a row as text.
type rowKey []string

// searchDuplicates reads the next chunk of a search for duplicates.
func (search *RowSearch) searchDuplicates(ctx context.Context, s *onward.PlanStep, check *rowCheck, q *rowQuestion) error {
	if q.search == nil {
		q.search = &duplicateSearch{}
	}
	d := q.search
	outcome, err := search.readRowsOfChunk(ctx, q, &q.walk, func(ctx context.Context, tx pgx.Tx, from string, args []any) error {
		if d.rows != nil {
			return d.readCandidateRows(ctx, tx, q, from, args)
		}
		return d.readHashes(ctx, tx, q, from, args)
	})
	switch {
	case isUnhashable(err) || outcome == noChunks && err == nil:
		q.whole, q.search = true, nil
		return nil
	case err != nil:
		return search.skipQuestion(ctx, s, check, q, err)
	case outcome == chunkRead:
		d.limitHashes(search.MostHashes)
		return nil
	case outcome == chunkTooSlow:
		return nil
	}
	q.walk = rowWalk{}
	return search.endWalk(ctx, s, check, q)
}

// isUnhashable reports whether the server cannot hash a key: its type has no hash function or no array type.
func isUnhashable(err error) bool {
	refused := new(pgconn.PgError)
	return errors.As(err, &refused) && (refused.Code == "42883" || refused.Code == "42704")
}

// endWalk decides what follows the last chunk of a walk: another walk, or the end of the search.
func (search *RowSearch) endWalk(ctx context.Context, s *onward.PlanStep, check *rowCheck, q *rowQuestion) error {
	d := q.search
	if d.rows == nil {
		d.candidates, d.hashes = sortedDuplicates(d.hashes), nil
		if len(d.candidates) > 0 && len(q.table.Order) == 0 { // its rows have no key to look them up
			q.whole, q.search = true, nil
			return nil
		}
	} else {
		rows := d.rows
		d.rows = nil
		err := search.countDuplicates(ctx, q, rows)
		if session.ClassifyError(err) == session.TimedOut {
			return search.leaveUnchecked(ctx, s, check, q, "rows that may have the same key could not be looked up in "+longestSearch.String())
		}
		if err != nil {
			return search.skipQuestion(ctx, s, check, q, err)
		}
		if q.found > enoughKeys {
			q.more = len(d.candidates) > 0 || d.pass < d.mask
			check.next++
			return nil
		}
	}
	switch {
	case len(d.candidates) > 0:
		n := min(len(d.candidates), mostCandidates)
		d.rows = make(map[int64][]rowKey, n)
		for _, h := range d.candidates[:n] {
			d.rows[h] = nil
		}
		d.candidates = d.candidates[n:]
	case d.pass < d.mask:
		d.pass++
	default:
		check.next++
	}
	return nil
}

// hashExpression returns an SQL expression: the hash of a condition's key. Keys that the server takes for equal have the same one.
func hashExpression(groups []string) string {
	out := "0"
	for _, g := range groups {
		out = "pg_catalog.hash_array_extended(ARRAY[" + g + "], " + out + ")"
	}
	return out
}

// coveredRowsQuery returns a query for some values of the rows that a condition of uniqueness covers.
func coveredRowsQuery(q *rowQuestion, from, values string) string {
	return "SELECT " + values + " FROM " + from + " AS " + pgparse.QuoteIdent(q.condition.Table) + " WHERE (" + q.condition.Wrong + ")"
}

// readHashes reads the hashes of a chunk's keys.
func (d *duplicateSearch) readHashes(ctx context.Context, tx pgx.Tx, q *rowQuestion, from string, args []any) error {
	sql := fmt.Sprintf("SELECT h FROM (%s) AS k WHERE h & %d = %d", coveredRowsQuery(q, from, hashExpression(q.condition.Groups)+" AS h"), d.mask, d.pass)
	rows, _ := tx.Query(ctx, sql, args...)
	list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	d.hashes = append(d.hashes, list...)
	return err
}

// limitHashes leaves hashes for a later walk if there are too many.
func (d *duplicateSearch) limitHashes(most int) {
	for len(d.hashes) > most {
		d.mask = d.mask*2 + 1
		d.hashes = slices.DeleteFunc(d.hashes, func(h int64) bool { return h&d.mask != d.pass })
	}
}

// readCandidateRows reads the keys of a chunk's rows whose hashes are wanted.
func (d *duplicateSearch) readCandidateRows(ctx context.Context, tx pgx.Tx, q *rowQuestion, from string, args []any) error {
	columns := make([]string, len(q.table.Order))
	for i, c := range q.table.Order {
		columns[i] = pgparse.QuoteIdent(q.condition.Table) + "." + pgparse.QuoteIdent(c) + "::text"
	}
	rows, _ := tx.Query(ctx, coveredRowsQuery(q, from, hashExpression(q.condition.Groups)+", ARRAY["+strings.Join(columns, ", ")+"]"), args...)
	var hash int64
	var key []string
	_, err := pgx.ForEachRow(rows, []any{&hash, &key}, func() error {
		if list, wanted := d.rows[hash]; wanted && len(list) < mostAlike {
			d.rows[hash] = append(list, slices.Clone(key))
		}
		return nil
	})
	return err
}

// countDuplicates counts the keys that several of the given rows have now.
func (search *RowSearch) countDuplicates(ctx context.Context, q *rowQuestion, rows map[int64][]rowKey) error {
	columns := make([][]string, len(q.table.Order))
	flush := func() error {
		if len(columns[0]) == 0 {
			return nil
		}
		found, err := search.countDuplicatesAmong(ctx, q, columns)
		q.found, columns = q.found+found, make([][]string, len(columns))
		return err
	}
	for _, list := range rows {
		if len(list) < 2 {
			continue
		}
		for _, key := range list {
			for i, value := range key {
				columns[i] = append(columns[i], value)
			}
		}
		if len(columns[0]) >= mostLookups {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// countDuplicatesAmong counts the keys that occur more than once in the rows with the given keys, a list of values for each column.
func (search *RowSearch) countDuplicatesAmong(ctx context.Context, q *rowQuestion, columns [][]string) (found int64, err error) {
	err = search.session.InGuardedTransaction(context.WithoutCancel(ctx), queue.FirstStall, longestSearch, func(ctx context.Context, tx pgx.Tx) error {
		if err := setReadOnly(ctx, tx); err != nil {
			return err
		}
		keys := pgparse.QuoteIdents(q.table.Order)
		types, err := readColumnTypes(ctx, tx, q.condition.FullName(), keys)
		if err != nil {
			return err
		}
		var arrays, names, equal []string
		var args []any
		for i, name := range keyNames(keys) {
			args = append(args, columns[i])
			arrays, names = append(arrays, fmt.Sprintf("pg_catalog.unnest($%d::pg_catalog.text[])", len(args))), append(names, name)
			equal = append(equal, "t."+keys[i]+" = k."+name+"::"+types[i])
		}
		source := fmt.Sprintf("(SELECT t.* FROM (SELECT DISTINCT * FROM ROWS FROM (%s) AS k (%s)) AS k JOIN %s AS t ON %s)",
			strings.Join(arrays, ", "), strings.Join(names, ", "), q.condition.FromItem(), strings.Join(equal, " AND "))
		return tx.QueryRow(ctx, q.condition.CountQuery(q.fromItem(source)), args...).Scan(&found)
	})
	return found, err
}

// sortedDuplicates returns the values that occur more than once, sorted. It sorts the list.
func sortedDuplicates(list []int64) (out []int64) {
	slices.Sort(list)
	for i := 1; i < len(list); i++ {
		if list[i] == list[i-1] && (len(out) == 0 || out[len(out)-1] != list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}
