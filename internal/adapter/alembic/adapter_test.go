package alembic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Exercise(t, withVenv(t, "alembic-1.20-psycopg"), filepath.Join("testdata", "shop"))
}

// usual is a project of Alembic's own template, without its comments.
var usual = map[string]string{
	"alembic.ini": "[alembic]\nscript_location = migrations\n",
	"migrations/env.py": "from alembic import context\n" +
		"context.configure(url='postgresql://localhost/x', literal_binds=True)\n" +
		"with context.begin_transaction():\n    context.run_migrations()\n",
	"migrations/versions/a1.py": "from alembic import op\nimport sqlalchemy as sa\nrevision = 'a1'\ndown_revision = None\n\n\n" +
		"def upgrade():\n    op.create_table('t', sa.Column('id', sa.BigInteger, primary_key=True))\n",
}

// revisionFile returns a revision with a function upgrade.
func revisionFile(id, down, body string) string {
	return "from alembic import op\nimport sqlalchemy as sa\nrevision = '" + id + "'\ndown_revision = " + down + "\n\n\ndef upgrade():\n    " +
		strings.ReplaceAll(body, "\n", "\n    ") + "\n"
}

// with returns the usual project with more files.
func with(more map[string]string) map[string]string {
	out := maps.Clone(usual)
	maps.Copy(out, more)
	return out
}

