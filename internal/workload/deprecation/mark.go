package deprecation

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// softDelete are the words of a column that says which rows are deleted.
const softDelete = "soft delete"

// Mark is a column that says which rows of its table are deleted: a comment calls it so, or
// onward.yaml.
//
//	COMMENT ON COLUMN users.deleted_at IS 'onward: soft delete, view users_live'
type Mark struct {
	// Column is its name.
	Column string
	// View is the name of the view of rows that are not deleted, in the table's schema; NoView
	// that none is wanted. "" where nobody says.
	View   string
	NoView bool
	// Configured: onward.yaml says so, and not a comment.
	Configured bool
}

// Marked is what a column is said to mark; nil where nothing is said that can be read.
// configured are columns by table, as onward.yaml has them.
func Marked(table catalog.Name, c *catalog.Column, configured map[string]string) *Mark {
	for name, column := range configured {
		schema, bare := query.SplitName(name)
		if schema == "" {
			schema = "public"
		}
		if column == c.Name && schema+"."+bare == table.Qualified() {
			return &Mark{Column: column, Configured: true}
		}
	}
	line, ok := spoken(c.Comment)
	if !ok || !marks(line) {
		return nil
	}
	m, err := mark(line)
	if err != nil {
		return nil
	}
	m.Column = c.Name
	return &m
}

// MarkedBy are the tables of a schema with a column whose comment calls it so: the column, by the
// table's qualified name.
func MarkedBy(c *catalog.Catalog) map[string]string {
	out := map[string]string{}
	c.Relations(func(r *catalog.Relation) bool {
		for _, col := range r.Columns {
			if Marked(r.Name, col, nil) != nil {
				out[r.Name.Qualified()] = col.Name
			}
		}
		return true
	})
	return out
}

// marks reports whether words are about deleted rows, and not about a column that is about to go.
func marks(line string) bool {
	rest := ""
	return after(strings.ToLower(strings.Join(strings.Fields(first(line)), " ")), softDelete, &rest)
}

func first(line string) string {
	head, _, _ := strings.Cut(strings.TrimRight(strings.TrimSpace(line), "."), ",")
	return head
}

// mark reads the words.
func mark(line string) (m Mark, err error) {
	text := strings.TrimRight(strings.TrimSpace(line), ".")
	said := map[string]bool{}
	for i, span := range pgparse.Clauses(text, 0) {
		clause := strings.Join(strings.Fields(text[span.Start:span.End]), " ")
		what, rest := strings.ToLower(clause), ""
		switch {
		case what == softDelete && i == 0:
		case what == "no view":
			m.NoView = true
		case after(what, "view", &rest) && rest != "":
			rest = clause[len(clause)-len(rest):]
			names := pgparse.Names(rest)
			if what = "view"; len(names) != 1 || pgparse.NextLexeme(rest, 0).End != len(rest) {
				return m, fmt.Errorf("%q names no view in the schema of the table", clause)
			}
			m.View = names[0]
		default:
			return m, fmt.Errorf("%q is none of soft delete, view NAME, no view", clause)
		}
		if said[what] {
			return m, fmt.Errorf("%q is said twice", what)
		}
		said[what] = true
	}
	if m.View != "" && m.NoView {
		return m, fmt.Errorf("it says view %s, and no view", m.View)
	}
	return m, nil
}
