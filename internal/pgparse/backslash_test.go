package pgparse

import "testing"

func TestHasPlainBackslash(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`SELECT 'a'`: false, `SELECT 'a\b'`: true, `SELECT E'a\b'`: false, `SELECT e'a\'b', 'c'`: false, `SELECT te'a\b'`: true,
		`SELECT 'it''s \'`: true, `-- 'a\b'`: false, `/* 'a\b' */`: false, `DO $$BEGIN x := 'a\b'; END$$`: false, `SELECT "a\b"`: false, `SELECT U&'\0041'`: true,
	} {
		if got := HasPlainBackslash(text); got != want {
			t.Errorf("HasPlainBackslash(%q) = %t, want %t", text, got, want)
		}
	}
}
