// Package deprecation reads which columns are about to go: from words that projects write
// into comments on columns, and into onward.yaml.
//
//	COMMENT ON COLUMN users.nickname IS 'onward: deprecated 2026-11-01, remove after 2027-02-01, renamed to display_name'
//	COMMENT ON COLUMN users.name IS 'onward: deprecated, split into first = split_part(name, '' '', 1), last = split_part(name, '' '', 2),
//	  joined as concat_ws('' '', first, last)'
package deprecation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// Deprecation is a column that must not be used any more.
type Deprecation struct {
	// Relation is schema-qualified and unquoted; Column is the column's name.
	Relation, Column string
	// Since is the date of the deprecation, such as 2026-11-01, and RemoveAfter the last day on which the column may be used; "" if not
	// given.
	Since, RemoveAfter string
	// RenamedTo is the column that replaces it; "" if not given.
	RenamedTo string
	// Into are the columns that it is split into, in the given order.
	Into []Part
	// Joined is an expression that computes its value from those columns; "" if not given.
	Joined string
	// Configured: onward.yaml says so, not a comment.
	Configured bool
}

// Words describes since when it is deprecated and how long it may be used.
func (d *Deprecation) Words() string {
	out := "deprecated"
	if d.Since != "" {
		out += " since " + d.Since
	}
	if d.RemoveAfter != "" {
		out += ", to be removed after " + d.RemoveAfter
	}
	return out
}

// IsOver reports whether its last day is over on a given day, such as 2027-02-02.
func (d *Deprecation) IsOver(today string) bool {
	return d.RemoveAfter != "" && today > d.RemoveAfter
}

// NoticeDays is how many days before its last day a deprecation is near, unless onward.yaml has another number.
const NoticeDays = 30

// Near reports whether its last day is at most so many days away and not over, and how far away it is.
func (d *Deprecation) Near(today string, maxDays int) (days int, isNear bool) {
	if d.RemoveAfter == "" || today == "" || d.IsOver(today) {
		return 0, false
	}
	days = dayNumber(d.RemoveAfter) - dayNumber(today)
	return days, days <= maxDays
}

// dayNumber numbers the days, such as 2027-02-01, one by one.
func dayNumber(date string) int {
	year, _ := strconv.Atoi(date[:4])
	month, _ := strconv.ParseUint(date[5:7], 10, 8)
	day, _ := strconv.Atoi(date[8:])
	before := year - 1
	out := before*365 + before/4 - before/100 + before/400 + day
	for m := uint64(1); m < month; m++ {
		out += int(daysOfMonth(uint64(year), m))
	}
	return out
}

const prefix = "onward:"

// ParseComment reads the comment on a column. ok is false for a comment that is not addressed to onward, or that says which rows are deleted
// ([Mark]). err reports a faulty comment in both cases.
func ParseComment(text string) (d Deprecation, ok bool, err error) {
	line, ok := onwardLine(text)
	switch {
	case !ok:
		return d, false, nil
	case isDeletedMark(line):
		_, err = parseMark(line)
		return d, false, err
	}
	d, err = Parse(line)
	return d, true, err
}

// onwardLine returns the part of a comment that is addressed to onward.
func onwardLine(text string) (line string, ok bool) {
	start := strings.Index(strings.ToLower(text), prefix)
	if start < 0 {
		return "", false
	}
	line, _, _ = strings.Cut(text[start+len(prefix):], "\n")
	return line, true
}

// Parse reads the comma-separated clauses, in any order. "deprecated" is required. The error quotes the faulty clause.
func Parse(text string) (Deprecation, error) {
	var d Deprecation
	seenKinds := map[string]bool{}
	text = strings.TrimRight(strings.TrimSpace(text), ".")
	before := ""
	for _, span := range pgparse.SplitClauses(text, 0) {
		clause := text[span.Start:span.End]
		kind, err := d.readClause(clause, before)
		before = kind
		if err == nil && seenKinds[kind] && kind != anotherPart {
			err = fmt.Errorf("%q is said twice", kind)
		}
		if err != nil {
			return Deprecation{}, err
		}
		seenKinds[kind] = true
	}
	switch {
	case !seenKinds["deprecated"]:
		return Deprecation{}, fmt.Errorf("%q does not say deprecated", text)
	case seenKinds["split into"] && seenKinds["renamed to"]:
		return Deprecation{}, fmt.Errorf("it cannot be renamed to one column and split into others")
	case seenKinds["joined as"] && !seenKinds["split into"]:
		return Deprecation{}, fmt.Errorf("it is joined of columns that it is not split into")
	case d.Since != "" && d.RemoveAfter != "" && d.RemoveAfter < d.Since:
		return Deprecation{}, fmt.Errorf("its removal after %s is before its deprecation on %s", d.RemoveAfter, d.Since)
	}
	return d, nil
}

