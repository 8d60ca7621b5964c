// Package deprecation reads which columns are about to go: from words that projects write
// into comments on columns, and into onward.yaml.
//
//	COMMENT ON COLUMN users.nickname IS 'onward: deprecated 2026-11-01, remove after 2027-02-01, renamed to display_name'
//	COMMENT ON COLUMN users.name IS 'onward: deprecated, split into first = split_part(name, '' '', 1), last = split_part(name, '' '', 2), joined as concat_ws('' '', first, last)'
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

// Deprecation is a column that nobody should use any more.
type Deprecation struct {
	// Relation is schema-qualified and unquoted; Column is the column's name.
	Relation, Column string
	// Since is when it was deprecated, RemoveAfter the last day on which it may be used:
	// 2026-11-01; "" where nobody says.
	Since, RemoveAfter string
	// RenamedTo is the column that takes its place; "" where nobody says.
	RenamedTo string
	// Into are the columns that it is split into, in the order in which they are said.
	Into []Part
	// Joined is its value, made of those columns; "" where nobody says.
	Joined string
	// Configured: onward.yaml says so, and not a comment.
	Configured bool
}

// Words say since when it is deprecated, and until when it may be used.
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

// Past reports whether its last day is over on a day, such as 2027-02-02.
func (d *Deprecation) Past(today string) bool {
	return d.RemoveAfter != "" && today > d.RemoveAfter
}

const prefix = "onward:"

// Comment reads the comment on a column. ok is false for one that does not speak to onward, or
// says which rows are deleted ([Mark]); err is that of its words all the same.
func Comment(text string) (d Deprecation, ok bool, err error) {
	line, ok := spoken(text)
	switch {
	case !ok:
		return d, false, nil
	case marks(line):
		_, err = mark(line)
		return d, false, err
	}
	d, err = Parse(line)
	return d, true, err
}

// spoken is what a comment says to onward.
func spoken(text string) (line string, ok bool) {
	at := strings.Index(strings.ToLower(text), prefix)
	if at < 0 {
		return "", false
	}
	line, _, _ = strings.Cut(text[at+len(prefix):], "\n")
	return line, true
}

// Parse reads the words themselves: clauses in any order, between commas. "deprecated" must
// be among them. The error quotes the clause.
func Parse(text string) (Deprecation, error) {
	var d Deprecation
	said := map[string]bool{}
	text = strings.TrimRight(strings.TrimSpace(text), ".")
	before := ""
	for _, span := range pgparse.Clauses(text, 0) {
		clause := text[span.Start:span.End]
		what, err := d.clause(clause, before)
		before = what
		if err == nil && said[what] && what != anotherPart {
			err = fmt.Errorf("%q is said twice", what)
		}
		if err != nil {
			return Deprecation{}, err
		}
		said[what] = true
	}
	switch {
	case !said["deprecated"]:
		return Deprecation{}, fmt.Errorf("%q does not say deprecated", text)
	case said["split into"] && said["renamed to"]:
		return Deprecation{}, fmt.Errorf("it cannot be renamed to one column and split into others")
	case said["joined as"] && !said["split into"]:
		return Deprecation{}, fmt.Errorf("it is joined of columns that it is not split into")
	case d.Since != "" && d.RemoveAfter != "" && d.RemoveAfter < d.Since:
		return Deprecation{}, fmt.Errorf("it is to be removed after %s, before it was deprecated on %s", d.RemoveAfter, d.Since)
	}
	return d, nil
}

