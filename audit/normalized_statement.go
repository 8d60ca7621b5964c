package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// normalizedStatement is a statement in a form for comparison.
type normalizedStatement struct {
	sql  string
	line int
	node *pgparse.Node
}

// hasSameText reports whether two statements are equal, whatever their layout.
func (p *normalizedStatement) hasSameText(o *normalizedStatement) bool {
	return p.sql == o.sql || p.node != nil && o.node != nil && pgparse.Equal(p.node, o.node)
}

// normalizeStatements returns the statements of a migration, without comments and white space.
func normalizeStatements(m *adapter.Migration) []normalizedStatement {
	s, err := script.BuildScript(m.Source)
	if err != nil {
		return []normalizedStatement{{m.Source.Text, 1, nil}}
	}
	var out []normalizedStatement
	for _, st := range s.Statements {
		if st.Parent < 0 {
			out = append(out, normalizedStatement{pgparse.SqueezeSQL(st.SQL), st.Line, st.Node})
		}
	}
	return out
}
