package apply_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/wiretest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// shop is a Django project.
type shop struct {
	t               *testing.T
	python, dir, db string
	// address is the database's address for the project, which connects over TCP.
	address string
	env     []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, python: pgservertest.VenvPath(t, "django-5.2-psycopg", "bin", "python")}
	s.useDatabase(pgservertest.Database(t, onward.NewestMajor))
	s.dir = repository(t, map[string]string{
		".gitignore": "__pycache__\n",
		"manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\nfrom django.core.management import execute_from_command_line\n" +
			"execute_from_command_line(sys.argv)\n",
		"conf.py": "import os\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'shop']\nUSE_TZ = True\n" +
			"DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ.get('DB_NAME'),\n" +
			"    'USER': 'postgres', 'HOST': 'localhost', 'PORT': os.environ.get('DB_PORT')}}\n",
		"shop/__init__.py": "# an app\n", "shop/migrations/__init__.py": "# its migrations\n",
		"shop/models.py": "from django.db import models\n\n\nclass Item(models.Model):\n    name = models.TextField()\n" +
			"    note = models.TextField(null=True, db_index=True)\n",
	})
	s.add("0001_initial", "", "", "migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField())])")
	return s
}

// useDatabase connects the project to a database.
func (s *shop) useDatabase(db string) {
	s.t.Helper()
	front, name := wiretest.ListenInFront(s.t, db, wire.Config{}), content(s.t, db, "SELECT current_database()::text")[0]
	s.db, s.address = db, "postgres://postgres@localhost:"+front.Port()+"/"+name
	s.env = append(os.Environ(), "DB_NAME="+name, "DB_HOST=localhost", "DB_PORT="+front.Port())
}

func (s *shop) add(name, after, atomic, operations string) {
	s.t.Helper()
	change(s.t, s.dir, "shop/migrations/"+name+".py", "from django.contrib.postgres.operations import AddIndexConcurrently\n"+
		"from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"+
		atomic+"    dependencies = ["+after+"]\n    operations = ["+operations+"]\n")
}

// manage runs the project's own command.
func (s *shop) manage(args ...string) string {
	s.t.Helper()
	out, err := s.tryManage(args...)
	if err != nil {
		s.t.Fatalf("manage.py %v: %v\n%s", args, err, out)
	}
	return out
}

