package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/wire"
)

// Difference is a statement that the server answers otherwise than on the deployed schema.
type Difference struct {
	// Base and Now are the answers.
	Base, Now *Answer
	// Fails: the server refuses it now, or for another reason. Otherwise its result is another one, or it is not refused any more.
	Fails bool
	// Reshaped: the result has the same values, in other columns or types.
	Reshaped bool
	// Message says what is different, without values.
	Message string
}

// Comparison is what two replays have in common, and what not.
type Comparison struct {
	Differences []Difference
	// Same are the events of statements that were compared and have the same answer.
	Same map[int]bool
}

// Compare compares a replay with two replays on the deployed schema. If these two differ, that depends on the clock, on chance or on the order of
// sessions, and is not compared.
//
// Of a transaction only the first other result and the first failure are given: others are their consequence. Once a statement has failed, results are not
// compared any more, as rows may be missing for that reason.
func Compare(base, rerun, now []*Answer) Comparison {
	second, current := indexByEvent(rerun), indexByEvent(now)
	type transaction struct{ session, number int }
	failedTransactions, differed := map[transaction]bool{}, map[transaction]bool{}
	failed := false
	out := Comparison{Same: map[int]bool{}}
	for _, a := range base {
		b, c := second[a.Event], current[a.Event]
		tx := transaction{a.Session, a.Transaction}
		if b == nil || c == nil || failedTransactions[tx] || a.Unanswered || a.Skipped || b.SQLState != a.SQLState || b.Unanswered {
			continue
		}
		d := compareAnswers(a, b, c)
		if d == nil || d.Reshaped {
			out.Same[a.Event] = !c.Skipped
		}
		switch {
		case d == nil:
			continue
		case failed && slices.Contains(consequences, d.Now.SQLState):
			failedTransactions[tx] = true
			continue
		case d.Fails || d.Reshaped || !failed && !differed[tx]:
			out.Differences = append(out.Differences, *d)
		}
		if d.Reshaped {
			continue
		}
		failedTransactions[tx], differed[tx], failed = d.Fails, true, failed || d.Fails
	}
	return out
}

// consequences are errors that follow when an earlier statement has failed: a prepared statement or cursor that was not made, a row that was not inserted.
var consequences = []string{
	"26000", // prepared statement "%s" does not exist
	"34000", // cursor "%s" does not exist
	"23503", // insert or update on table "%s" violates foreign key constraint "%s"
}

func indexByEvent(list []*Answer) map[int]*Answer {
	out := map[int]*Answer{}
	for _, a := range list {
		out[a.Event] = a
	}
	return out
}

