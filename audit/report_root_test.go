package audit

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Each place of a report that names a file outside the repository names it from the root of the file system.
func TestFilesOutsideRepository(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	gittest.WriteFiles(t, other, map[string]string{
		"a b$1.sql": "ALTER TABLE orders DROP COLUMN a;\nALTER TABLE orders RENAME TO o;", "2.sql": "CREATE TABLE x (;", "sub/3.sql": "DROP TABLE y;",
	})
	for name, paths := range map[string][]string{
		"a file":           {filepath.Join(other, "a b$1.sql")},
		"a directory":      {other},
		"both":             {other, filepath.Join(other, "2.sql"), filepath.Join(other, "sub")},
		"a relative path":  {relativePath(t, dir, other)},
		"inside and above": {filepath.Join(other, "2.sql"), filepath.Dir(other)},
	} {
		r := check(t, CheckConfig{Dir: dir, Paths: paths})
		if len(r.Findings) == 0 {
			t.Fatalf("%s: no findings", name)
		}
		for _, f := range r.Findings {
			if !strings.HasPrefix(f.Path, other+"/") {
				t.Errorf("%s: the finding %s is in %s, and the file in %s", name, f.Rule, f.Path, other)
			}
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		relative := strings.TrimPrefix(other, "/")
		if all, rooted := strings.Count(string(text), relative), strings.Count(string(text), "/"+relative); all != rooted || strings.Contains(string(text), "/"+other) {
			t.Errorf("%s: %d of %d names of %s have their slash:\n%s", name, rooted, all, other, text)
		}
	}
}

func relativePath(t *testing.T, from, to string) string {
	t.Helper()
	path, err := filepath.Rel(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
