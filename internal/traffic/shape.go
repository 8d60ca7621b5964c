package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
			values := pickOf(row, append([]int{set}, key...))
			if row == nil {
				values[0] = plain(r.columns[set])
			}
			return values
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
	var out []*shape
	// A new value of a key by which rows are routed belongs to another partition
	// than this one, more likely than not.
	strays := r.kind == "r" && slices.ContainsFunc(columns, func(i int) bool { return vary[i] && r.columns[i].routes })
	if !strays {
		out = append(out, insertShape(r, insert, columns, vary))
	}
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

// insertShape inserts a row like a sampled one, but for the columns to vary.
func insertShape(r *relation, sql string, columns []int, vary map[int]bool) *shape {
	return &shape{
		relation: r.name, kind: write, sql: sql,
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
	}
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
	return slices.ContainsFunc(r.keys, func(key []int) bool { return slices.Contains(key, column) })
}