// readClause reads one clause. before is the text of the clause before it. It returns the clause's keyword.
func (d *Deprecation) readClause(text, before string) (kind string, err error) {
	clause := strings.Join(strings.Fields(text), " ")
	lower := strings.ToLower(clause)
	switch rest := ""; {
	case cutWords(lower, "deprecated since", &rest), cutWords(lower, "deprecated", &rest):
		kind = "deprecated"
		if rest != "" {
			d.Since, err = checkDate(rest)
		}
	case cutWords(lower, "remove after", &rest):
		kind = "remove after"
		d.RemoveAfter, err = checkDate(rest)
	case cutWords(lower, "renamed to", &rest):
		kind = "renamed to"
		if d.RenamedTo = strings.Trim(clause[len("renamed to"):], ` "`); d.RenamedTo == "" || strings.ContainsAny(d.RenamedTo, " \"") {
			err = fmt.Errorf("%q names no column", clause)
		}
	case cutWords(lower, "split into", &rest):
		kind = "split into"
		err = d.readAssignment(textAfterWord(text, "into"))
	case cutWords(lower, "joined as", &rest):
		kind = "joined as"
		d.Joined = textAfterWord(text, "as")
		err = checkExpression(d.Joined)
	case before == "split into" || before == anotherPart:
		kind = anotherPart
		err = d.readAssignment(text)
	default:
		err = fmt.Errorf("%q is none of deprecated [DATE], remove after DATE, renamed to COLUMN, split into COLUMN = VALUE, …, joined as VALUE", clause)
	}
	return kind, err
}

// cutWords removes words from the beginning of a clause.
func cutWords(clause, words string, rest *string) bool {
	r, ok := strings.CutPrefix(clause, words)
	if !ok || r != "" && r[0] != ' ' {
		return false
	}
	*rest = strings.TrimSpace(r)
	return true
}

// checkDate checks that a text is a calendar date.
func checkDate(text string) (string, error) {
	wrong := fmt.Errorf("%q is no date: write it as 2027-02-01", text)
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return "", wrong
	}
	year, e1 := strconv.ParseUint(text[:4], 10, 16)
	month, e2 := strconv.ParseUint(text[5:7], 10, 8)
	day, e3 := strconv.ParseUint(text[8:], 10, 8)
	if e1 != nil || e2 != nil || e3 != nil || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month) {
		return "", wrong
	}
	return text, nil
}

