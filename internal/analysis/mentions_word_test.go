package analysis_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
)

// A word is not part of another one, wherever it is.
func TestMentionsWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, word string
		want       bool
	}{
		{"users", "users", true}, {"a.users(id)", "users", true}, {"old_users users", "users", true}, {"usersusers", "users", false},
		{"users_old", "users", false}, {"éusers", "users", false}, {"", "users", false}, {"users", "", false}, {"aa a", "a", true}, {"aaa", "aa", false},
	} {
		if got := analysis.MentionsWord(c.text, c.word); got != c.want {
			t.Errorf("%q in %q: %t", c.word, c.text, got)
		}
	}
}
