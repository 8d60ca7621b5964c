package audit

import (
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// columnComments maps schema.table.column to the place at which a migration comments on the column.
// If the column is renamed later, it is not found, and reported without a place.
type columnComments map[string]onward.Place

func (x *columnComments) addComments(m *adapter.Migration, s *script.Script) {
	for _, st := range s.Statements {
		c := st.Node.GetCommentStmt()
		if c == nil || c.GetObjtype() != pgparse.ObjectType_OBJECT_COLUMN {
			continue
		}
		list := pgparse.ListItems(c.GetObject())
		if len(list) < 2 {
			continue
		}
		schema, name := pgparse.SchemaAndName(list[:len(list)-1])
		if schema == "" {
			schema = "public"
		}
		if *x == nil {
			*x = columnComments{}
		}
		(*x)[schema+"."+name+"."+pgparse.LastText(list)] = onward.Place{Migration: m.ID, Path: m.Path, Line: st.Line}
	}
}

// formatDay returns the day of a time, in UTC.
func formatDay(now time.Time) string {
	if now.IsZero() {
		now = time.Now()
	}
	return now.UTC().Format(time.DateOnly)
}