// clause reads one, behind another one. It returns the words that it begins with.
func (d *Deprecation) clause(text, before string) (what string, err error) {
	clause := strings.Join(strings.Fields(text), " ")
	lower := strings.ToLower(clause)
	switch rest := ""; {
	case after(lower, "deprecated since", &rest), after(lower, "deprecated", &rest):
		what = "deprecated"
		if rest != "" {
			d.Since, err = date(rest)
		}
	case after(lower, "remove after", &rest):
		what = "remove after"
		d.RemoveAfter, err = date(rest)
	case after(lower, "renamed to", &rest):
		what = "renamed to"
		if d.RenamedTo = strings.Trim(clause[len("renamed to"):], ` "`); d.RenamedTo == "" || strings.ContainsAny(d.RenamedTo, " \"") {
			err = fmt.Errorf("%q names no column", clause)
		}
	case after(lower, "split into", &rest):
		what = "split into"
		err = d.part(behind(text, "into"))
	case after(lower, "joined as", &rest):
		what = "joined as"
		d.Joined = behind(text, "as")
		err = expression(d.Joined)
	case before == "split into" || before == anotherPart:
		what = anotherPart
		err = d.part(text)
	default:
		err = fmt.Errorf("%q is none of deprecated [DATE], remove after DATE, renamed to COLUMN, split into COLUMN = VALUE, …, joined as VALUE", clause)
	}
	return what, err
}

// after cuts words off the beginning of a clause.
func after(clause, words string, rest *string) bool {
	r, ok := strings.CutPrefix(clause, words)
	if !ok || r != "" && r[0] != ' ' {
		return false
	}
	*rest = strings.TrimSpace(r)
	return true
}

// date is a day of the calendar.
func date(text string) (string, error) {
	wrong := fmt.Errorf("%q is no date: write it as 2027-02-01", text)
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return "", wrong
	}
	year, e1 := strconv.ParseUint(text[:4], 10, 16)
	month, e2 := strconv.ParseUint(text[5:7], 10, 8)
	day, e3 := strconv.ParseUint(text[8:], 10, 8)
	if e1 != nil || e2 != nil || e3 != nil || month < 1 || month > 12 || day < 1 || day > days(year, month) {
		return "", wrong
	}
	return text, nil
}

func days(year, month uint64) uint64 {
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

// Of lists the deprecations of a schema: those that its comments say, and those that are
// configured, by "users.nickname" or "public.users.nickname"; the configured one counts
// where both speak of one column. Sorted. The errors say what could not be read, with
// the column's name.
func Of(c *catalog.Catalog, configured map[string]string) ([]Deprecation, []error) {
	found := map[[2]string]Deprecation{}
	var errs []error
	for _, u := range Unread(c) {
		errs = append(errs, fmt.Errorf("the comment on %s.%s: %w", u.Table.Name, u.Column.Name, u.Err))
	}
	c.Relations(func(r *catalog.Relation) bool {
		for _, col := range r.Columns {
			if d, ok, err := Comment(col.Comment); ok && err == nil {
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
		if d.Relation, d.Column, err = Target(name); err != nil {
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

// Misread is a column whose comment speaks to onward in words that cannot be read.
type Misread struct {
	Table  *catalog.Relation
	Column *catalog.Column
	Err    error
}

// Unread are those of a schema, in the order of its tables.
func Unread(c *catalog.Catalog) (out []Misread) {
	c.Relations(func(r *catalog.Relation) bool {
		for _, col := range r.Columns {
			if _, _, err := Comment(col.Comment); err != nil {
				out = append(out, Misread{r, col, err})
			}
		}
		return true
	})
	return out
}

// Column is what is said of one column of a table; nil where nothing is that can be read.
func Column(table catalog.Name, c *catalog.Column, configured map[string]string) *Deprecation {
	for name, words := range configured {
		if relation, column, err := Target(name); err != nil || relation != table.Qualified() || column != c.Name {
			continue
		}
		if d, err := Parse(words); err == nil {
			d.Relation, d.Column, d.Configured = table.Qualified(), c.Name, true
			return &d
		}
	}
	d, ok, err := Comment(c.Comment)
	if !ok || err != nil {
		return nil
	}
	d.Relation, d.Column = table.Qualified(), c.Name
	return &d
}

// Target splits the name of a column: "users.nickname" is in public.
func Target(name string) (relation, column string, err error) {
	table, column, ok := cutLast(name)
	if !ok || table == "" || column == "" {
		return "", "", fmt.Errorf("deprecated %q: write table.column or schema.table.column", name)
	}
	schema, table := query.SplitName(table)
	if schema == "" {
		schema = "public"
	}
	return schema + "." + table, strings.Trim(column, `"`), nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
