package sqlx

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Down returns the .down.sql of a migration: one message, in a transaction unless the
// file itself begins with "-- no-transaction".
func (reader) Down(t adapter.Tree, s adapter.Source, m *adapter.Migration) (*script.Source, error) {
	down, err := adapter.ReadDown(t, m)
	if down == nil || err != nil {
		return nil, err
	}
	switch c, _ := nearestCrate(findCrates(t), s.Dir); {
	case s.Options.Transaction != "":
		down.Mode = s.Options.Transaction
	case strings.HasPrefix(down.Text, marker) && !c.isOlderThan(0, 8):
		down.Mode = onward.TransactionMessage
	default:
		down.Mode = onward.TransactionFile
	}
	if p := adapter.TrimmedPart(down.Text, 0, len(down.Text)); p.SQL != "" {
		down.Parts = []script.Part{p}
	}
	return down, nil
}
