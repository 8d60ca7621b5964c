package django

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// venv is the interpreter of one of the environments.
func venv(t testing.TB, name string) string {
	t.Helper()
	return findVirtualenvPython(pgservertest.VenvPath(t, name))
}

// project is the absolute path of a project in testdata.
func project(t testing.TB, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// render renders a project without the cache.
func render(t testing.TB, cfg Config) *Project {
	t.Helper()
	if cfg.CacheDir == "" {
		cfg.CacheDir = "-"
	}
	p, err := Render(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Project) find(t testing.TB, id string) *Migration {
	t.Helper()
	for i := range p.Migrations {
		if p.Migrations[i].ID() == id {
			return &p.Migrations[i]
		}
	}
	t.Fatalf("no migration %s", id)
	return nil
}
