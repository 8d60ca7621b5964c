package script

import (
	"slices"
	"strings"
	"testing"
)

// A comment above a call of a program applies to the first statement that the call sends, also if its SQL begins on a later line. A
// comment in the SQL applies as in a file of SQL.
func TestCommentsInPrograms(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		"exports.up = async (knex) => {",                   // 1
		"  // onward:ignore index-create-blocking: small",  // 2
		"  await knex.raw(`",                               // 3
		"    CREATE INDEX i ON t (a);",                     // 4
		"    -- onward:ignore table-drop: nobody reads it", // 5
		"    -- since May",                                 // 6
		"    DROP TABLE u;",                                // 7
		"    DO $$ BEGIN",                                  // 8
		"      -- onward:ignore column-drop: nobody",       // 9
		"      ALTER TABLE t DROP COLUMN b;",               // 10
		"    END $$;",                                      // 11
		"  `)",                                             // 12
		"  await knex.raw(",                                // 13
		"    // onward:ignore table-drop: nor this",        // 14
		"    // at all",                                    // 15
		"    `",                                            // 16
		"    DROP TABLE v",                                 // 17
		"    `)",                                           // 18
		"}",
	}, "\n")
	part := func(line int, first, last string) Part {
		start := strings.Index(text, first)
		end := strings.Index(text, last) + len(last)
		return Part{SQL: text[start:end], Start: start, Line: line, Column: 1, Message: true}
	}
	s, err := BuildScript(Source{Text: text, LineComment: "//", Parts: []Part{
		part(3, "CREATE INDEX", "END $$;"), part(13, "DROP TABLE v", "DROP TABLE v"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, c := range s.Suppressions {
		if c.Malformed != "" || c.Reason == "" {
			t.Errorf("the comment of line %d is refused: %+v", c.Line, c)
		}
		got = append(got, c.Line, c.Target)
	}
	if want := []int{2, 4, 5, 7, 9, 10, 14, 17}; !slices.Equal(got, want) {
		t.Errorf("lines of comments and of their statements are %v, want %v", got, want)
	}
	for _, place := range []struct {
		line, above int
		marker      string
	}{{4, 3, "//"}, {7, 7, "--"}, {10, 10, "--"}, {17, 13, "//"}, {1, 1, "//"}} {
		if above, marker := s.PlaceSuppression(place.line); above != place.above || marker != place.marker {
			t.Errorf("a comment for line %d goes above line %d with %s, want %d with %s", place.line, above, marker, place.above, place.marker)
		}
	}
}
