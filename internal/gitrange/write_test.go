package gitrange

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A new file is written below the root only, whatever links the repository has.
func TestCreateFile(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	for name, c := range map[string]struct {
		link, to string
		path     string
		isInside bool
	}{
		"a plain path":                {path: "a/b/c.sql", isInside: true},
		"a link inside":               {link: "a", to: "real", path: "a/c.sql", isInside: true},
		"a link to a directory":       {link: ".github", to: outside, path: ".github/workflows/x.yml"},
		"a link in a folder":          {link: "onward/plans", to: outside, path: "onward/plans/x.json"},
		"a link that climbs":          {link: "a", to: "../../../../../../../../tmp", path: "a/c.sql"},
		"a link to a missing place":   {link: "a", to: filepath.Join(outside, "missing"), path: "a/c.sql"},
		"a link in the file's place":  {link: "c.sql", to: filepath.Join(outside, "c.sql"), path: "c.sql"},
		"a path that climbs":          {path: "../c.sql"},
		"a link to an inner missing":  {link: "a", to: "missing", path: "a/c.sql"},
		"an inner link, then outside": {link: "a", to: "real/../../elsewhere", path: "a/c.sql"},
	} {
		for _, write := range []func(root, path, text string) error{CreateFile, ReplaceFile} {
			root := filepath.Join(t.TempDir(), "deep")
			if err := errors.Join(os.MkdirAll(filepath.Join(root, "real"), 0o755), os.MkdirAll(filepath.Join(root, filepath.Dir(c.link)), 0o755)); err != nil {
				t.Fatal(err)
			}
			if c.link != "" {
				if err := os.Symlink(c.to, filepath.Join(root, c.link)); err != nil {
					t.Fatal(err)
				}
			}
			err := write(root, c.path, "text")
			if c.isInside != (err == nil) && c.link != "c.sql" {
				t.Errorf("%s: write %s: error %v, want success: %t", name, c.path, err, c.isInside)
			}
			if left, _ := os.ReadDir(outside); len(left) != 0 {
				t.Errorf("%s: %v is outside", name, left)
			}
			if text, err := os.ReadFile(filepath.Join(root, c.path)); c.isInside && (err != nil || string(text) != "text") {
				t.Errorf("%s: the written file has %q, error %v, want \"text\"", name, text, err)
			}
		}
	}
	root := t.TempDir()
	if err := errors.Join(CreateFile(root, "a.sql", "1"), ReplaceFile(root, "a.sql", "2")); err != nil {
		t.Error(err)
	}
	if err := CreateFile(root, "a.sql", "3"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an existing file: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "a.sql")); err != nil || string(text) != "2" {
		t.Errorf("a.sql after CreateFile and ReplaceFile: %q, %v, want \"2\"", text, err)
	}
}
