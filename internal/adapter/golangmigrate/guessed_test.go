package golangmigrate

import (
	"context"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// Two files of one version stop golang-migrate; a tool of the project's own may
// run files of such names, too.
func TestDuplicateOfAGuessedTool(t *testing.T) {
	t.Parallel()
	for mod, want := range map[string]bool{"module m\n": true, "module m\nrequire github.com/golang-migrate/migrate/v4 v4.18.0\n": false,
		"module m\nrequire (\n\tgithub.com/golang-migrate/migrate/v4 v4.18.0 // indirect\n)\n": true} {
		tree := adaptertest.Files{
			"go.mod": []byte(mod), "db/1_a.up.sql": []byte("SELECT 1;"), "db/1_b.up.sql": []byte("SELECT 1;"), "db/2_c.up.sql": []byte("SELECT 1;"),
		}
		sources := Adapter.Detect(tree)
		if len(sources) != 1 {
			t.Fatalf("Detect finds %v, want one source", sources)
		}
		set, err := Adapter.Load(context.Background(), tree, sources[0])
		if err != nil {
			t.Fatal(err)
		}
		if len(set.History) != 1 || set.History[0].Guessed != want {
			t.Errorf("with go.mod %q: history %+v, want one entry, guessed: %t", mod, set.History, want)
		}
		if edited := set.HistoryBehavior.Edited; strings.Contains(edited, "if it runs these files") != want {
			t.Errorf("%s: an edited file: %s", mod, edited)
		}
	}
}
