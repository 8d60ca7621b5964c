package pgparse

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGuards: a guard is the condition that alone decides whether a statement runs.
func TestGuards(t *testing.T) {
	t.Parallel()
	block, err := ParseBlock(`DO $$
BEGIN
  IF a THEN
    SELECT 1;
    IF b OR c THEN SELECT 2; END IF;
    IF d THEN SELECT 3; ELSE SELECT 4; END IF;
    FOR i IN 1..n LOOP SELECT 5; END LOOP;
    BEGIN SELECT 6; EXCEPTION WHEN others THEN SELECT 7; END;
    CASE WHEN e THEN IF f THEN SELECT 8; END IF; END CASE;
  END IF;
  WHILE g LOOP IF h THEN SELECT 9; END IF; END LOOP;
  IF k THEN SELECT 10; ELSIF l THEN SELECT 11; END IF;
  SELECT 12;
END $$`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range block.Statements {
		got[s.SQL] = s.Guard
	}
	want := map[string]string{
		"SELECT 1": "(a)", "SELECT 2": "(a) AND (b OR c)", "SELECT 3": "", "SELECT 4": "", "SELECT 5": "", "SELECT 6": "(a)", "SELECT 7": "", "SELECT 8": "",
		"SELECT 9": "", "SELECT 10": "", "SELECT 11": "", "SELECT 12": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
