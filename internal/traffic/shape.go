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
	// values returns one execution's parameters, as text; nil is NULL.
	values func(r *rand.Rand, worker, workers int) [][]byte
	// cost is how long it takes if nothing blocks it; slow shapes are sent less
	// often.
	cost time.Duration
	// quietUntil is the time until which a refused query is not sent, in nanoseconds
	// of the Unix epoch; 0 if it was not refused.
	quietUntil atomic.Int64
	// fallback is sent after the shape's rows were duplicates. A unique or partial
	// unique index of the release is no problem of the deployed code, whose rows
	// are not copies.
	fallback  *shape
	duplicate atomic.Bool
}

// newReadShapes returns the ways to read a relation, best first: a row by its key,
// or any row of a relation without one.
func newReadShapes(r *relation) []*shape {
	all := formatColumns(r, allIndexes(len(r.columns)))
	if len(r.keys) == 0 {
		return []*shape{{relation: r.name, kind: read, sql: fmt.Sprintf("SELECT %s FROM %s LIMIT 1", all, r.quoted), values: noValues}}
	}
	key := r.keys[0]
	return []*shape{{
		relation: r.name, kind: read,
		sql: fmt.Sprintf("SELECT %s FROM %s WHERE %s", all, r.quoted, formatKeyCondition(r, key, 0)),
		values: func(rnd *rand.Rand, _, _ int) [][]byte {
			return pickValues(r, rnd, key)
		},
	}}
}

// newUpdateShapes returns updates that set a column of a row, found by its key, to
// its current value.
func newUpdateShapes(r *relation) []*shape {
	if r.kind != "r" && r.kind != "p" || len(r.keys) == 0 {
		return nil
	}
	key := r.keys[0]
	set := findUpdatableColumn(r)
	if set < 0 {
		return nil
	}
	return []*shape{{
		relation: r.name, kind: write,
		sql: fmt.Sprintf("UPDATE %s SET %s = $1 WHERE %s", r.quoted, r.columns[set].quoted, formatKeyCondition(r, key, 1)),
		values: func(rnd *rand.Rand, worker, workers int) [][]byte {
			row := pickOwnRow(r, rnd, worker, workers)
			values := pickColumns(row, append([]int{set}, key...))
			if row == nil {
				values[0] = defaultValue(r.columns[set])
			}
			return values
		},
	}}
}

// findUpdatableColumn returns a column that an application would change: in no key, and
// preferably no reference to another table. -1 if there is none.
func findUpdatableColumn(r *relation) int {
	best := -1
	for i, c := range r.columns {
		if c.omitted || c.routes || isKeyColumn(r, i) {
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

// newInsertShapes returns the ways to insert a row, the most realistic first: a new
// row; an existing one, with ON CONFLICT DO NOTHING; no row at all, which still
// takes the lock.
func newInsertShapes(r *relation) []*shape {
	if r.kind != "r" && r.kind != "p" {
		return nil
	}
	var columns []int
	for i, c := range r.columns {
		// An application lets the database generate the identifier of a row, if
		// it can.
		if !c.omitted && !(c.filled && isKeyColumn(r, i)) {
			columns = append(columns, i)
		}
	}
	if len(columns) == 0 {
		return []*shape{{relation: r.name, kind: write, sql: "INSERT INTO " + r.quoted + " DEFAULT VALUES", values: noValues}}
	}
	list := formatColumns(r, columns)
	var marks []string
	for i := range columns {
		marks = append(marks, "$"+strconv.Itoa(i+1))
	}
	insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", r.quoted, list, strings.Join(marks, ", "))
	vary := columnsToVary(r, columns)
	var out []*shape
	// A new value of a partition key column most likely belongs to another
	// partition than this one.
	strays := r.kind == "r" && slices.ContainsFunc(columns, func(i int) bool { return vary[i] && r.columns[i].routes })
	if !strays {
		out = append(out, newRowCopyShape(r, insert, columns, vary))
	}
	if len(r.rows) > 0 {
		out = append(out, &shape{
			relation: r.name, kind: write, sql: insert + " ON CONFLICT DO NOTHING",
			values: func(rnd *rand.Rand, _, _ int) [][]byte {
				return pickValues(r, rnd, columns)
			},
		})
	}
	return append(out, &shape{
		relation: r.name, kind: write,
		sql:    fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE false", r.quoted, list, list, r.quoted),
		values: noValues,
	})
}

// newRowCopyShape inserts a copy of a sampled row, except for the columns in vary.
func newRowCopyShape(r *relation, sql string, columns []int, vary map[int]bool) *shape {
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
					values = append(values, newUniqueValue(r.columns[i], rnd, worker))
				case row == nil:
					values = append(values, defaultValue(r.columns[i]))
				default:
					values = append(values, row[i])
				}
			}
			return values
		},
	}
}

func noValues(*rand.Rand, int, int) [][]byte { return nil }

func allIndexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func formatColumns(r *relation, columns []int) string {
	var out []string
	for _, i := range columns {
		out = append(out, r.columns[i].quoted)
	}
	return strings.Join(out, ", ")
}

// formatKeyCondition compares a key with parameters, the first of them after skip others.
func formatKeyCondition(r *relation, key []int, skip int) string {
	var out []string
	for n, i := range key {
		out = append(out, fmt.Sprintf("%s = $%d", r.columns[i].quoted, n+skip+1))
	}
	return strings.Join(out, " AND ")
}

func isKeyColumn(r *relation, column int) bool {
	return slices.ContainsFunc(r.keys, func(key []int) bool { return slices.Contains(key, column) })
}

// pickValues returns some columns of any sampled row. Without a row it returns NULLs, with
// which a query takes the same locks and finds nothing.
func pickValues(r *relation, rnd *rand.Rand, columns []int) [][]byte {
	if len(r.rows) == 0 {
		return make([][]byte, len(columns))
	}
	return pickColumns(r.rows[rnd.IntN(len(r.rows))], columns)
}

func pickColumns(row [][]byte, columns []int) [][]byte {
	out := make([][]byte, len(columns))
	if row != nil {
		for n, i := range columns {
			out[n] = row[i]
		}
	}
	return out
}

// pickOwnRow returns a sampled row that only this worker writes, so that the load does not
// wait for itself; nil if there is none.
func pickOwnRow(r *relation, rnd *rand.Rand, worker, workers int) [][]byte {
	rowCount := (len(r.rows) - worker + workers - 1) / workers
	if rowCount <= 0 {
		return nil
	}
	return r.rows[worker+workers*rnd.IntN(rowCount)]
}

// columnsToVary chooses the inserted columns that get new values, so that no unique key
// exists already: one column of each key without another new value.
func columnsToVary(r *relation, columns []int) map[int]bool {
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
			case !canVary(c):
			case c.foreign || c.routes:
				// It may violate a foreign key, or belong to no partition: the last
				// choice.
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

func canVary(c column) bool {
	switch c.kind {
	case "int2", "int4", "int8", "numeric", "float8", "uuid", "text", "varchar", "bpchar", "citext", "date", "timestamp", "timestamptz", "bytea":
		return true
	}
	return false
}

// newUniqueValue returns a value that probably no row has and that no other worker makes.
func newUniqueValue(c column, rnd *rand.Rand, worker int) []byte {
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

// defaultValue returns a value for a table without sampled rows; nil, for NULL, if the type
// is not a usual one.
func defaultValue(c column) []byte {
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
