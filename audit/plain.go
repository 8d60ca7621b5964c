package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// plain is a statement for comparison.
type plain struct {
	sql  string
	line int
}

// statements are the statements of a migration, without comments and
// white space.
func statements(m *adapter.Migration) []plain {
	s, err := script.Build(m.Source)
	if err != nil {
		return []plain{{m.Source.Text, 1}}
	}
	var out []plain
	for _, st := range s.Statements {
		if st.Parent < 0 {
			out = append(out, plain{pgparse.Squeeze(st.SQL), st.Line})
		}
	}
	return out
}
