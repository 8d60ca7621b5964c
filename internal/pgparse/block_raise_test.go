package pgparse

import (
	"fmt"
	"testing"
)

// A RAISE is sure if no branch, loop, handler or earlier RETURN lets the body go on without it.
func TestSureRaises(t *testing.T) {
	for body, want := range map[string]string{
		"BEGIN\n RAISE EXCEPTION 'no';\nEND":                                                    "[2]",
		"BEGIN\n PERFORM 1;\n RAISE EXCEPTION 'no' USING ERRCODE = '23514';\n RETURN NEW;\nEND": "[3]",
		"BEGIN\n BEGIN\n  RAISE EXCEPTION 'no';\n END;\nEND":                                    "[3]",
		"BEGIN\n IF NEW.a > 1 THEN\n  RAISE EXCEPTION 'no';\n END IF;\n RETURN NEW;\nEND":       "[]",
		"BEGIN\n IF NEW.a > 1 THEN RETURN NEW; END IF;\n RAISE EXCEPTION 'no';\nEND":            "[]",
		"BEGIN\n CASE NEW.a WHEN 1 THEN RAISE EXCEPTION 'no'; ELSE NULL; END CASE;\nEND":        "[]",
		"BEGIN\n FOR i IN 1..NEW.a LOOP\n  RAISE EXCEPTION 'no';\n END LOOP;\nEND":              "[]",
		"BEGIN\n PERFORM 1;\nEXCEPTION WHEN others THEN\n RAISE EXCEPTION 'no';\nEND":           "[]",
	} {
		block, err := ParseBlock("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS " + DollarQuote("\n"+body))
		if err != nil {
			t.Errorf("ParseBlock of a function with the body %q: %v", body, err)
			continue
		}
		lines := []int{}
		for _, line := range block.SureRaises {
			lines = append(lines, line-1)
		}
		if got := fmt.Sprint(lines); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