// tryManage runs the project's own command, which may fail.
func (s *shop) tryManage(args ...string) (string, error) {
	cmd := exec.Command(s.python, append([]string{filepath.Join(s.dir, "manage.py")}, args...)...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *shop) pending(ctx context.Context) (*onward.Applied, error) {
	c := pendingOf(s.dir, s.db, "")
	settings := config.Default()
	settings.Migrations = []config.Migrations{{Framework: "django", Python: s.python}}
	c.Repository.Settings = settings
	return apply.Pending(ctx, c)
}

func (s *shop) applied() int {
	return len(content(s.t, s.db, "SELECT name FROM django_migrations WHERE app = 'shop'"))
}

// Django's own command continues after onward and onward after it, with the apps that Django brings.
// Migrations in Python are refused by name, and run by Django.
func TestTurnsWithDjango(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.manage("migrate", "contenttypes") // has a migration that is Python
	refused := new(apply.RefusedError)
	if _, err := s.pending(t.Context()); !errors.As(err, &refused) ||
		!strings.HasPrefix(refused.Next, "onward guard --db ADDRESS -- python manage.py migrate auth ") || !strings.Contains(refused.Text,
		"onward guard --db ADDRESS -- python manage.py migrate auth 0011_update_proxy_permissions") {
		t.Fatal(err)
	}
	s.manage("migrate", "auth")
	r, err := s.pending(t.Context())
	if err != nil || s.applied() != 1 || !strings.Contains(r.Next, "post_migrate") {
		t.Fatalf("pending migrations after auth = %+v, %v, want 1 applied, and post_migrate next", r, err)
	}
	if got := content(t, s.db, "SELECT count(*)::text FROM auth_permission AS p JOIN django_content_type AS c ON c.id = p.content_type_id WHERE c.app_label = "+
		"'shop'"); got[0] != "0" {
		t.Errorf("%s permissions", got[0])
	}
	if out := s.manage("migrate"); !strings.Contains(out, "No migrations to apply") {
		t.Errorf("manage.py migrate printed %q, want no migrations to apply", out)
	}
	if got := content(t, s.db, "SELECT count(*)::text FROM auth_permission AS p JOIN django_content_type AS c ON c.id = p.content_type_id WHERE c.app_label = "+
		"'shop'"); got[0] != "4" {
		t.Errorf("%s permissions, and post_migrate makes four", got[0])
	}
	s.add("0002_note", "('shop', '0001_initial')", "", "migrations.AddField('Item', 'note', models.TextField(null=True))")
	s.manage("migrate")
	s.add("0003_index", "('shop', '0002_note')", "    atomic = False\n",
		"AddIndexConcurrently('Item', models.Index(fields=['note'], name='shop_note')), migrations.RunSQL(\"INSERT INTO shop_item (name) VALUES ('a')\")")
	if r, err := s.pending(t.Context()); err != nil || len(r.Steps) != 2 {
		t.Fatalf("pending 0003_index = %+v, %v, want 2 steps", r, err)
	}
	s.manage("migrate", "--check")
	if s.applied() != 3 {
		t.Error(content(t, s.db, "SELECT name FROM django_migrations WHERE app = 'shop'"))
	}

	// One that replaces what is there is there, as Django says, too; of half of it nobody can tell.
	change(t, s.dir, "shop/migrations/0001_all.py", "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"+
		"    replaces = [('shop', '0001_initial'), ('shop', '0002_note'), ('shop', '0003_index')]\n    dependencies = []\n"+
		"    operations = [migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField()), ('note', "+
		"models.TextField(null=True))])]\n")
	for _, name := range []string{"0001_initial", "0002_note", "0003_index"} {
		if err := os.Remove(filepath.Join(s.dir, "shop/migrations", name+".py")); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := s.pending(t.Context()); err != nil || len(r.Steps) != 0 {
		t.Fatalf("pending migrations after a squash = %+v, %v, want no steps", r, err)
	}
	run(t, s.db, "DELETE FROM django_migrations WHERE name = '0003_index'")
	if _, err := s.pending(t.Context()); !errors.As(err, &refused) || refused.Step != "shop.0001_all" || !strings.Contains(refused.Text, "2 of the 3") {
		t.Error(err)
	}
	run(t, s.db, "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0003_index', now())")
	s.manage("migrate", "--fake") // which notes it
	s.add("0002_late", "('shop', '0001_all')", "", "migrations.RunSQL('SELECT 1')")
	s.add("0003_next", "('shop', '0002_late')", "", "migrations.RunSQL('SELECT 1')")
	run(t, s.db, "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0003_next', now())")
	if _, err := s.pending(t.Context()); !errors.As(err, &refused) || refused.Step != "shop.0002_late" ||
		!strings.Contains(refused.Text, "InconsistentMigrationHistory") {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"1"}, content(t, s.db, "SELECT count(*)::text FROM shop_item")); diff != "" {
		t.Error(diff)
	}
}

// planSecond commits the shop, migrates it, and plans a second migration with some operations.
func (s *shop) planSecond(t *testing.T, name, operations string) (audit.Config, *onward.Plan) {
	t.Helper()
	s.manage("migrate")
	gittest.RunGit(t, s.dir, "add", "-A")
	gittest.RunGit(t, s.dir, "commit", "-qm", "base")
	s.add(name, "('shop', '0001_initial')", "", operations)
	settings := config.Default()
	settings.Migrations = []config.Migrations{{Framework: "django", Python: s.python}}
	repository := audit.Config{Dir: s.dir, Base: "HEAD", Settings: settings}
	p, _, err := plan.Make(t.Context(), plan.Config{Sketch: true, Config: rehearse.Config{Config: repository}})
	if err != nil {
		t.Fatal(err)
	}
	return repository, p
}

// After the last step of a plan, Django's own command has nothing to migrate.
func TestPlanWithDjango(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	repository, p := s.planSecond(t, "0002_note", "migrations.AddField('Item', 'note', models.TextField(null=True, db_index=True))")
	if len(p.Steps) < 2 {
		t.Fatalf("the plan has %d steps, want 2 or more: %+v", len(p.Steps), p)
	}
	if r, err := apply.RunPlanAndRecord(t.Context(), apply.PendingConfig{
		Config:     apply.Config{DB: s.db, Plan: markProven(t, p), Through: onward.Contract},
		Repository: repository,
	}); err != nil || r.State != onward.ApplyDone || r.Next != "" {
		t.Fatalf("apply.RunPlanAndRecord = %+v, %v, want it done, and nothing next", r, err)
	}
	if out := s.manage("migrate"); s.applied() != 2 || !strings.Contains(out, "No migrations to apply") {
		t.Errorf("manage.py migrate after the plan printed %q, want 2 applied and none to apply", out)
	}
}

// At each moment of a plan Django's own command does what the plan needs: it fails at the guard while the plan is under way, before it changes anything, and
// has nothing to do from the last step before the contract on. A migration that uses what the contract drops is refused until then. A fresh database
// runs all migrations.
func TestGuardWithDjango(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	repository, p := s.planSecond(t, "0002_title", "\n        migrations.RenameField('Item', 'name', 'title'),\n    ")
	if p.Contract() == len(p.Steps) {
		t.Fatalf("the plan has no contract: %+v", p)
	}
	g, err := plan.Guard(t.Context(), repository, p)
	if err != nil || len(g.Written) != 1 || len(g.Without) != 0 {
		t.Fatalf("plan.Guard = %+v, %v, want 1 file written, and none without a guard", g, err)
	}
	// The files with the guard make the same plan.
	secondPlan, report, err := plan.Make(t.Context(), plan.Config{Sketch: true, Config: rehearse.Config{Config: repository}})
	if err != nil || ledger.PlanID(secondPlan) != ledger.PlanID(p) || len(report.Opaque) > 0 {
		t.Errorf("the files with the guard have another plan: %+v; report: %+v; error: %v", secondPlan, report, err)
	}
	if g, err := plan.Guard(t.Context(), repository, secondPlan); err != nil || len(g.Paths) != 1 || len(g.Written)+len(g.Without) > 0 {
		t.Errorf("plan.Guard of guarded files = %+v, %v, want 1 path, and nothing written", g, err)
	}
	fresh := *s
	fresh.useDatabase(pgservertest.Database(t, onward.NewestMajor))
	if fresh.manage("migrate"); fresh.applied() != 2 {
		t.Error("the fresh database lacks migrations")
	}

	c := apply.PendingConfig{Config: apply.Config{DB: s.db, Plan: markProven(t, p), Through: onward.Expand}, Repository: repository}
	carryOut := func(lastPhase onward.PlanPhase) *onward.Applied {
		t.Helper()
		c.Through = lastPhase
		r, err := apply.RunPlanAndRecord(t.Context(), c)
		if err != nil || (r.State == onward.ApplyDone) != (lastPhase == onward.Contract) {
			t.Fatalf("apply through %s = %+v, %v, want it done after the contract only", lastPhase, r, err)
		}
		return r
	}
	const columns = "SELECT attname::text || ' ' || attnum FROM pg_attribute WHERE attrelid = 'shop_item'::regclass AND attnum > 0"
	const fails = "your migration tool fails on this database before it changes anything: the guard in 0002_title stops it."
	if r := carryOut(onward.Expand); !strings.HasSuffix(r.Readiness[0].Text, fails) {
		t.Errorf("the readiness after expand is %+v, want the suffix %q", r.Readiness, fails)
	}
	before := content(t, s.db, columns)
	if out, err := s.tryManage("migrate"); err == nil || !strings.Contains(out, "of onward is under way on this database") {
		t.Fatalf("manage.py migrate while the plan is under way: %v, want the guard's error\n%s", err, out)
	}
	if diff := cmp.Diff(before, content(t, s.db, columns)); diff != "" || s.applied() != 1 {
		t.Fatal(diff)
	}
	carryOut(onward.Backfill)
	if out := s.manage("migrate"); s.applied() != 2 || !strings.Contains(out, "No migrations to apply") {
		t.Fatalf("manage.py migrate after the backfill printed %q, want 2 applied and none to apply", out)
	}
	s.add("0003_gone", "('shop', '0002_title')", "", "migrations.RunSQL(\"UPDATE shop_item SET name = ''\")")
	refused := new(apply.RefusedError)
	if _, err := s.pending(t.Context()); !errors.As(err, &refused) || !strings.Contains(refused.Error(), "column name of shop_item") {
		t.Error(err)
	}
	var out bytes.Buffer
	guarded, err := guard.Run(t.Context(), guard.Config{
		DB: s.address, Dir: s.dir, Env: s.env, Out: &out, Err: &out, Within: time.Minute, Command: []string{s.python, "manage.py", "migrate"},
	})
	underWay := new(guard.UnderWayError)
	if !errors.As(err, &underWay) || s.applied() != 2 {
		t.Errorf("guard.Run while the plan is under way = %+v, %v, want an UnderWayError\n%s", guarded, err, out.String())
	}
	carryOut(onward.Contract)
	if out, err := s.tryManage("migrate"); err == nil || !strings.Contains(out, `column "name" of relation "shop_item" does not exist`) {
		t.Errorf("manage.py migrate after the contract: %v, want an error about the column name\n%s", err, out)
	}
}
