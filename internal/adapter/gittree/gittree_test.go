package gittree_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/adapter/goose"
	"github.com/onward-sql/onward/internal/gitrange"
)

// A directory on disk, with a file that links out of it, through the whole way
// that a real run takes.
func TestOf(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	adaptertest.Text(map[string]string{
		"db/1_a.sql": "-- +goose Up\nSELECT 1;\n",
		"db/2_b.sql": "-- +goose Up\nSELECT 2;\n",
	}).WriteTo(t, root)
	if err := os.Symlink("/etc/hostname", filepath.Join(root, "db", "3_c.sql")); err != nil {
		t.Fatal(err)
	}
	dir, err := gitrange.DirTree(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	tree := gittree.Of(dir)
	if diff := cmp.Diff([]string{"db/1_a.sql", "db/2_b.sql", "db/3_c.sql"}, tree.Paths()); diff != "" {
		t.Error(diff)
	}
	if got, err := tree.Dir(context.Background()); err != nil || got == "" {
		t.Errorf("Dir() = %q, %v", got, err)
	}
	sources, _ := adapter.DetectSources(tree, []adapter.Adapter{goose.Adapter})
	if len(sources) != 1 {
		t.Fatalf("%d sources", len(sources))
	}
	set, err := goose.Adapter.Load(context.Background(), tree, sources[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Migrations) != 3 || set.Migrations[0].Failed != "" || set.Migrations[1].Failed != "" || set.Migrations[2].Failed == "" {
		t.Errorf("%d migrations; only the third may fail", len(set.Migrations))
	}
}
