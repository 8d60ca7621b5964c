package alembic

import (
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
)

// historyTable has one row for each head that a database is at.
const historyTable = "alembic_version"

// countRevisions describes Alembic's table if there is one head; nil if there are several. It has the last revisions, which follow each other in
// one line. Of those before that line, the table does not tell which ones a database has.
func countRevisions(list []*adapter.Migration) *adapter.Count {
	if len(findHeads(list)) != 1 {
		return nil
	}
	inLine := map[string]bool{}
	for i, m := range slices.Backward(list) {
		inLine[m.ID] = true
		if i == 0 || len(m.After) != 1 || m.After[0] != list[i-1].ID {
			break
		}
	}
	return &adapter.Count{
		Table: historyTable,
		Read:  adapter.KeyOnly("version_num"),
		Last:  true,
		Key: func(m *adapter.Migration) string {
			if !inLine[m.ID] {
				return ""
			}
			return m.ID
		},
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			id := pgparse.QuoteLiteral(m.ID)
			return "WITH moved AS (UPDATE " + table + " SET version_num = " + id + " RETURNING 1) INSERT INTO " + table + " (version_num) SELECT " + id +
				" WHERE NOT EXISTS (SELECT FROM moved)"
		},
		Run: func(m *adapter.Migration) string { return "alembic upgrade " + m.ID },
	}
}

// findHeads returns the revisions that no other one follows.
func findHeads(list []*adapter.Migration) (out []string) {
	followed := map[string]bool{}
	for _, m := range list {
		for _, id := range m.After {
			followed[id] = true
		}
	}
	for _, m := range list {
		if !followed[m.ID] {
			out = append(out, m.ID)
		}
	}
	return out
}

// listPythonMigrations lists the revisions, which only Alembic itself can run.
func listPythonMigrations(list []*adapter.Migration) (out []adapter.Beyond) {
	for _, m := range list {
		out = append(out, adapter.Beyond{Path: m.Path, Key: m.ID, What: "a program (Python)"})
	}
	return out
}