func TestUnreadRevisions(t *testing.T) {
	t.Parallel()
	c := withVenv(t, "alembic-1.20-psycopg")
	cases := map[string]struct {
		body string
		line int
		why  string // of the first thing that is not judged; "" for none
		sent int    // statements
	}{
		"a result":          {"n = op.get_bind().execute(sa.text('SELECT count(*) FROM t')).scalar()\nif n:\n    op.execute('SELECT 1')", 8, "reads the result", 1},
		"a truth value":     {"if op.get_bind().execute(sa.text('SELECT 1')):\n    op.execute('SELECT 2')", 8, "reads the result", 1},
		"an inspector":      {"if sa.inspect(op.get_bind()).has_table('t'):\n    op.execute('SELECT 2')", 8, "inspects the database", 0},
		"a caught question": {"try:\n    sa.inspect(op.get_bind())\nexcept Exception:\n    op.execute('SELECT 2')", 9, "inspects the database", 0},
		"a session":         {"from sqlalchemy.orm import Session\nSession(bind=op.get_bind()).execute(sa.text('SELECT 1'))", 9, "", -1},
		"another database":  {"sa.create_engine('postgresql+psycopg://nobody@localhost:1/x').connect()", 8, "connects to a database", 0},
		"offline": {
			"from alembic import context\nif not context.is_offline_mode():\n    op.execute('SELECT 1')\nop.execute('SELECT 2')", 9, "offline mode", 1,
		},
		"an error":         {"op.execute('SELECT 1')\nraise KeyError('x')", 9, "KeyError: 'x'", 1},
		"without a result": {"op.get_bind().execute(sa.text('UPDATE t SET id = :a'), {'a': 1})\nop.get_bind().exec_driver_sql('SELECT 2')", 0, "", 2},
		"a dialect":        {"if op.get_bind().dialect.name == 'postgresql':\n    op.execute('SELECT 2')", 0, "", 1},
		"a table that is there": {"sa.Table('t', sa.MetaData(), sa.Column('id', sa.Integer)).create(op.get_bind(), checkfirst=True)\n" +
			"sa.Table('u', sa.MetaData(), sa.Column('id', sa.Integer)).create(op.get_bind(), checkfirst=True)", 0, "", 1},
	}
	files, names, last := maps.Clone(usual), slices.Sorted(maps.Keys(cases)), "'a1'"
	for i, name := range names {
		id := fmt.Sprintf("b%02d", i)
		files["migrations/versions/"+id+".py"] = revisionFile(id, last, cases[name].body)
		last = "'" + id + "'"
	}
	set := loadProject(t, c, writeTree(t, files))
	if len(set.Migrations) != len(names)+1 {
		t.Fatalf("each revision is read, whatever the ones before it do: %s", adaptertest.Describe(set))
	}
	for i, name := range names {
		tc, m := cases[name], set.Migrations[i+1]
		if n := len(m.Source.Parts); tc.sent >= 0 && n != tc.sent {
			t.Errorf("%s: %d statements, want %d: %+v", name, n, tc.sent, m.Source.Parts)
		}
		if tc.line == 0 {
			if len(m.Opaque) > 0 {
				t.Errorf("%s: not judged: %+v", name, m.Opaque)
			}
			continue
		}
		if len(m.Opaque) != 1 || m.Opaque[0].Line != tc.line || !strings.Contains(m.Opaque[0].Why, tc.why) {
			t.Errorf("%s: got %+v, want %q in line %d", name, m.Opaque, tc.why, tc.line)
		}
	}
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	c := withVenv(t, "alembic-1.20-psycopg")
	set := loadProject(t, c, writeTree(t, with(map[string]string{
		"migrations/versions/b2.py": revisionFile("b2", "'a1'",
			"op.execute('SELECT 1')\nwith op.get_context().autocommit_block():\n    op.execute('SELECT 2')\n    op.execute('SELECT 3')\nop.execute('SELECT 4')"),
	})))
	if !set.Together || set.Migrations[0].Source.Mode != onward.TransactionFile {
		t.Errorf("together %v, mode %s: all pending revisions are one transaction", set.Together, set.Migrations[0].Source.Mode)
	}
	m := set.Migrations[1]
	var blocks []int
	for _, p := range m.Source.Parts {
		blocks = append(blocks, p.Block)
	}
	if m.Source.Mode != onward.TransactionNone || !m.Runner.Rerun || len(blocks) != 4 ||
		blocks[0] == 0 || blocks[1] != 0 || blocks[2] != 0 || blocks[3] <= blocks[0] {
		t.Errorf("mode %s, blocks %v: a block before, none, none, a block after", m.Source.Mode, blocks)
	}
	set = loadProject(t, c, writeTree(t, with(map[string]string{
		"migrations/versions/b2.py": revisionFile("b2", "'a1'",
			"op.execute('SELECT 1')\nop.get_bind().commit()\nwith op.get_context().autocommit_block():\n    op.execute('SELECT 2')\nop.execute('SELECT 3')"),
	})))
	m, blocks = set.Migrations[1], nil
	for _, p := range m.Source.Parts {
		blocks = append(blocks, p.Block)
	}
	if len(m.Opaque) > 0 || m.Source.Mode != onward.TransactionNone || len(blocks) != 3 || blocks[0] == 0 || blocks[1] != 0 || blocks[2] <= blocks[0] {
		t.Errorf("mode %s, blocks %v, %+v: a block before the commit, none, a block after", m.Source.Mode, blocks, m.Opaque)
	}
	env := strings.Replace(usual["migrations/env.py"], "literal_binds=True", "literal_binds=True, transaction_per_migration=True", 1)
	if set := loadProject(t, c, writeTree(t, with(map[string]string{"migrations/env.py": env}))); set.Together {
		t.Error("transaction_per_migration: each revision has its own transaction")
	}
	env = usual["migrations/env.py"] + "\n\ndef online(connection):\n    context.configure(connection=connection, transaction_per_migration=True)\n"
	if set := loadProject(t, c, writeTree(t, with(map[string]string{"migrations/env.py": env}))); set.Together {
		t.Error("transaction_per_migration of the online run counts too")
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	c := withVenv(t, "alembic-1.20-psycopg")
	two := map[string]string{
		"migrations/versions/b2.py": revisionFile("b2", "'a1'", "op.execute('SELECT 1')"),
		"migrations/versions/c3.py": revisionFile("c3", "'a1'", "op.execute('SELECT 2')"),
	}
	set := loadProject(t, c, writeTree(t, with(two)))
	if len(set.Migrations) != 3 || len(set.History) != 1 || !strings.Contains(set.History[0].Detail, "b2") || !strings.Contains(set.History[0].Detail, "c3") {
		t.Errorf("two heads: %+v", set.History)
	}
	two["deploy.sh"] = "alembic upgrade heads\n"
	if set := loadProject(t, c, writeTree(t, with(two))); len(set.History) != 0 {
		t.Errorf("the project upgrades to all heads: %+v", set.History)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	c := withVenv(t, "alembic-1.20-psycopg")
	load := func(o adapter.Options, files map[string]string) error {
		o.Python = c.options.Python
		_, err := c.Adapter.Load(context.Background(), writeTree(t, files), adapter.Source{Framework: Name, Dir: "migrations/versions", Options: o})
		return err
	}
	online := "from sqlalchemy import create_engine\ncreate_engine('postgresql+psycopg://nobody@localhost:1/x').connect()\n"
	sleeping := with(map[string]string{"migrations/env.py": "import time\nprint('waiting for redis', flush=True)\ntime.sleep(60)\n"})
	for name, tc := range map[string]struct {
		options adapter.Options
		files   map[string]string
		want    string
	}{
		"no such program": {adapter.Options{Render: "no-such-alembic upgrade base:heads --sql"}, usual, "there is no such program"},
		"a pipe":          {adapter.Options{Render: "alembic upgrade base:heads --sql | cat"}, usual, "without a shell"},
		"without --sql":   {adapter.Options{Render: "alembic upgrade heads"}, with(map[string]string{"migrations/env.py": online}), "connects to a database"},
		"another program": {adapter.Options{Render: "python -c pass"}, usual, "loaded no Alembic"},
		"a missing module": {
			adapter.Options{Render: preset}, with(map[string]string{"migrations/env.py": "import shop_settings\n"}), "No module named 'shop_settings'",
		},
		"a variable": {adapter.Options{Render: preset}, with(map[string]string{"migrations/env.py": "import os\nos.environ['SHOP_DSN']\n"}), "SHOP_DSN"},
		"other revisions": {adapter.Options{Render: preset}, with(map[string]string{
			"alembic.ini": usual["alembic.ini"] + "version_locations = elsewhere\n", "elsewhere/README": "",
		}), "read no revision of migrations/versions"},
		"a wait":                {adapter.Options{Render: preset, RenderTimeout: 2 * time.Second}, sleeping, "render_timeout"},
		"sandbox: another file": {adapter.Options{Render: preset}, with(map[string]string{"migrations/env.py": "open('/usr/x', 'w')\n"}), "`sandbox:`"},
		"sandbox: a network": {adapter.Options{Render: preset}, with(map[string]string{
			"migrations/env.py": "import socket\nsocket.create_connection(('192.0.2.1', 80), 5)\n",
		}), "network: true"},
		"a pipe for its record": {adapter.Options{Render: preset, RenderTimeout: time.Minute}, with(map[string]string{
			"migrations/env.py": "import os\nn = os.environ['ONWARD_RENDER_TRACE']\nos.path.exists(n) and os.remove(n)\nos.mkfifo(n)\nos._exit(0)\n",
		}), "loaded no Alembic"},
		"input": {adapter.Options{Render: preset}, with(map[string]string{"migrations/env.py": "input('password? ')\n"}), "EOFError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(name, "sandbox") && runtime.GOOS != "linux" {
				component.Need(t, component.System, errors.New("only Linux has the sandbox"))
			}
			err := load(tc.options, tc.files)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if name != "a pipe" && !errors.Is(err, adapter.ErrProject) {
				t.Errorf("%v is no fault of the project", err)
			}
		})
	}
	if err := load(adapter.Options{Render: preset, Environment: []string{"SHOP_DSN=x"}}, with(map[string]string{
		"migrations/env.py": "import os\nos.environ['SHOP_DSN']\n" + usual["migrations/env.py"],
	})); err != nil {
		t.Errorf("environment: sets the variable: %v", err)
	}
	if err := load(adapter.Options{Render: preset}, with(map[string]string{
		"shop/__init__.py": "", "migrations/env.py": "import shop\n" + usual["migrations/env.py"],
	})); err != nil {
		t.Errorf("a package beside alembic.ini is found: %v", err)
	}
	set, err := c.Adapter.Load(context.Background(), writeTree(t, usual), adapter.Source{Framework: Name, Dir: "migrations/versions"})
	if err != nil || len(set.Migrations) != 0 || len(set.Opaque) != 1 || !strings.Contains(set.Opaque[0].Why, preset) {
		t.Errorf("without a command nothing runs: %v %+v", err, set)
	}
}

