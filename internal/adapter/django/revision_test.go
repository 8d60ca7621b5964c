package django

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// twice is a repository whose first commit has one migration and whose second
// has two. Its settings need two files that git does not have.
func twice(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(files map[string]string) { adaptertest.Text(files).WriteTo(t, dir) }
	git := func(args ...string) { gittest.RunGit(t, dir, args...) }
	migration := func(name, body string) map[string]string {
		return map[string]string{
			"tool/migrations/" + name + ".py": "from django.db import migrations, models\nclass Migration(migrations.Migration):\n" + body,
		}
	}
	write(map[string]string{
		".gitignore": "/.env\n/app/conf_local.py\n",
		"app/manage.py": "import os, sys\nfrom pathlib import Path\n" +
			"for line in Path('../.env').read_text().split():\n    os.environ.setdefault(*line.split('=', 1))\n" +
			"from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
		"app/conf.py": "import sys\nfrom conf_local import SECRET_KEY\n" +
			"sys.path.append(__file__.replace('app/conf.py', ''))\nINSTALLED_APPS = ['tool']\n" +
			"DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x'}}\n" +
			"DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n",
		"app/extra/migrations/0001_x.py": "",
		"tool/__init__.py":               "",
		"tool/migrations/__init__.py":    "",
	})
	write(migration("0001_a", "    operations = [migrations.CreateModel('Old', [('id', models.BigAutoField(primary_key=True))])]\n"))
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	write(migration("0002_local_b", "    dependencies = [('tool', '0001_a')]\n    operations = [migrations.DeleteModel('Old')]\n"))
	git("add", ".")
	git("commit", "-q", "-m", "second")
	write(map[string]string{".env": "DJANGO_SETTINGS_MODULE=conf", "app/conf_local.py": "SECRET_KEY = 'x'"})
	return dir
}

// counted counts how often a tree is asked for a directory.
type counted struct {
	adapter.Tree
	asked int
}

func (c *counted) Files() []gitrange.File {
	return c.Tree.(interface{ Files() []gitrange.File }).Files()
}

func (c *counted) Dir(ctx context.Context) (string, error) {
	c.asked++
	return c.Tree.Dir(ctx)
}

// at loads the project at a revision, "" for the working tree, and says
// whether it was put on disk for that.
func at(t *testing.T, a *Adapter, rev string) (ids []string, unpacked bool) {
	t.Helper()
	repo, err := gitrange.Open(t.Context(), a.Home)
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	tree, err := repo.Head(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{Tree: gittree.Of(tree)}
	set, err := a.Load(t.Context(), c, adapter.Source{Framework: framework, Dir: "app"})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range set.Migrations {
		if m.Failed != "" {
			t.Errorf("%s does not load: %s", m.ID, m.Failed)
		}
		ids = append(ids, m.ID+" "+m.Path)
	}
	return ids, c.asked > 0
}

// Another revision of a project starts with the interpreter, the settings that
// are kept out of git and the search path of the user's own copy; and with no
// migration of it.
func TestOtherRevision(t *testing.T) {
	t.Parallel()
	home := twice(t)
	repo, err := gitrange.Open(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	for rev, want := range map[string]int{"": 2, "HEAD": 2, "HEAD^": 1} {
		tree, err := repo.Head(t.Context(), rev)
		if err != nil {
			t.Fatal(err)
		}
		p := render(t, Config{
			Dir: filepath.Join(home, "app"), Root: home, Home: home, Python: venv(t, "django-5.2-none"), CacheDir: "-",
			Env:      []string{"PYTHONPATH=" + home},
			revision: revisionOf(gittree.Of(tree), "app"),
		})
		if len(p.Migrations) != want || p.Migrations[0].External || len(p.Errors) > 0 {
			t.Errorf("%q: %d migrations, want %d: %+v, errors %v", rev, len(p.Migrations), want, p.Migrations, p.Errors)
		}
	}
}

// A revision whose answer is known is not put on disk. What is lent to it
// counts.
func TestKnownRevision(t *testing.T) {
	t.Parallel()
	a := &Adapter{Home: twice(t), Python: venv(t, "django-5.2-none"), CacheDir: t.TempDir()}
	local := filepath.Join(a.Home, "app", "conf_local.py")
	change := func() {
		t.Helper()
		if err := os.WriteFile(local, []byte("SECRET_KEY = 'y'"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	noChange := func() {}
	for i, step := range []struct {
		before   func()
		rev      string
		unpacked bool
	}{
		{noChange, "HEAD^", true}, {noChange, "HEAD^", false}, {noChange, "HEAD", true}, {noChange, "HEAD", false}, {change, "HEAD", true},
		{noChange, "HEAD^", true}, {noChange, "HEAD", false},
	} {
		step.before()
		ids, unpacked := at(t, a, step.rev)
		if unpacked != step.unpacked || len(ids) != 2-strings.Count(step.rev, "^") {
			t.Errorf("step %d, %s: unpacked %t, want %t; %v", i, step.rev, unpacked, step.unpacked, ids)
		}
	}
}
