package facts_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/code/facts"
)

func TestSpellings(t *testing.T) {
	t.Parallel()
	if got := strings.Join(facts.Spellings("user_id"), " "); got != "user_id userId UserId UserID USER_ID" {
		t.Errorf("Spellings(\"user_id\") = %q", got)
	}
	for in, want := range map[string]string{"users": "user", "addresses": "address", "categories": "category", "boxes": "box", "class": "class"} {
		if got := facts.Singular(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
