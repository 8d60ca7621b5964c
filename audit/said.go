package audit

import (
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// said is where migrations comment on columns, by schema.table.column. One whose name
// changes later is not found, and reported without a place.
type said map[string]onward.Place

func (x *said) take(m *adapter.Migration, s *script.Script) {
	for _, st := range s.Statements {
		c := st.Node.GetCommentStmt()
		if c == nil || c.GetObjtype() != pgparse.ObjectType_OBJECT_COLUMN {
			continue
		}
		list := pgparse.Items(c.GetObject())
		if len(list) < 2 {
			continue
		}
		schema, name := pgparse.SchemaAndName(list[:len(list)-1])
		if schema == "" {
			schema = "public"
		}
		if *x == nil {
			*x = said{}
		}
		(*x)[schema+"."+name+"."+pgparse.Last(list)] = onward.Place{Migration: m.ID, Path: m.Path, Line: st.Line}
	}
}

// today is a moment's day, in UTC.
func today(now time.Time) string {
	if now.IsZero() {
		now = time.Now()
	}
	return now.UTC().Format(time.DateOnly)
}