// The second run of an unchanged project starts no program.
func TestCache(t *testing.T) {
	t.Parallel()
	c := withVenv(t, "alembic-1.20-psycopg")
	c.Adapter = &Adapter{CacheDir: t.TempDir()}
	count := filepath.Join(t.TempDir(), "runs")
	c.options.Sandbox.Write = []string{filepath.Dir(count)}
	env := "open(" + `"` + count + `", "a").write("x")` + "\n" + usual["migrations/env.py"]
	tree := writeTree(t, with(map[string]string{"migrations/env.py": env}))
	first, second := loadProject(t, c, tree), loadProject(t, c, tree)
	if runs, err := os.ReadFile(count); err != nil || string(runs) != "x" {
		t.Errorf("%d runs of env.py (%v), want 1", len(runs), err)
	}
	if a, b := adaptertest.Describe(first), adaptertest.Describe(second); a != b || !strings.Contains(a, "CREATE TABLE t") {
		t.Errorf("from the cache:\n%s\nwant\n%s", b, a)
	}
	loadProject(t, c, writeTree(t, with(map[string]string{"migrations/env.py": env + "\n# changed\n"})))
	if runs, _ := os.ReadFile(count); string(runs) != "xx" {
		t.Errorf("a changed env.py: %d runs, want 2", len(runs))
	}
}

