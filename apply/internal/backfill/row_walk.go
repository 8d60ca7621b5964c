package backfill

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// rowWalk is a position in a table that is read in chunks: along its key, or by blocks if it has none.
type rowWalk struct {
	cursor []string    // the last key that was read; nil before the first
	parts  []tablePart // of a table without a key; nil if they were not read yet
	part   int
	block  int64 // the next one of the part
}

// tablePart is a table that holds rows itself: a table, or a partition of it.
type tablePart struct {
	name    string
	blocks  int64
	foreign bool // its rows are on another server
}

// rowChunk is some rows of a table.
type rowChunk struct {
	source string // a FROM item without its alias
	args   []any
	next   rowWalk
	last   bool // no rows follow
}

// A block usually holds that many rows or more. The server has room for at most one row in smallestRow bytes.
const rowsInBlock, smallestRow = 64, 28

// nextChunk returns the next rows of a question's table. A nil chunk means that the table cannot be read in chunks.
func (search *RowSearch) nextChunk(ctx context.Context, tx pgx.Tx, q *rowQuestion, w rowWalk) (*rowChunk, error) {
	if len(q.table.Order) == 0 {
		return search.nextBlocks(ctx, tx, q, w)
	}
	c := &onward.PlanComparison{Table: q.condition.FullName(), Keys: pgparse.QuoteIdents(q.table.Order)}
	types, err := readColumnTypes(ctx, tx, c.Table, c.Keys)
	if err != nil {
		return nil, err
	}
	c.Table = q.condition.FromItem()
	end, rows, err := findRangeEnd(ctx, tx, c, types, w.cursor, nil, search.throttle.Size)
	if err != nil {
		return nil, err
	}
	out := &rowChunk{last: rows < int64(search.throttle.Size), next: rowWalk{cursor: end}}
	if rows == 0 {
		out.source = "(SELECT * FROM " + c.Table + " AS t LIMIT 0)"
		return out, nil
	}
	where, args := keyRangeCondition(c.Keys, types, w.cursor, end)
	out.source, out.args = "(SELECT * FROM "+c.Table+" AS t WHERE "+where+")", args
	return out, nil
}

// nextBlocks returns the rows of the next blocks of a table without a key. Rows that move to blocks which were read are missed; the
// server finds them if they are wrong.
func (search *RowSearch) nextBlocks(ctx context.Context, tx pgx.Tx, q *rowQuestion, w rowWalk) (*rowChunk, error) {
	var size int64
	if err := tx.QueryRow(ctx, "SELECT pg_catalog.current_setting('block_size')::bigint").Scan(&size); err != nil {
		return nil, err
	}
	if w.parts == nil {
		var err error
		if w.parts, err = readTableParts(ctx, tx, q, size); err != nil {
			return nil, err
		}
	}
	for w.part < len(w.parts) && w.block >= w.parts[w.part].blocks {
		w.part, w.block = w.part+1, 0
	}
	if w.part >= len(w.parts) {
		return &rowChunk{source: "(SELECT * FROM " + q.condition.FromItem() + " AS t LIMIT 0)", next: w, last: true}, nil
	}
	part := w.parts[w.part]
	if part.foreign {
		return nil, nil
	}
	end := min(part.blocks, w.block+max(1, int64(search.throttle.Size)/rowsInBlock))
	where := fmt.Sprintf("t.ctid OPERATOR(pg_catalog.>=) '(%d,0)'::pg_catalog.tid AND t.ctid OPERATOR(pg_catalog.<) '(%d,0)'::pg_catalog.tid", w.block, end)
	if search.session.Major < 14 { // it cannot scan a range of ctid
		where = fmt.Sprintf(`t.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT pg_catalog.format('(%%s,%%s)', b, i)::pg_catalog.tid
			FROM pg_catalog.generate_series(%d, %d) AS b, pg_catalog.generate_series(1, %d) AS i))`, w.block, end-1, size/smallestRow)
	}
	w.block = end
	return &rowChunk{source: "(SELECT * FROM ONLY " + part.name + " AS t WHERE " + where + ")", next: w}, nil
}

// readTableParts reads which tables hold the rows of a question's table.
func readTableParts(ctx context.Context, tx pgx.Tx, q *rowQuestion, blockSize int64) ([]tablePart, error) {
	rows, _ := tx.Query(ctx, `WITH RECURSIVE tree AS (SELECT pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid AS oid
			UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) tree.oid WHERE NOT $2::boolean)
		SELECT c.oid::pg_catalog.regclass::pg_catalog.text,
			CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog."char" THEN pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog./) $3::bigint ELSE 1 END,
			c.relkind OPERATOR(pg_catalog.<>) 'r'::pg_catalog."char"
		FROM tree JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) tree.oid
		WHERE c.relkind OPERATOR(pg_catalog.<>) 'p'::pg_catalog."char" ORDER BY c.oid`, q.condition.FullName(), q.condition.Only, blockSize)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p tablePart, err error) {
		return p, row.Scan(&p.name, &p.blocks, &p.foreign)
	})
}

// chunkOutcome is what came of reading a chunk.
type chunkOutcome int

const (
	chunkRead    chunkOutcome = iota // more may follow
	lastChunk                        // it was read, and no rows follow
	chunkTooSlow                     // it was not read: the next one is smaller
	noChunks                         // the table cannot be read in chunks
)

// readRowsOfChunk reads the next chunk of a question's rows in a short read-only transaction. read gets a FROM item with the rows as the
// earlier steps will leave them.
func (search *RowSearch) readRowsOfChunk(ctx context.Context, q *rowQuestion, w *rowWalk,
	read func(ctx context.Context, tx pgx.Tx, from string, args []any) error) (chunkOutcome, error) {
	limit := chunkTime
	if search.throttle.Size <= FewestRows {
		limit = 0 // a condition may be slow, and a batch this small may take its time
	}
	var c *rowChunk
	err := search.session.InGuardedTransaction(context.WithoutCancel(ctx), queue.FirstStall, limit, func(ctx context.Context, tx pgx.Tx) (err error) {
		if err := setReadOnly(ctx, tx); err != nil {
			return err
		}
		if c, err = search.nextChunk(ctx, tx, q, *w); err != nil || c == nil {
			return err
		}
		return read(ctx, tx, q.fromItem(c.source), c.args)
	})
	switch {
	case session.ClassifyError(err) == session.TimedOut && search.throttle.Size > FewestRows:
		search.throttle.Size = max(FewestRows, search.throttle.Size/4)
		return chunkTooSlow, nil
	case err != nil:
		return chunkTooSlow, err
	case c == nil:
		return noChunks, nil
	case c.last:
		return lastChunk, nil
	}
	*w = c.next
	return chunkRead, nil
}
