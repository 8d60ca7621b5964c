package backfill

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

const (
	// sampledPages is the number of pages that are read to estimate the rows of a table, and estimateTime limits each of the queries.
	sampledPages = 200
	estimateTime = 2 * time.Second
	// staleGrowth is by how many times a table may have grown since its rows were counted.
	staleGrowth = 3
)

// tableExtent is what the server knows about the size of a table with its partitions.
type tableExtent struct {
	rows, pages, countedPages int64 // rows and countedPages are as of the last VACUUM or ANALYZE
	uncounted                 bool  // the rows of a part were never counted
}

// estimateRows estimates how many rows a backfill has to process; -1 for unknown. If the server has not counted them lately, some pages are
// read, and integer keys limit the number. An estimate that fails does not end the backfill.
func (t *Throttle) estimateRows(ctx context.Context, s *onward.PlanStep) int64 {
	tables, keys := touchedTables(s), []string(nil)
	if s.Backfill != nil {
		tables, keys = []string{s.Backfill.Table}, s.Backfill.Keys
	}
	most := int64(-1)
	for _, table := range tables {
		var e tableExtent
		if t.queryEstimate(ctx, extentQuery, []any{&e.rows, &e.pages, &e.countedPages, &e.uncounted}, table) != nil {
			continue
		}
		rows := e.rows
		if e.uncounted || e.pages > staleGrowth*e.countedPages {
			rows = t.estimateFromSample(ctx, table, keys, &e)
		}
		most = max(most, rows)
	}
	return most
}

// extentQuery reads the extent of a table. Postgres 13 has 0 for a number of rows that is unknown, and newer ones have -1.
const extentQuery = `WITH RECURSIVE tree AS (
		SELECT pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid AS oid
		UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) tree.oid)
	SELECT coalesce(pg_catalog.sum(greatest(c.reltuples, 0)), 0)::bigint, coalesce(pg_catalog.sum(p.pages), 0)::bigint,
		coalesce(pg_catalog.sum(c.relpages), 0)::bigint,
		coalesce(pg_catalog.bool_or(c.reltuples OPERATOR(pg_catalog.<=) 0 AND p.pages OPERATOR(pg_catalog.>) 0), false)
	FROM tree JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) tree.oid
	CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::bigint AS pages) AS p
	WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'm']::pg_catalog."char"[])`

// estimateFromSample estimates the rows of a table from some of its pages and from its keys; -1 for unknown.
func (t *Throttle) estimateFromSample(ctx context.Context, table string, keys []string, e *tableExtent) int64 {
	if e.pages == 0 {
		return 0
	}
	rows, count := int64(-1), int64(0)
	part := min(100, 100*sampledPages/float64(e.pages))
	if t.queryEstimate(ctx, fmt.Sprintf("SELECT pg_catalog.count(*) FROM %s AS t TABLESAMPLE SYSTEM (%g)", table, part), []any{&count}) == nil {
		rows = int64(float64(count) * 100 / part)
	}
	if len(keys) != 1 || slices.Contains(keys, "ctid") {
		return rows
	}
	end := func(direction string) string {
		return fmt.Sprintf("(SELECT %[1]s FROM %[2]s ORDER BY %[1]s%[3]s LIMIT 1)", keys[0], table, direction)
	}
	var kind, first, last string
	err := t.queryEstimate(ctx, fmt.Sprintf("SELECT pg_catalog.pg_typeof(first)::pg_catalog.oid::pg_catalog.text, first::pg_catalog.text, last::pg_catalog.text "+
		"FROM (SELECT %s AS first, %s AS last) AS ends WHERE first IS NOT NULL", end(""), end(" DESC")), []any{&kind, &first, &last})
	span := keySpan(kind, first, last)
	switch {
	case err != nil || span < 0:
	case rows <= 0:
		rows = span
	default:
		rows = min(rows, span)
	}
	return rows
}

// keySpan returns how many keys lie between two integers; -1 for keys of another type, which is the OID of one.
func keySpan(kind, first, last string) int64 {
	if kind != fmt.Sprint(pgtype.Int2OID) && kind != fmt.Sprint(pgtype.Int4OID) && kind != fmt.Sprint(pgtype.Int8OID) {
		return -1
	}
	a, err := strconv.ParseInt(first, 10, 64)
	b, failed := strconv.ParseInt(last, 10, 64)
	if err != nil || failed != nil {
		return -1
	}
	return int64(min(float64(b)-float64(a)+1, 9e18))
}

// queryEstimate runs a short query beside the work, as the role of the steps.
func (t *Throttle) queryEstimate(ctx context.Context, sql string, targets []any, args ...any) error {
	return t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		set := []string{fmt.Sprintf("SET LOCAL statement_timeout = %d", estimateTime.Milliseconds()), t.session.SearchPathSQL()}
		if t.session.Role != "" {
			set = append(set, "SET LOCAL ROLE "+pgparse.QuoteIdent(t.session.Role))
		}
		if _, err := conn.Exec(ctx, strings.Join(set, "; "), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		return conn.QueryRow(ctx, sql, args...).Scan(targets...)
	})
}
