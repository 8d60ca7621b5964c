package prove

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgparse"
)

// down begins the part of a file that undoes it, by the runners' markers.
var down = regexp.MustCompile(`(?im)^--\s*(\+goose\s+down|migrate:\s*down|\+migrate\s+down|\+micrate\s+down).*`)

// TestCorpus runs every directory of migrations below the one that
// ONWARD_CORPUS names, in the order of the files' names, on one server (16, or
// the first of ONWARD_MAJORS) and through the fold. It is no part of the suite: real histories use extensions
// and code that a bare server does not have.
func TestCorpus(t *testing.T) {
	root := os.Getenv("ONWARD_CORPUS")
	if root == "" {
		component.Need(t, component.ByHand, errors.New("ONWARD_CORPUS names no directory"))
	}
	major := 16
	if os.Getenv("ONWARD_MAJORS") != "" {
		major = majors(t)[0]
	}
	dirs := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".sql") && !strings.HasSuffix(path, ".down.sql") && filepath.Base(path) != "down.sql" {
			dir := filepath.Dir(path)
			if filepath.Base(path) == "up.sql" {
				dir = filepath.Dir(dir)
			}
			dirs[dir] = append(dirs[dir], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, files := range dirs {
		if len(files) < 3 {
			continue
		}
		sort.Strings(files)
		t.Run(strings.TrimPrefix(dir, root), func(t *testing.T) {
			var sql strings.Builder
			for _, path := range files {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				text := string(data)
				if loc := down.FindStringIndex(text); loc != nil {
					text = text[:loc[0]]
				}
				f, err := pgparse.SplitText(text)
				if err != nil {
					continue
				}
				for _, s := range f.Stmts {
					copied := s.Node.GetCopyStmt()
					if s.Node != nil && s.Node.GetTransactionStmt() == nil && (copied == nil || copied.GetFilename() != "") {
						sql.WriteString(text[s.Start:s.End] + ";\n")
					}
				}
			}
			prove(t, major, sql.String(), true)
			proveLive(t, major, sql.String())
		})
	}
}
