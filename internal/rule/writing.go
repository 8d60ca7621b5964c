package rule

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// writing are the words of SQL that write to a table, by what they do.
var writing = map[string]string{
	"insert": `insert\s+into`, "update": `update`, "delete": `delete\s+from`, "truncate": `truncate(?:\s+table)?`, "merge": `merge\s+into`,
	"copy": `copy`,
}

// Writing is the evidence that the deployed code does one of these to a table:
// "insert", "update", "delete", "truncate", "merge", "copy" (from it or to it).
// nil when nothing shows it.
func (u Usage) Writing(table string, events ...string) []onward.Evidence {
	if slices.Contains(events, "insert") && len(u.Inserts) > 0 {
		return []onward.Evidence{u.Inserts[0].Evidence}
	}
	pattern := Writes(table, events...)
	for _, list := range [][]onward.Evidence{u.Evidence, u.Writes} {
		for _, e := range list {
			if pattern.MatchString(e.Text) {
				return []onward.Evidence{e}
			}
		}
	}
	return nil
}

// Setting is the evidence that the deployed code writes a column of a table: in an
// INSERT that lists it, or an UPDATE that sets it. u is what the code does with
// the table, of what it does with the column.
func (u Usage) Setting(of Usage, table, column string, events ...string) []onward.Evidence {
	if slices.Contains(events, "insert") {
		for i := range u.Inserts {
			if slices.ContainsFunc(u.Inserts[i].Columns, func(c string) bool { return strings.EqualFold(c, column) }) {
				return []onward.Evidence{u.Inserts[i].Evidence}
			}
		}
	}
	if !slices.Contains(events, "update") {
		return nil
	}
	return u.sets(of, table, column, `(?:[^=>]|$)`, func([]string) bool { return true })
}

// SettingTo is the evidence that an UPDATE of the deployed code sets a column of a
// table to a text of which is says yes.
func (u Usage) SettingTo(of Usage, table, column string, is func(value string) bool) []onward.Evidence {
	return u.sets(of, table, column, `\s*'((?:[^'\\]|\'\')*)'`, func(m []string) bool { return is(strings.ReplaceAll(m[1], "''", "'")) })
}

// sets finds a line of code in which an UPDATE of a table sets a column to what
// matches a pattern, and of which is says yes.
func (u Usage) sets(of Usage, table, column, to string, is func([]string) bool) []onward.Evidence {
	name := `["` + "`" + `\\]*\b` + regexp.QuoteMeta(column) + `\b["` + "`" + `\\]*\s*=` + to
	whole := Writes(table, "update")
	set := regexp.MustCompile(`(?i)(?:\bset\s+|\bset\s[^;]*,\s*)` + name)
	for _, list := range [][]onward.Evidence{u.Evidence, u.Writes, of.Evidence} {
		for _, e := range list {
			m := set.FindStringSubmatch(e.Text)
			// A line with a SET alone stands below an UPDATE of the same table.
			if m != nil && (whole.MatchString(e.Text) || slices.ContainsFunc(u.Writes, func(w onward.Evidence) bool {
				return w.Path == e.Path && w.Line < e.Line && e.Line-w.Line < 4 && whole.MatchString(w.Text)
			})) && is(m) {
				return []onward.Evidence{e}
			}
		}
	}
	return nil
}

// Writes is what a line of code looks like that does one of these to a table.
func Writes(table string, events ...string) *regexp.Regexp {
	var words []string
	for _, event := range events {
		words = append(words, writing[event])
	}
	name := `\b` + regexp.QuoteMeta(table) + `\b`
	pattern := `\b(?:` + strings.Join(words, "|") + `)\s+(?:only\s+)?[\\"` + "`" + `\w.]*` + name
	if slices.Contains(events, "truncate") { // which may name several
		pattern += `|\btruncate\s+(?:table\s+)?(?:only\s+)?[\\"` + "`" + `\w.]+(?:\s*,\s*[\\"` + "`" + `\w.]+)*?\s*,\s*[\\"` + "`" + `\w.]*` + name
	}
	if slices.Contains(events, "copy") { // of pgx, lib/pq and psycopg
		pattern += `|\b(?:CopyFrom|CopyIn|CopyInSchema|copy_from|copy_to)\s*\([^;]*["']` + name + `["']`
	}
	return regexp.MustCompile(`(?i)` + pattern)
}

// Words of a query that only reads, and of one that only writes, as far as the
// line that names a column shows.
var (
	sqlReads  = regexp.MustCompile(`(?i)\bselect\b`)
	sqlWrites = regexp.MustCompile(`(?i)\b(?:insert\s+into|update\s+\S+\s+set|merge\s+into|on\s+conflict|returning)\b`)
	sqlGives  = regexp.MustCompile(`(?i)\breturning\b`)
)

// Writers is UsesColumn for what only breaks code that writes the column: lines of
// SQL that read it are no evidence.
func (p *Pass) Writers(d *Delta, c *catalog.Column) Usage {
	u := p.UsesColumn(d, c).without(func(text string) bool { return sqlReads.MatchString(text) && !sqlWrites.MatchString(text) })
	if x := p.Inserts(d, c); x != nil && !slices.ContainsFunc(u.Evidence, func(e onward.Evidence) bool { return e.Path == x.Evidence.Path && e.Line == x.Evidence.Line }) {
		u.Evidence = append([]onward.Evidence{x.Evidence}, u.Evidence...)
	}
	return u
}

// Readers is UsesColumn for what only breaks code that reads the column. Queries
// come first.
func (p *Pass) Readers(d *Delta, c *catalog.Column) Usage {
	u := p.UsesColumn(d, c).without(func(text string) bool {
		return sqlWrites.MatchString(text) && !sqlReads.MatchString(text) && !sqlGives.MatchString(text)
	})
	slices.SortStableFunc(u.Evidence, func(a, b onward.Evidence) int {
		switch is, other := sqlReads.MatchString(a.Text), sqlReads.MatchString(b.Text); {
		case is == other:
			return 0
		case is:
			return -1
		}
		return 1
	})
	return u
}

// without is the usage without some lines of evidence: that the column is used
// stays true.
func (u Usage) without(drop func(text string) bool) Usage {
	u.Evidence = slices.DeleteFunc(slices.Clone(u.Evidence), func(e onward.Evidence) bool { return e.Kind == "code" && drop(e.Text) })
	return u
}
