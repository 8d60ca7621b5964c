package traffic

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The kinds of queries.
const (
	read  = "read"
	write = "write"
)

// shape is a query of the load without its values.
type shape struct {
	relation  string
	kind, sql string
	// values are one execution's parameters, as text; nil is NULL.
	values func(r *rand.Rand, worker, workers int) [][]byte
	// cost is how long it takes when nobody is in the way; slow shapes come less
	// often.
	cost time.Duration
	// quiet is until when a query that the server refuses is left alone, in
	// nanoseconds of the Unix epoch; 0 when it was not refused.
	quiet atomic.Int64
	// instead is sent once the shape's rows were there already: a unique index of
	// the release's, or a partial one, is no fault of the deployed code, whose
	// rows are not copies.
	instead   *shape
	duplicate atomic.Bool
}

// readShapes are the ways to read a relation, best first: a row by its key, or
// any row of a relation without one.
func readShapes(r *relation) []*shape {
	all := names(r, every(len(r.columns)))
	if len(r.keys) == 0 {
		return []*shape{{relation: r.name, kind: read, sql: fmt.Sprintf("SELECT %s FROM %s LIMIT 1", all, r.quoted), values: none}}
	}
	key := r.keys[0]
	return []*shape{{
		relation: r.name, kind: read,
		sql: fmt.Sprintf("SELECT %s FROM %s WHERE %s", all, r.quoted, where(r, key, 0)),
		values: func(rnd *rand.Rand, _, _ int) [][]byte {
			return pick(r, rnd, key)
		},
	}}
}

// updateShapes set a column of a row, found by its key, to what it was.
func updateShapes(r *relation) []*shape {
	if r.kind != "r" && r.kind != "p" || len(r.keys) == 0 {
		return nil
	}
	key := r.keys[0]
	set := plainColumn(r)
	if set < 0 {
		return nil
	}
	return []*shape{{
		relation: r.name, kind: write,
		sql: fmt.Sprintf("UPDATE %s SET %s = $1 WHERE %s", r.quoted, r.columns[set].quoted, where(r, key, 1)),
		values: func(rnd *rand.Rand, worker, workers int) [][]byte {
			row := mine(r, rnd, worker, workers)
			return pickOf(row, append([]int{set}, key...))
		},
	}}
}

// plainColumn is one that an application would change: in no key, and better
// not a reference to another table. -1 when there is none.
func plainColumn(r *relation) int {
	best := -1
	for i, c := range r.columns {
		if c.omitted || c.routes || inKeys(r, i) {
			continue
		}
		if !c.foreign {
			return i
		}
		if best < 0 {
			best = i
		}
	}
	return best
}

// insertShapes are the ways to insert a row, most like the real thing first:
// a new row; one that is already there, and left alone; none at all, which
// still takes the lock.
func insertShapes(r *relation) []*shape {
	if r.kind != "r" && r.kind != "p" {
		return nil
	}
	var columns []int
	for i, c := range r.columns {
		// An application leaves to the database what identifies a row, if it can.
		if !c.omitted && !(c.filled && inKeys(r, i)) {
			columns = append(columns, i)
		}
	}
	if len(columns) == 0 {
		return []*shape{{relation: r.name, kind: write, sql: "INSERT INTO " + r.quoted + " DEFAULT VALUES", values: none}}
	}
	list := names(r, columns)
	var marks []string
	for i := range columns {
		marks = append(marks, "$"+strconv.Itoa(i+1))
	}
	insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", r.quoted, list, strings.Join(marks, ", "))
	vary := varied(r, columns)
	out := []*shape{{
		relation: r.name, kind: write, sql: insert,
		values: func(rnd *rand.Rand, worker, _ int) [][]byte {
			var row, values [][]byte
			if len(r.rows) > 0 {
				row = r.rows[rnd.IntN(len(r.rows))]
			}
			for _, i := range columns {
				switch {
				case vary[i]:
					values = append(values, fresh(r.columns[i], rnd, worker))
				case row == nil:
					values = append(values, plain(r.columns[i]))
				default:
					values = append(values, row[i])
				}
			}
			return values
		},
	}}
	if len(r.rows) > 0 {
		out = append(out, &shape{
			relation: r.name, kind: write, sql: insert + " ON CONFLICT DO NOTHING",
			values: func(rnd *rand.Rand, _, _ int) [][]byte {
				return pick(r, rnd, columns)
			},
		})
	}
	return append(out, &shape{
		relation: r.name, kind: write,
		sql:    fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE false", r.quoted, list, list, r.quoted),
		values: none,
	})
}

func none(*rand.Rand, int, int) [][]byte { return nil }

