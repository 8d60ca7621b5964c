package replay

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// answer makes an answer to a statement of a transaction of the first session, with the rows of one column.
func answer(event, transaction int, state, tag string, values ...string) *Answer {
	a := &Answer{Event: event, Transaction: transaction, SQL: "SELECT x", SQLState: state, Message: state}
	if state == "" {
		a.Tags, a.Columns = []string{tag}, []Column{{Name: "x", Type: pgtype.TextOID}}
	}
	for _, v := range values {
		a.addRow(row(v))
	}
	return a
}

// row is the body of a DataRow message.
func row(values ...string) []byte {
	out := binary.BigEndian.AppendUint16(nil, uint16(len(values)))
	for _, v := range values {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(v))), v...)
	}
	return out
}

func typed(a *Answer, oid uint32, binaryFormat bool) *Answer {
	a.Columns[0].Type, a.Columns[0].Binary = oid, binaryFormat
	return a
}

func TestCompare(t *testing.T) {
	t.Parallel()
	list := func(list ...*Answer) []*Answer { return list }
	for name, c := range map[string]struct {
		base, again, now []*Answer
		want             []string
	}{
		"an error":                    {base: list(answer(1, 0, "", "INSERT 0 1")), now: list(answer(1, 0, "23514", "")), want: []string{"1 fails 23514"}},
		"the error that was expected": {base: list(answer(1, 0, "23505", "")), now: list(answer(1, 0, "23505", ""))},
		"another error": {base: list(answer(1, 0, "23505", "")), now: list(answer(1, 0, "23514", "")),
			want: []string{"1 fails 23514 (before: SQLSTATE 23505)"}},
		"an error that is gone": {base: list(answer(1, 0, "23505", "")), now: list(answer(1, 0, "", "INSERT 0 1")),
			want: []string{"1 it is not refused any more (before: SQLSTATE 23505)"}},
		"fewer rows changed": {base: list(answer(1, 0, "", "UPDATE 3")),
			now: list(answer(1, 0, "", "UPDATE 1")), want: []string{"1 it changes 1 row instead of 3"}},
		"chance": {base: list(answer(1, 0, "", "SELECT 1", "a")), again: list(answer(1, 0, "", "SELECT 1", "b")),
			now: list(answer(1, 0, "", "SELECT 1", "c"))},
		"another value": {base: list(answer(1, 0, "", "SELECT 1", "a")),
			now: list(answer(1, 0, "", "SELECT 1", "b")), want: []string{`1 column "x" has another value`}},
		"another order": {base: list(answer(1, 0, "", "SELECT 2", "a", "b")), now: list(answer(1, 0, "", "SELECT 2", "b", "a"))},
		"a number with more digits": {base: list(typed(answer(1, 0, "", "SELECT 1", "1.50"), pgtype.NumericOID, false)),
			now: list(typed(answer(1, 0, "", "SELECT 1", "1.5000"), pgtype.NumericOID, false))},
		"a wider integer": {base: list(typed(answer(1, 0, "", "SELECT 1", "\x00\x00\x00\x07"), pgtype.Int4OID, true)),
			now:  list(typed(answer(1, 0, "", "SELECT 1", "\x00\x00\x00\x00\x00\x00\x00\x07"), pgtype.Int8OID, true)),
			want: []string{"1 reshaped"}},
		"JSON with white space": {base: list(answer(1, 0, "", "SELECT 1", `{"a":1}`)), now: list(answer(1, 0, "", "SELECT 1", `{"a": 1}`))},
		"the rest of a transaction": {base: list(answer(1, 0, "", "INSERT 0 1"), answer(2, 0, "", "UPDATE 1"), answer(3, 1, "", "DELETE 1")),
			now: list(answer(1, 0, "23514", ""), answer(2, 0, "25P02", ""), answer(3, 1, "42501", "")), want: []string{"1 fails 23514", "3 fails 42501"}},
		"an error after another result": {base: list(answer(1, 0, "", "DELETE 1"), answer(2, 0, "", "INSERT 0 1")),
			now: list(answer(1, 0, "", "DELETE 0"), answer(2, 0, "23505", "")), want: []string{"1 it deletes 0 rows instead of 1", "2 fails 23505"}},
		"results after an error": {base: list(answer(1, 0, "", "INSERT 0 1"), answer(2, 1, "", "SELECT 1", "a")),
			now: list(answer(1, 0, "23514", ""), answer(2, 1, "", "SELECT 0")), want: []string{"1 fails 23514"}},
		"a row that was not inserted is missing": {base: list(answer(1, 0, "", "INSERT 0 1"), answer(2, 1, "", "INSERT 0 1")),
			now: list(answer(1, 0, "23514", ""), answer(2, 1, "23503", "")), want: []string{"1 fails 23514"}},
		"a foreign key alone": {base: list(answer(1, 0, "", "INSERT 0 1")), now: list(answer(1, 0, "23503", "")), want: []string{"1 fails 23503"}},
		"no answer": {base: list(answer(1, 0, "", "UPDATE 1")), now: list(&Answer{Event: 1, Unanswered: true}),
			want: []string{"1 it is not answered: it waits for a lock, or runs without end"}},
	} {
		if c.again == nil {
			c.again = c.base
		}
		var got []string
		compared := Compare(c.base, c.again, c.now)
		for _, d := range compared.Differences {
			text := d.Message
			switch {
			case d.Reshaped:
				text = "reshaped"
			case d.Fails:
				text = "fails " + d.Message
			}
			got = append(got, fmt.Sprintf("%d %s", d.Base.Event, text))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		for _, d := range compared.Differences {
			if compared.Same[d.Base.Event] != d.Reshaped {
				t.Errorf("%s: the statement %d counts as the same: %v", name, d.Base.Event, compared.Same)
			}
		}
	}
}
