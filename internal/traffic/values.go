package traffic

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

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