func daysOfMonth(year, month uint64) uint64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// ListDeprecations lists the deprecations of a schema, sorted: from its comments, and from the configuration, keyed by "users.nickname" or
// "public.users.nickname". The configuration wins if both name a column. The errors name the columns whose deprecation could not be read.
func ListDeprecations(c *catalog.Catalog, configured map[string]string) ([]Deprecation, []error) {
	found := map[[2]string]Deprecation{}
	var errs []error
	for _, u := range ListMisread(c) {
		errs = append(errs, fmt.Errorf("the comment on %s.%s: %w", u.Table.Name, u.Column.Name, u.Err))
	}
	c.EachRelation(func(r *catalog.Relation) bool {
		for _, col := range r.Columns {
			if d, ok, err := ParseComment(col.Comment); ok && err == nil {
				d.Relation, d.Column = r.Name.Qualified(), col.Name
				found[[2]string{d.Relation, d.Column}] = d
			}
		}
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		d, err := Parse(configured[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("deprecated %s: %w", name, err))
			continue
		}
		if d.Relation, d.Column, err = SplitColumnName(name); err != nil {
			errs = append(errs, err)
			continue
		}
		d.Configured = true
		found[[2]string{d.Relation, d.Column}] = d
	}
	out := slices.Collect(maps.Values(found))
	slices.SortFunc(out, func(a, b Deprecation) int {
		return cmp.Or(cmp.Compare(a.Relation, b.Relation), cmp.Compare(a.Column, b.Column))
	})
	return out, errs
}

// Misread is a column whose comment is addressed to onward but cannot be read.
type Misread struct {
	Table  *catalog.Relation
	Column *catalog.Column
	Err    error
}

// ListMisread lists the misread columns of a schema, in the order of its tables.
func ListMisread(c *catalog.Catalog) (out []Misread) {
	c.EachRelation(func(r *catalog.Relation) bool {
		for _, col := range r.Columns {
			if _, _, err := ParseComment(col.Comment); err != nil {
				out = append(out, Misread{r, col, err})
			}
		}
		return true
	})
	return out
}

// ColumnDeprecation returns the deprecation of one column of a table; nil if there is none that can be read.
func ColumnDeprecation(table catalog.Name, c *catalog.Column, configured map[string]string) *Deprecation {
	for name, words := range configured {
		if relation, column, err := SplitColumnName(name); err != nil || relation != table.Qualified() || column != c.Name {
			continue
		}
		if d, err := Parse(words); err == nil {
			d.Relation, d.Column, d.Configured = table.Qualified(), c.Name, true
			return &d
		}
	}
	d, ok, err := ParseComment(c.Comment)
	if !ok || err != nil {
		return nil
	}
	d.Relation, d.Column = table.Qualified(), c.Name
	return &d
}

// SplitColumnName splits the name of a column. "users.nickname" is in schema public.
func SplitColumnName(name string) (relation, column string, err error) {
	table, column, ok := cutLastDot(name)
	if !ok || table == "" || column == "" {
		return "", "", fmt.Errorf("deprecated %q: write table.column or schema.table.column", name)
	}
	schema, table := query.SplitName(table)
	if schema == "" {
		schema = "public"
	}
	return schema + "." + table, strings.Trim(column, `"`), nil
}

func cutLastDot(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// Part is one of the columns that a column is split into. "split into first = split_part(name, ' ', 1)" has the part first.
type Part struct {
	// Column is its name, Value an expression over the column that is split.
	Column, Value string
}

// anotherPart begins a clause that names one more column of a split.
const anotherPart = "and into"

// Successors lists the columns that replace it, separated by commas; "" if not given.
func (d *Deprecation) Successors() string {
	if len(d.Into) == 0 {
		return d.RenamedTo
	}
	var names []string
	for _, p := range d.Into {
		names = append(names, p.Column)
	}
	return strings.Join(names, ", ")
}

// readAssignment reads COLUMN = VALUE. White space in the value is kept, since it may be in a
// string.
func (d *Deprecation) readAssignment(text string) error {
	end := pgparse.NameEnd(text, 0)
	names := pgparse.ListNames(text[:end])
	value, ok := strings.CutPrefix(strings.TrimSpace(text[end:]), "=")
	if len(names) != 1 || !ok {
		return fmt.Errorf("%q is not COLUMN = VALUE", text)
	}
	p := Part{Column: names[0], Value: strings.TrimSpace(value)}
	if slices.ContainsFunc(d.Into, func(o Part) bool { return o.Column == p.Column }) {
		return fmt.Errorf("%q is said twice", p.Column)
	}
	d.Into = append(d.Into, p)
	return checkExpression(p.Value)
}

// checkExpression explains why a text is not an expression.
func checkExpression(text string) error {
	if expression := pgparse.ParseExpression("(" + text + ")"); expression == nil || pgparse.HasNode[*pgparse.SubLink](expression) {
		return fmt.Errorf("%q is no expression over columns of the row", text)
	}
	return nil
}

// textAfterWord returns the text that follows a word.
func textAfterWord(text, word string) string {
	return strings.TrimSpace(text[max(pgparse.AfterWord(text, word), 0):])
}
