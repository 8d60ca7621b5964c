package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// visit is one execution of a transaction, or of a query: what it asks of a table
// comes from one row, so that its queries fit one another.
type visit struct {
	rnd             *rand.Rand
	worker, workers int
	// own: rows are among those that only this worker works on.
	own  bool
	rows map[*relation][][]byte
}

func newVisit(rnd *rand.Rand, worker, workers int, own bool) *visit {
	return &visit{rnd: rnd, worker: worker, workers: workers, own: own, rows: map[*relation][][]byte{}}
}

// row is the one of a table; nil when it has none.
func (v *visit) row(r *relation) [][]byte {
	row, known := v.rows[r]
	if known {
		return row
	}
	switch {
	case v.own:
		row = mine(r, v.rnd, v.worker, v.workers)
	case len(r.rows) > 0:
		row = r.rows[v.rnd.IntN(len(r.rows))]
	}
	v.rows[r] = row
	return row
}

// making is how values are made for a query.
type making uint8

// The modes, in the order in which they are tried: values of the columns, with new ones
// for unique keys that look like those that there are; with others; values of the
// parameters' types alone; and values of the columns, whatever is there already.
const (
	alike making = iota
	unlike
	byType
	copied
	makings
)

// values are the parameters of one execution.
func (v *visit) values(q *recorded) [][]byte {
	out := make([][]byte, len(q.params))
	for i := range q.params {
		out[i] = v.value(&q.params[i], q.mode)
	}
	return out
}

func (v *visit) value(p *param, m making) []byte {
	switch {
	case p.most:
		return []byte("10")
	case p.skip:
		return []byte("0")
	case p.of == nil || m == byType || !fits(&p.of.columns[p.column], p):
		return typed(p.as, v.rnd)
	}
	value := v.existing(p.of, p.column)
	if p.fresh && m != copied {
		value = v.new(p.of.columns[p.column], value, m == alike)
	}
	if p.array && value != nil {
		return array(value)
	}
	return value
}

// new is a value that no row has, most likely: with alike one that begins otherwise.
func (v *visit) new(c column, value []byte, alike bool) []byte {
	if alike && c.category == "S" && len(value) > 0 {
		text := strconv.FormatUint(v.rnd.Uint64(), 36) + strconv.Itoa(v.worker) + string(value)
		if c.length == 0 || len(text) <= int(c.length) {
			return []byte(text)
		}
	}
	return fresh(c, v.rnd, v.worker)
}

// existing is a value that a table's row has in a column.
func (v *visit) existing(r *relation, i int) []byte {
	if row := v.row(r); row != nil {
		return row[i]
	}
	return v.absent(r, i)
}

// absent is a value for a table without rows: what the table that it refers to has.
func (v *visit) absent(r *relation, i int) []byte {
	c := &r.columns[i]
	if c.refers != nil {
		if row := v.row(c.refers); row != nil {
			return row[c.referred]
		}
	}
	return plain(*c)
}

// fits reports whether a column's text may be a value of the parameter.
func fits(c *column, p *param) bool {
	as := p.as
	if p.array {
		return as.category == "A" && (as.element == c.kind || as.elementCategory == "S" || as.elementCategory == c.category && c.category != "U")
	}
	switch {
	case as.kind == c.kind, as.category == "S":
		return true
	case as.category == "N" && c.category == "N":
		return slices.Contains([]string{"numeric", "float8", "float4"}, as.kind) || whole(c.kind) && whole(as.kind)
	}
	return as.category == c.category && c.category != "U"
}

func whole(kind string) bool { return slices.Contains([]string{"int2", "int4", "int8", "oid"}, kind) }

// array is a list with one value.
func array(value []byte) []byte {
	return []byte(`{"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(value)) + `"}`)
}

// typed is some value of a type.
func typed(c column, rnd *rand.Rand) []byte {
	c.notNull = true
	switch {
	case whole(c.kind):
		return strconv.AppendInt(nil, 1+rnd.Int64N(99), 10)
	case c.category == "A":
		element := typed(column{kind: c.element, category: c.elementCategory, label: c.label}, rnd)
		if element == nil {
			return []byte("{}")
		}
		return array(element)
	case c.category == "R":
		return []byte("empty")
	case c.kind == "timestamptz", c.kind == "timestamp":
		return fmt.Appendf(nil, "20%02d-01-01 00:00:00", rnd.IntN(30))
	case c.kind == "tsquery", c.kind == "tsvector", c.kind == "char":
		return []byte("x")
	case c.kind == "bit", c.kind == "varbit":
		return []byte("1")
	}
	return plain(c)
}