// The preset is Flask-Migrate's if env.py asks Flask, and the command runs where its tool expects it.
func TestPresetAndDirectory(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{
		"api/alembic.ini": "", "api/db/env.py": "from alembic import context\n", "api/db/versions/a1.py": "revision = 'a1'\n",
		"web/migrations/alembic.ini": "", "web/migrations/env.py": "from flask import current_app\n", "web/migrations/versions/a1.py": "revision: str = \"a1\"\n",
	})
	sources := (&Adapter{}).Detect(tree)
	if len(sources) != 2 {
		t.Fatalf("%d sources, want 2: %+v", len(sources), sources)
	}
	for i, want := range []struct{ preset, dir, named string }{{preset, "api", ""}, {flaskPreset, "web", ""}} {
		preset := (&Adapter{}).PresetCommand(tree, sources[i])
		if dir := workDir(tree, sources[i], strings.Fields(preset)); preset != want.preset || dir != want.dir {
			t.Errorf("%s: %q in %q, want %q in %q", sources[i].Dir, preset, dir, want.preset, want.dir)
		}
		if dir := workDir(tree, sources[i], []string{"alembic", "-c", "api/alembic.ini"}); dir != want.named {
			t.Errorf("a file named from the root: in %q", dir)
		}
	}
}

// The preset has the options that choose the directory, and the arguments of env.py.
func TestPresetOptions(t *testing.T) {
	t.Parallel()
	const (
		revision = "revision = 'a1'\n"
		asks     = "x = context.get_x_argument(as_dictionary=True)[\"tenant\"]\n"
		ini      = "[alembic]\nscript_location = %(here)s/main\n\n[tenants]\nscript_location = tenants\n"
	)
	for name, tt := range map[string]struct {
		files map[string]string
		want  map[string]string // by directory
	}{
		"two sections": {
			map[string]string{"alembic.ini": ini, "main/env.py": "", "main/versions/a1.py": revision, "tenants/env.py": "", "tenants/versions/a1.py": revision},
			map[string]string{"main/versions": preset, "tenants/versions": "alembic -n tenants upgrade {from}:{to} --sql"},
		},
		"two files": {
			map[string]string{
				"alembic.ini": "[alembic]\nscript_location = main\n", "alembic_logs.ini": "[alembic]\nscript_location = logs\n",
				"main/env.py": "", "main/versions/a1.py": revision, "logs/env.py": "", "logs/versions/a1.py": revision,
			},
			map[string]string{"main/versions": preset, "logs/versions": "alembic -c alembic_logs.ini upgrade {from}:{to} --sql"},
		},
		"an argument that a command has": {
			map[string]string{
				"alembic.ini": ini, "main/env.py": "", "main/versions/a1.py": revision, "tenants/env.py": asks, "tenants/versions/a1.py": revision,
				"Makefile": "migrate:\n\talembic upgrade head\n\talembic -n tenants -x tenant=acme upgrade head\n",
			},
			map[string]string{"main/versions": preset, "tenants/versions": "alembic -n tenants -x tenant=acme upgrade {from}:{to} --sql"},
		},
		"an argument that nothing says": {
			map[string]string{"alembic.ini": ini, "main/env.py": asks, "main/versions/a1.py": revision},
			map[string]string{"main/versions": "alembic -x tenant=VALUE upgrade {from}:{to} --sql"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(tt.files)
			got := map[string]string{}
			for _, s := range (&Adapter{}).Detect(tree) {
				got[s.Dir] = (&Adapter{}).PresetCommand(tree, s)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without its variable env.py falls back to a database for development: its SQL is not judged.
func TestOtherDialect(t *testing.T) {
	t.Parallel()
	c := withVenv(t, "alembic-1.20-psycopg")
	project := with(map[string]string{
		"migrations/env.py": "import os\nfrom alembic import context\ncontext.configure(url=os.environ.get('SHOP_DB', 'sqlite:///dev.db'), literal_binds=True)\n" +
			"with context.begin_transaction():\n    context.run_migrations()\n",
	})
	set := loadProject(t, c, adaptertest.Disk(t, gittest.NewDir(t, project)))
	if len(set.Migrations) > 0 || len(set.Opaque) != 1 || !set.Opaque[0].Failed ||
		!strings.Contains(set.Opaque[0].Why, "SQL of sqlite and not of PostgreSQL: set SHOP_DB, which migrations/env.py reads, with `environment:`") {
		t.Errorf("%d migrations are judged, and %+v is reported", len(set.Migrations), set.Opaque)
	}
	c.options.Environment = []string{"SHOP_DB=postgresql://localhost/x"}
	if set := loadProject(t, c, adaptertest.Disk(t, gittest.NewDir(t, project))); len(set.Migrations) != 1 || len(set.Opaque) > 0 {
		t.Errorf("with the variable %d migrations are judged, and %+v is reported", len(set.Migrations), set.Opaque)
	}
}
