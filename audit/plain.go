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
	node *pgparse.Node
}

// same reports whether two statements are one, however they are laid out.
func (p *plain) same(o *plain) bool {
	return p.sql == o.sql || p.node != nil && o.node != nil && pgparse.Equal(p.node, o.node)
}

// statements are the statements of a migration, without comments and
// white space.
func statements(m *adapter.Migration) []plain {
	s, err := script.Build(m.Source)
	if err != nil {
		return []plain{{m.Source.Text, 1, nil}}
	}
	var out []plain
	for _, st := range s.Statements {
		if st.Parent < 0 {
			out = append(out, plain{pgparse.Squeeze(st.SQL), st.Line, st.Node})
		}
	}
	return out
}
