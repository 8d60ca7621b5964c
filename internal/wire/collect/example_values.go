package collect

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/workload"
)

// mostExample is the longest value that is kept as an example, in bytes.
const mostExample = 200

// mostTries is how often the values of one query are read: it may have none that can be kept.
const mostTries = 20

// boundValues are the values of a Bind message, as they came.
type boundValues struct {
	values [][]byte // nil for NULL
	binary []bool
}

// readBoundValues copies the values of a Bind message, after its names; nil if it is incomplete.
func readBoundValues(in reader) *boundValues {
	var formats []bool
	for range in.readInt16() {
		formats = append(formats, in.readInt16() == 1)
	}
	b := &boundValues{}
	for i := range in.readInt16() {
		v, null, ok := in.readValue()
		if !ok || len(v) > mostExample {
			return nil
		}
		if null {
			v = nil
		} else {
			v = append([]byte{}, v...)
		}
		b.values = append(b.values, v)
		b.binary = append(b.binary, len(formats) == 1 && formats[0] || len(formats) > 1 && i < len(formats) && formats[i])
	}
	return b
}

// addExample keeps the values that a query was sent with, if there is room. The collector is locked.
func (c *Collector) addExample(q *query, stmt *preparedStatement, boundPortal *portal) {
	if !c.cfg.Values || len(q.examples) == workload.MostValues || q.exampleTries == mostTries || q.key.shape.ownMark != workload.Code {
		return
	}
	params := len(q.key.shape.normal.Params)
	if params == 0 {
		return
	}
	q.exampleTries++
	var values *boundValues
	if boundPortal != nil {
		values = boundPortal.boundValues
	}
	literals := workload.ParameterValues(stmt.part.sql)
	if len(literals) != params {
		return
	}
	example := make([]*string, params)
	for i, from := range stmt.part.form.from {
		v, ok := literals[i], literals[i] != nil
		if from > 0 {
			v, ok = c.paramText(values, stmt, from-1)
		}
		if !ok || v != nil && len(*v) > mostExample {
			return
		}
		example[i] = v
	}
	q.examples = workload.AddValues(q.examples, example)
}

// paramText is a parameter of the client's as a text, nil for NULL; ok is false for one that
// cannot be read.
func (c *Collector) paramText(b *boundValues, stmt *preparedStatement, i int) (text *string, ok bool) {
	if b == nil || i >= len(b.values) {
		return nil, false
	}
	v := b.values[i]
	if v == nil {
		return nil, true
	}
	if b.binary[i] {
		if i >= len(stmt.oids) {
			return nil, false
		}
		typ, known := c.types.TypeForOID(stmt.oids[i])
		if !known {
			return nil, false
		}
		read, err := typ.Codec.DecodeValue(c.types, typ.OID, pgtype.BinaryFormatCode, v)
		if err != nil {
			return nil, false
		}
		if v, err = c.types.Encode(typ.OID, pgtype.TextFormatCode, read, nil); err != nil || v == nil {
			return nil, false
		}
	}
	if !utf8.Valid(v) || bytes.IndexByte(v, 0) >= 0 {
		return nil, false
	}
	s := string(v)
	return &s, true
}

// valuesNote is in each recording that has examples.
const valuesNote = "it holds values that parameters had, which are data: keep it as you keep a dump"

// hasExampleValues reports whether a recording has examples.
func hasExampleValues(list []workload.Query) bool {
	return slices.ContainsFunc(list, func(q workload.Query) bool { return len(q.Values) > 0 })
}