// compareAnswers compares the answers to one message; nil is no difference.
func compareAnswers(a, b, c *Answer) *Difference {
	differs := func(fails bool, format string, args ...any) *Difference {
		return &Difference{Base: a, Now: c, Fails: fails, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case c.Unanswered:
		return differs(false, "it is not answered: it waits for a lock, or runs without end")
	case c.Skipped:
		return nil // the message before it has the difference
	case c.SQLState == a.SQLState && c.SQLState != "":
		return nil
	case c.SQLState != "" && a.SQLState != "":
		return differs(true, "%s (before: SQLSTATE %s)", c.Message, a.SQLState)
	case c.SQLState != "":
		return differs(true, "%s", c.Message)
	case a.SQLState != "":
		return differs(false, "it is not refused any more (before: SQLSTATE %s)", a.SQLState)
	}
	if slices.Equal(a.Tags, b.Tags) && !slices.Equal(a.Tags, c.Tags) {
		return differs(false, "%s", describeTags(a.Tags, c.Tags))
	}
	if text := compareRows(a, b, c); text != "" {
		return differs(false, "%s", text)
	}
	if !slices.EqualFunc(a.Columns, c.Columns, func(x, y Column) bool { return x.Name == y.Name && x.Type == y.Type }) {
		return &Difference{Base: a, Now: c, Reshaped: true, Message: "the result has other columns"}
	}
	return nil
}

// rowVerbs say what a command does to rows, by the first word of its tag.
var rowVerbs = map[string]string{
	"SELECT": "returns", "FETCH": "returns", "INSERT": "inserts", "UPDATE": "changes", "DELETE": "deletes", "COPY": "copies", "MERGE": "merges",
}

// describeTags says which command's end differs.
func describeTags(before, now []string) string {
	for i := range before {
		if i >= len(now) || before[i] == now[i] {
			continue
		}
		verb, n, counted := cutCount(before[i])
		_, m, _ := cutCount(now[i])
		if !counted {
			return fmt.Sprintf("its answer is %q instead of %q", now[i], before[i])
		}
		if word := rowVerbs[verb]; word != "" {
			return fmt.Sprintf("it %s %s instead of %d", word, prose.CountNoun(m, "row"), n)
		}
		return fmt.Sprintf("its answer is %q instead of %q", now[i], before[i])
	}
	return "it ends with " + prose.CountNoun(len(now), "result") + fmt.Sprintf(" instead of %d", len(before))
}

// cutCount cuts the number of rows from a command's tag.
func cutCount(tag string) (verb string, n int, counted bool) {
	words := strings.Fields(tag)
	if len(words) < 2 {
		return tag, 0, false
	}
	_, err := fmt.Sscan(words[len(words)-1], &n)
	return words[0], n, err == nil
}

// LastWrite returns the index of its last command that wrote rows; -1 for none.
func (a *Answer) LastWrite() int {
	if a.SQLState != "" {
		return -1
	}
	for i, tag := range slices.Backward(a.Tags) {
		if verb, n, _ := cutCount(tag); n > 0 && slices.Contains([]string{"INSERT", "UPDATE", "MERGE", "COPY"}, verb) {
			return i
		}
	}
	return -1
}

// compareRows compares the rows of results; "" is no difference. Rows in another order are the same: a query that sorts gives equal ones in any order.
func compareRows(a, b, c *Answer) string {
	if slices.Equal(a.hashes, c.hashes) && slices.Equal(a.Columns, c.Columns) {
		return ""
	}
	if len(a.hashes) != len(b.hashes) {
		return ""
	}
	if len(a.hashes) != len(c.hashes) {
		return fmt.Sprintf("it returns %s instead of %d", prose.CountNoun(len(c.hashes), "row"), len(a.hashes))
	}
	if len(a.Columns) == 0 { // COPY
		switch {
		case sameSet(a.hashes, c.hashes) || !sameSet(a.hashes, b.hashes):
			return ""
		case bytes.Equal(bytes.Join(a.rows, nil), bytes.Join(c.rows, nil)):
			return ""
		}
		return "it copies other rows"
	}
	if len(a.hashes) > mostRows { // the values of the others are not kept
		if slices.Equal(a.Columns, c.Columns) && sameSet(a.hashes, b.hashes) && !sameSet(a.hashes, c.hashes) {
			return "it returns other rows"
		}
		return ""
	}
	first, second, now := readTable(a, a.Columns), readTable(b, a.Columns), readTable(c, a.Columns)
	for i, column := range a.Columns {
		if second[i] == nil || !equalColumns(first[i], second[i]) || now[i] == nil {
			continue // two replays on the deployed schema differ
		}
		if slices.Contains(integerTypes, column.Type) && equalMappedNumbers(a, c, first[i], now[i]) {
			continue
		}
		if !equalColumns(first[i], now[i]) {
			return fmt.Sprintf("column %q has another value", column.Name)
		}
	}
	return ""
}

func sameSet(a, b []uint64) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// readTable returns the values of the first rows as texts, by column of a list; nil for a column that the answer does not have.
func readTable(a *Answer, columns []Column) [][]string {
	types := pgtype.NewMap()
	out := make([][]string, len(columns))
	used := make([]bool, len(a.Columns))
	for i, column := range columns {
		place := slices.IndexFunc(a.Columns, func(c Column) bool { return c.Name == column.Name })
		if i < len(a.Columns) && a.Columns[i].Name == column.Name {
			place = i // several columns may have one name
		}
		if place < 0 || used[place] {
			continue
		}
		used[place] = true
		out[i] = []string{}
		for _, row := range a.rows {
			list := splitCells(row)
			if place >= len(list) {
				return make([][]string, len(columns)) // several results, or a row that is cut
			}
			out[i] = append(out[i], valueText(types, a.Columns[place], list[place]))
		}
	}
	return out
}

// nullText stands for NULL: no text has a zero byte.
const nullText = "\x00"

// valueText returns a value as a text, whatever its format.
func valueText(types *pgtype.Map, c Column, data []byte) string {
	if data == nil {
		return nullText
	}
	if !c.Binary {
		return string(data)
	}
	if text, known := wire.FormatBinary(types, c.Type, data); known {
		return string(text)
	}
	return string(data)
}

// equalColumns reports whether two columns have the same values, in any order.
func equalColumns(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	if slices.EqualFunc(a, b, equalValues) {
		return true
	}
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.EqualFunc(x, y, equalValues)
}

// equalMappedNumbers reports whether a column has numbers of the same rows: a sequence that gives other numbers gives others to all that refers to these rows.
func equalMappedNumbers(a, c *Answer, first, second []string) bool {
	if len(first) != len(second) || len(c.numbers) == 0 && len(a.numbers) == 0 {
		return false
	}
	recorded := map[int64]int64{}
	for number, replayed := range a.numbers {
		recorded[replayed] = number
	}
	for i := range first {
		x, errX := strconv.ParseInt(first[i], 10, 64)
		y, errY := strconv.ParseInt(second[i], 10, 64)
		if errX != nil || errY != nil {
			return false
		}
		if number, known := recorded[x]; known {
			x = number
		}
		if replayed, known := c.numbers[x]; known {
			x = replayed
		}
		if x != y {
			return false
		}
	}
	return true
}

// equalValues reports whether two texts are one value: 1.0 and 1.00, and JSON with other white space.
func equalValues(a, b string) bool {
	if a == b {
		return true
	}
	if x, ok := new(big.Rat).SetString(a); ok && len(a) < 100 && len(b) < 100 && !strings.ContainsAny(a+b, "/eE") {
		y, ok := new(big.Rat).SetString(b)
		return ok && x.Cmp(y) == 0
	}
	if !strings.HasPrefix(a, "{") && !strings.HasPrefix(a, "[") {
		return false
	}
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// CompareEach is [Compare] for messages that have nothing to do with each other: each is compared, whatever happened to those before it. A message
// that is not answered is not compared.
func CompareEach(base, rerun, now []*Answer) []Difference {
	second, current := indexByEvent(rerun), indexByEvent(now)
	var out []Difference
	for _, a := range base {
		b, c := second[a.Event], current[a.Event]
		if b == nil || c == nil || a.Unanswered || b.Unanswered || c.Unanswered || a.Skipped || b.SQLState != a.SQLState {
			continue
		}
		if d := compareAnswers(a, b, c); d != nil && !d.Reshaped {
			out = append(out, *d)
		}
	}
	return out
}

// CountRows returns how many rows its commands returned or changed before and now. known is false if the ends of its commands do not say so.
func (d *Difference) CountRows() (before, now int, known bool) {
	if len(d.Base.Tags) == 0 || len(d.Base.Tags) != len(d.Now.Tags) {
		return 0, 0, false
	}
	for i := range d.Base.Tags {
		_, n, counted := cutCount(d.Base.Tags[i])
		_, m, nowCounted := cutCount(d.Now.Tags[i])
		if !counted || !nowCounted {
			return 0, 0, false
		}
		before, now = before+n, now+m
	}
	return before, now, true
}
