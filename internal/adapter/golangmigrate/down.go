package golangmigrate

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Down returns the .down.sql of a migration, sent as the up migration is. With
// x-multi-statement it is cut at every semicolon, even inside a string or a body.
func (reader) Down(t adapter.Tree, _ adapter.Source, m *adapter.Migration) (*script.Source, error) {
	down, err := adapter.ReadDown(t, m)
	if down == nil || err != nil {
		return nil, err
	}
	multi := down.Mode == onward.TransactionNone
	for start := 0; start < len(down.Text); {
		end := len(down.Text)
		if n := strings.IndexByte(down.Text[start:], ';'); multi && n >= 0 {
			end = start + n + 1
		}
		if p := adapter.TrimmedPart(down.Text, start, end); p.SQL != "" {
			p.Message = multi
			down.Parts = append(down.Parts, p)
		}
		start = end
	}
	return down, nil
}
