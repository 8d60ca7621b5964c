package alembic

import (
	"context"
	"os"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.RunChild()
	os.Exit(pgservertest.Main(m))
}

// environments are the virtualenvs, each with the name of its driver in an address.
var environments = []struct{ name, scheme string }{
	{"alembic-1.13-psycopg2", "postgresql+psycopg2"}, {"alembic-1.20-psycopg", "postgresql+psycopg"},
}

// configured is an adapter whose sources have a command, as if onward.yaml named one.
type configured struct {
	*Adapter
	options adapter.Options
}

func (c configured) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	s.Options = c.options
	return c.Adapter.Load(ctx, t, s)
}

// withVenv returns an adapter that renders with an environment, without a cache.
func withVenv(t testing.TB, name string) configured {
	t.Helper()
	return configured{&Adapter{CacheDir: "-"}, adapter.Options{Render: preset, Python: pgservertest.VenvPath(t, name)}}
}

// loadProject renders a project.
func loadProject(t testing.TB, c configured, tree adapter.Tree) *adapter.Set {
	t.Helper()
	set, err := c.Load(context.Background(), tree, adapter.Source{Framework: Name, Dir: "migrations/versions"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// writeTree writes a project to disk.
func writeTree(t testing.TB, files map[string]string) adapter.Tree {
	t.Helper()
	dir := t.TempDir()
	adaptertest.Text(files).WriteTo(t, dir)
	return adaptertest.Disk(t, dir)
}

// preset is the command that onward init writes.
var preset = adapter.RenderCommand("Alembic")