func every(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func names(r *relation, columns []int) string {
	var out []string
	for _, i := range columns {
		out = append(out, r.columns[i].quoted)
	}
	return strings.Join(out, ", ")
}

// where compares a key with parameters, the first of them after skip others.
func where(r *relation, key []int, skip int) string {
	var out []string
	for n, i := range key {
		out = append(out, fmt.Sprintf("%s = $%d", r.columns[i].quoted, n+skip+1))
	}
	return strings.Join(out, " AND ")
}

func inKeys(r *relation, column int) bool {
	for _, key := range r.keys {
		for _, i := range key {
			if i == column {
				return true
			}
		}
	}
	return false
}

// pick takes some columns of any sampled row; NULLs when there is none, with
// which a query locks as it does with a value, and finds nothing.
func pick(r *relation, rnd *rand.Rand, columns []int) [][]byte {
	if len(r.rows) == 0 {
		return make([][]byte, len(columns))
	}
	return pickOf(r.rows[rnd.IntN(len(r.rows))], columns)
}

func pickOf(row [][]byte, columns []int) [][]byte {
	out := make([][]byte, len(columns))
	if row != nil {
		for n, i := range columns {
			out[n] = row[i]
		}
	}
	return out
}

// mine is a sampled row that only this worker writes, so that the load does not
// wait for itself; nil when there is none.
func mine(r *relation, rnd *rand.Rand, worker, workers int) [][]byte {
	own := (len(r.rows) - worker + workers - 1) / workers
	if own <= 0 {
		return nil
	}
	return r.rows[worker+workers*rnd.IntN(own)]
}

// varied chooses which of the inserted columns get new values, so that no
// unique key is there already: one of each key that has no other new value.
func varied(r *relation, columns []int) map[int]bool {
	inserted, vary := map[int]bool{}, map[int]bool{}
	for _, i := range columns {
		inserted[i] = true
	}
	for _, key := range r.keys {
		best, rank := -1, 0
		for _, i := range key {
			c := r.columns[i]
			switch {
			case !inserted[i], vary[i]:
				best, rank = -1, 100 // new already
			case !variable(c):
			case c.foreign || c.routes:
				// It may point to nothing, or belong to no partition: the last choice.
				if rank < 1 {
					best, rank = i, 1
				}
			case rank < 2:
				best, rank = i, 2
			}
		}
		if best >= 0 {
			vary[best] = true
		}
	}
	return vary
}

func variable(c column) bool {
	switch c.kind {
	case "int2", "int4", "int8", "numeric", "float8", "uuid", "text", "varchar", "bpchar", "citext", "date", "timestamp", "timestamptz", "bytea":
		return true
	}
	return false
}

// fresh is a value that no row has, most likely, and no other worker makes.
func fresh(c column, rnd *rand.Rand, worker int) []byte {
	n := rnd.Uint64()
	switch c.kind {
	case "int2":
		return fmt.Append(nil, 16_000+worker%64*256+int(n%256))
	case "int4":
		return fmt.Append(nil, 1<<30+worker%64<<24+int(n%(1<<24)))
	case "int8", "numeric", "float8":
		return fmt.Append(nil, uint64(1)<<50+uint64(worker%64)<<40+n%(1<<40))
	case "uuid":
		return fmt.Appendf(nil, "%016x%016x", n, rnd.Uint64())
	case "date":
		return time.Unix(0, 0).UTC().AddDate(0, 0, int(n%100_000)).AppendFormat(nil, time.DateOnly)
	case "timestamp", "timestamptz":
		return time.UnixMicro(int64(n%(1<<52))).UTC().AppendFormat(nil, "2006-01-02 15:04:05.999999Z07:00")
	case "bytea":
		return fmt.Appendf(nil, `\x%016x`, n)
	}
	text := fmt.Sprintf("%s%d", strconv.FormatUint(n, 36), worker)
	if c.length > 0 && len(text) > int(c.length) {
		text = text[:c.length]
	}
	return []byte(text)
}

// plain is a value for a table without rows to take one from; nil, for NULL,
// when the type is none of the usual ones.
func plain(c column) []byte {
	if !c.notNull {
		return nil
	}
	switch c.kind {
	case "uuid":
		return []byte("00000000-0000-0000-0000-000000000000")
	case "json", "jsonb":
		return []byte("{}")
	case "bytea":
		return []byte{}
	}
	switch c.category {
	case "N":
		return []byte("1")
	case "B":
		return []byte("false")
	case "S":
		return []byte("x")
	case "D":
		return []byte("2000-01-01 00:00:00")
	case "T":
		return []byte("1 day")
	case "I":
		return []byte("127.0.0.1")
	case "A":
		return []byte("{}")
	case "E":
		return []byte(c.label)
	}
	return nil
}
