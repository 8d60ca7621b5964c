package removal

import (
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/onward"
)

func TestSelectsAll(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"SELECT * FROM users":                     true,
		"select u.*, o.id from users u":           true,
		`db.Raw("SELECT count(*), * FROM users")`: true,
		"RETURNING *":                             true,
		"func (s *Store) User(id int64) *User {":  false,
		"SELECT count(*) FROM users":              false,
		"price * amount":                          false,
	} {
		if got := selectsAllColumns(analysis.Usage{Evidence: []onward.Evidence{{Text: text}}}); got != want {
			t.Errorf("selectsAllColumns(%q) = %v, want %v", text, got, want)
		}
	}
}
