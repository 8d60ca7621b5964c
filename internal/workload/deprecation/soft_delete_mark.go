package deprecation

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// softDelete is the phrase for a column that says which rows are deleted.
const softDelete = "soft delete"

// Mark is a column that says which rows of its table are deleted, according to a comment or
// onward.yaml.
//
//	COMMENT ON COLUMN users.deleted_at IS 'onward: soft delete, view users_live'
type Mark struct {
	// Column is its name.
	Column string
	// View is the name of the view of rows that are not deleted, in the table's schema; "" if not
	// given. NoView: the project wants no such view.
	View   string
	NoView bool
	// Configured: onward.yaml says so, not a comment.
	Configured bool
}

// ColumnMark returns the mark of a column; nil if there is none that can be read. configured maps
// tables to columns, as in onward.yaml.
func ColumnMark(table catalog.Name, c *catalog.Column, configured map[string]string) *Mark {
	for name, column := range configured {
		schema, bare := query.SplitName(name)
		if schema == "" {
			schema = "public"
		}
		if column == c.Name && schema+"."+bare == table.Qualified() {
			return &Mark{Column: column, Configured: true}
		}
	}
	line, ok := onwardLine(c.Comment)
	if !ok || !isDeletedMark(line) {
		return nil
	}
	m, err := parseMark(line)
	if err != nil {
		return nil
	}
	m.Column = c.Name
	return &m
}

// MarkedBy maps the qualified names of tables to their column whose comment marks deleted rows.
func MarkedBy(c *catalog.Catalog) map[string]string {
	out := map[string]string{}
	c.EachRelation(func(r *catalog.Relation) bool {
		for _, col := range r.Columns {
			if ColumnMark(r.Name, col, nil) != nil {
				out[r.Name.Qualified()] = col.Name
			}
		}
		return true
	})
	return out
}

// isDeletedMark reports whether a comment is about deleted rows, and not about a deprecation.
func isDeletedMark(line string) bool {
	rest := ""
	return cutWords(strings.ToLower(strings.Join(strings.Fields(firstClause(line)), " ")), softDelete, &rest)
}

func firstClause(line string) string {
	head, _, _ := strings.Cut(strings.TrimRight(strings.TrimSpace(line), "."), ",")
	return head
}

// parseMark reads the comment of such a column.
func parseMark(line string) (m Mark, err error) {
	text := strings.TrimRight(strings.TrimSpace(line), ".")
	seenKinds := map[string]bool{}
	for i, span := range pgparse.SplitClauses(text, 0) {
		clause := strings.Join(strings.Fields(text[span.Start:span.End]), " ")
		kind, rest := strings.ToLower(clause), ""
		switch {
		case kind == softDelete && i == 0:
		case kind == "no view":
			m.NoView = true
		case cutWords(kind, "view", &rest) && rest != "":
			rest = clause[len(clause)-len(rest):]
			names := pgparse.ListNames(rest)
			if kind = "view"; len(names) != 1 || pgparse.NextLexeme(rest, 0).End != len(rest) {
				return m, fmt.Errorf("%q names no view in the schema of the table", clause)
			}
			m.View = names[0]
		default:
			return m, fmt.Errorf("%q is none of soft delete, view NAME, no view", clause)
		}
		if seenKinds[kind] {
			return m, fmt.Errorf("%q is said twice", kind)
		}
		seenKinds[kind] = true
	}
	if m.View != "" && m.NoView {
		return m, fmt.Errorf("it says view %s, and no view", m.View)
	}
	return m, nil
}
