package lsp

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
)

// pieces are texts that an edit inserts: whole statements, and parts after which the migration does not parse.
var pieces = []string{
	"CREATE INDEX i ON t (v);\n", "ALTER TABLE t ADD COLUMN w int NOT NULL DEFAULT 0;\n", "ALTER TABLE t RENAME COLUMN v TO name;\n",
	"DROP TABLE t;\n", "CREATE TABLE fresh (id int);\r\n", "ALTER TABLE fresh ADD COLUMN w int;\n", "UPDATE t SET v = '🐘';\n",
	"/* 🐘 */ ", "-- é\n", "'", "$$", "(", ";", "\n", "\r", "ALTER TABLE ", "t",
}

// A text has the same diagnostics after edits as in a new session, also if it did not parse in between.
func TestRandomEdits(t *testing.T) {
	t.Parallel()
	const file, rounds, edited = "m/2_b.sql", 4, 12
	for _, units := range []encoding{utf16Units, utf8Units} {
		t.Run(string(units), func(t *testing.T) {
			t.Parallel()
			capabilities := `{"general":{"positionEncodings":["` + string(units) + `"]}}`
			s := edits(t, capabilities, deployed, "-- "+file+" --\nSELECT 1;\n")
			for round := range uint64(rounds) {
				seed := 1 + round
				random := rand.New(rand.NewPCG(seed, uint64(len(units)))) //nolint:gosec // a test
				current := newText("", units)
				for range 6 {
					current = newText(current.content+pieces[random.IntN(7)], units)
				}
				s.open(file, current.content)
				s.diagnostics(file, 1)
				version := 1
				for range edited {
					var changes []contentChange
					for range 1 + random.IntN(3) {
						c := randomChange(random, current)
						next, err := current.applyChange(c)
						if err != nil {
							t.Fatal(err)
						}
						current, changes = next, append(changes, c)
					}
					sent, err := json.Marshal(changes)
					if err != nil {
						t.Fatal(err)
					}
					version++
					s.change(file, version, string(sent))
				}
				got := codes(s.diagnostics(file, int32(version)))
				s.notify("textDocument/didClose", documentParams{TextDocument: document{URI: s.uri(file)}})
				fresh := edits(t, capabilities, deployed, "-- "+file+" --\nSELECT 1;\n")
				fresh.open(file, current.content)
				if want := codes(fresh.diagnostics(file, 1)); got != want {
					t.Errorf("seed %d, after %d edits of %q:\n%s\nopened anew:\n%s", seed, edited, current.content, got, want)
				}
			}
		})
	}
}

// randomChange replaces a random range of a text, which may be empty, by a piece or by nothing.
func randomChange(random *rand.Rand, in *text) contentChange {
	ends := []int{random.IntN(len(in.content) + 1), random.IntN(len(in.content) + 1)}
	slices.Sort(ends)
	ends[1] = min(ends[1], ends[0]+20)
	c := contentChange{Range: &span{Start: in.positionOf(ends[0]), End: in.positionOf(ends[1])}}
	if random.IntN(4) > 0 {
		c.Text = pieces[random.IntN(len(pieces))]
	}
	return c
}
