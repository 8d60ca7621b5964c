package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// execution is one execution of a transaction, or of a query. Its values for a table come
// from one row, so that its queries fit one another.
type execution struct {
	rnd             *rand.Rand
	worker, workers int
	// ownRows: it uses rows that only this worker works on.
	ownRows bool
	rows    map[*relation][][]byte
}

func newExecution(rnd *rand.Rand, worker, workers int, ownRows bool) *execution {
	return &execution{rnd: rnd, worker: worker, workers: workers, ownRows: ownRows, rows: map[*relation][][]byte{}}
}

// pickRow returns the row of a table; nil if the table has none.
func (v *execution) pickRow(r *relation) [][]byte {
	row, known := v.rows[r]
	if known {
		return row
	}
	switch {
	case v.ownRows:
		row = pickOwnRow(r, v.rnd, v.worker, v.workers)
	case len(r.rows) > 0:
		row = r.rows[v.rnd.IntN(len(r.rows))]
	}
	v.rows[r] = row
	return row
}

// valueMode is how values are made for a query.
type valueMode uint8

// The modes, in the order in which they are tried:
//   - values of the columns, with new values for unique keys that resemble existing
//     ones,
//   - values of the columns, with other new values,
//   - values by the parameters' types alone,
//   - values of the columns, including existing values for unique keys.
const (
	alike valueMode = iota
	unlike
	byType
	copied
	makings
)

// makeValues returns the parameters of one execution.
func (v *execution) makeValues(q *recordedQuery) [][]byte {
	out := make([][]byte, len(q.params))
	for i := range q.params {
		out[i] = v.makeValue(&q.params[i], q.mode)
	}
	return out
}

func (v *execution) makeValue(p *param, m valueMode) []byte {
	switch {
	case p.isLimit:
		return []byte("10")
	case p.isOffset:
		return []byte("0")
	case p.table == nil || m == byType || !fitsParam(&p.table.columns[p.column], p):
		return makeTypedValue(p.ownType, v.rnd)
	}
	value := v.existingValue(p.table, p.column)
	if p.isNew && m != copied {
		value = v.newValue(p.table.columns[p.column], value, m == alike)
	}
	if p.array && value != nil {
		return arrayLiteral(value)
	}
	return value
}

// newValue returns a value that probably no row has; if keepSuffix, it ends with the given value.
func (v *execution) newValue(c column, value []byte, keepSuffix bool) []byte {
	if keepSuffix && c.category == "S" && len(value) > 0 {
		text := strconv.FormatUint(v.rnd.Uint64(), 36) + strconv.Itoa(v.worker) + string(value)
		if c.length == 0 || len(text) <= int(c.length) {
			return []byte(text)
		}
	}
	return newUniqueValue(c, v.rnd, v.worker)
}

// existingValue returns the value that a table's row has in a column.
func (v *execution) existingValue(r *relation, i int) []byte {
	if row := v.pickRow(r); row != nil {
		return row[i]
	}
	return v.referencedValue(r, i)
}

// referencedValue returns a value for a table without rows: one from the table that it refers
// to.
func (v *execution) referencedValue(r *relation, i int) []byte {
	c := &r.columns[i]
	if c.refers != nil {
		if row := v.pickRow(c.refers); row != nil {
			return row[c.referred]
		}
	}
	return defaultValue(*c)
}

// fitsParam reports whether a column's text may be a value of the parameter.
func fitsParam(c *column, p *param) bool {
	paramType := p.ownType
	if p.array {
		return paramType.category == "A" && (paramType.element == c.kind || paramType.elementCategory == "S" ||
			paramType.elementCategory == c.category && c.category != "U")
	}
	switch {
	case paramType.kind == c.kind, paramType.category == "S":
		return true
	case paramType.category == "N" && c.category == "N":
		return slices.Contains([]string{"numeric", "float8", "float4"}, paramType.kind) || isInteger(c.kind) && isInteger(paramType.kind)
	}
	return paramType.category == c.category && c.category != "U"
}

func isInteger(kind string) bool {
	return slices.Contains([]string{"int2", "int4", "int8", "oid"}, kind)
}

// arrayLiteral returns a list with one value.
func arrayLiteral(value []byte) []byte {
	return []byte(`{"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(value)) + `"}`)
}

// makeTypedValue returns some value of a type.
func makeTypedValue(c column, rnd *rand.Rand) []byte {
	c.notNull = true
	switch {
	case isInteger(c.kind):
		return strconv.AppendInt(nil, 1+rnd.Int64N(99), 10)
	case c.category == "A":
		element := makeTypedValue(column{kind: c.element, category: c.elementCategory, label: c.label}, rnd)
		if element == nil {
			return []byte("{}")
		}
		return arrayLiteral(element)
	case c.category == "R":
		return []byte("empty")
	case c.kind == "timestamptz", c.kind == "timestamp":
		return fmt.Appendf(nil, "20%02d-01-01 00:00:00", rnd.IntN(30))
	case c.kind == "tsquery", c.kind == "tsvector", c.kind == "char":
		return []byte("x")
	case c.kind == "bit", c.kind == "varbit":
		return []byte("1")
	}
	return defaultValue(c)
}
