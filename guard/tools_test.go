package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/wiretest"
	"github.com/onward-sql/onward/onward"
)

// tool is a stage for a tool's command, in a project. It finds the database by an address, or by
// variables of the project's.
func tool(t *testing.T, dir string, command ...string) *stage {
	t.Helper()
	s := newStage(t, onward.NewestMajor)
	front := wiretest.ListenInFront(t, s.url, wire.Config{})
	database := s.one("SELECT current_database()::text")
	s.c.DB = "postgres://postgres@" + front.Addr().String() + "/" + database
	s.c.Dir, s.c.Command = dir, command
	s.c.Env = append(os.Environ(), "DATABASE_URL="+s.c.DB, "DB_NAME="+database, "DB_USER=postgres", "DB_HOST=localhost", "DB_PORT="+front.Port())
	return s
}

// migrated runs the tool until its base is there.
func (s *stage) migrated(args ...string) {
	s.t.Helper()
	cmd := exec.Command(s.c.Command[0], append(s.c.Command[1:len(s.c.Command):len(s.c.Command)], args...)...)
	cmd.Dir, cmd.Env = s.c.Dir, s.c.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("migrate without the guard: %v\n%s", err, out)
	}
}

// held has a tool's command run while somebody reads the table, and holds that nobody else waits.
func (s *stage) held(table string, done string) {
	s.t.Helper()
	s.run(s.other, "BEGIN", "SELECT FROM "+table)
	time.Sleep(60 * time.Millisecond)
	stop := s.probe(table)
	r := s.guard("is held back: ", func() { time.Sleep(300 * time.Millisecond); s.run(s.other, "COMMIT") })
	reads, long := stop()
	if long > 0 || reads < 50 {
		s.t.Errorf("of %d reads %d waited too long", reads, long)
	}
	if r.ExitCode != 0 || len(r.Runs) != 1 || len(r.Runs[0].Waited) == 0 || !strings.HasSuffix(r.Runs[0].Waited[0].Statement, " on public."+table) {
		s.t.Fatalf("the guarded run is %+v, want one run with a wait for public.%s\n%s", r, table, s.out.String())
	}
	if got := s.one(done); got != "1" {
		s.t.Errorf("%s = %s, want 1", done, got)
	}
}

// lostRace has a tool's command lose a race for a row.
func (s *stage) lostRace(table string) *onward.Guarded {
	s.t.Helper()
	s.run(s.other, "BEGIN", "SELECT FROM "+table+" FOR UPDATE")
	return s.guard("it is run again", func() { s.run(s.other, "COMMIT") })
}

// Django's own command, with what it knows of the database in variables of the project's.
func TestDjango(t *testing.T) {
	t.Parallel()
	python := pgservertest.VenvPath(t, "django-5.2-psycopg", "bin", "python")
	dir := gittest.NewDir(t, map[string]string{
		"manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\nfrom django.core.management import execute_from_command_line\n" +
			"execute_from_command_line(sys.argv)\n",
		"conf.py": "import os\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\n" +
			"DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ['DB_NAME'],\n" +
			"    'USER': os.environ['DB_USER'], 'HOST': os.environ['DB_HOST'], 'PORT': os.environ['DB_PORT']}}\n",
		"shop/__init__.py": "", "shop/migrations/__init__.py": "",
		"shop/models.py": "",
		"shop/migrations/0001_initial.py": djangoMigration("",
			"migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField())]), migrations.CreateModel('Note', [('id', "+
				"models.BigAutoField(primary_key=True)), ('name', models.TextField())]), migrations.RunSQL(\"INSERT INTO shop_item (name) VALUES ('a'); "+
				"INSERT INTO shop_note (name) VALUES ('b')\")"),
		"shop/migrations/0002_note.py": djangoMigration("('shop', '0001_initial')", "migrations.AddField('Item', 'note', models.TextField(null=True))"),
		"shop/migrations/0003_rows.py": djangoMigration("('shop', '0002_note')",
			"migrations.RunPython(lambda apps, editor: apps.get_model('shop', 'Item').objects.update(note='secret'))"),
		"shop/migrations/0004_more.py": djangoMigration("('shop', '0003_rows')", "migrations.AddField('Item', 'more', models.TextField(null=True))"),
		"shop/migrations/0005_rows.py": djangoMigration("('shop', '0004_more')",
			"migrations.RunPython(lambda apps, editor: apps.get_model('shop', 'Note').objects.update(name='secret'))"),
	})
	s := tool(t, dir, python, "manage.py", "migrate", "-v", "1")
	s.migrated("shop", "0001")
	base := s.c.Command
	s.c.Command = append(base[:len(base):len(base)], "shop", "0002")
	s.held("shop_item", "SELECT count(*)::text FROM django_migrations WHERE name = '0002_note'")

	s.c.Command = append(base[:len(base):len(base)], "shop", "0003")
	if r := s.lostRace("shop_item"); r.ExitCode != 0 || len(r.Runs) != 2 || r.Runs[0].Committed || r.Runs[0].Lost[0].SQLSTATE != "55P03" {
		t.Fatalf("the guarded run is %+v, want two runs, the first lost with 55P03\n%s", r, s.out.String())
	}

	// Half of it is committed: it is not repeated unless requested, and then continues where it
	// was.
	s.c.Command = base
	s.run(s.other, "BEGIN", "SELECT FROM shop_note FOR UPDATE")
	r := s.guard("", nil)
	if r.ExitCode != 1 || len(r.Runs) != 1 || !r.Runs[0].Committed || !strings.Contains(r.Why, "--again") ||
		s.one("SELECT max(name) FROM django_migrations WHERE app = 'shop'") != "0004_more" {
		t.Fatalf("the guarded run is %+v, want one committed run that stops at 0004_more and a hint at --again\n%s", r, s.out.String())
	}
	s.c.Again = true
	if r := s.guard("it is run again", func() { s.run(s.other, "COMMIT") }); r.ExitCode != 0 || len(r.Runs) != 2 {
		t.Fatalf("with --again the guarded run is %+v, want two runs and exit code 0\n%s", r, s.out.String())
	}
	if got := s.one("SELECT name FROM shop_note"); got != "secret" {
		t.Errorf("the name in shop_note is %q, want secret", got)
	}
}

func djangoMigration(after, operations string) string {
	return "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [" + after + "]\n    operations = [" +
		operations + "]\n"
}

// node-pg-migrate's own command, with the address in a variable.
func TestNodePgMigrate(t *testing.T) {
	t.Parallel()
	program := filepath.Join(pgservertest.RunnerPath(t, "node"), "node_modules", ".bin", "node-pg-migrate")
	dir := gittest.NewDir(t, map[string]string{
		"package.json":                   `{"dependencies": {"node-pg-migrate": "9.0.0"}}`,
		"migrations/1700000000001_a.sql": "CREATE TABLE item (id int, note text);\nINSERT INTO item VALUES (1);\n",
	})
	s := tool(t, dir, program, "up")
	s.migrated()
	add(t, dir, "migrations/1700000000002_b.sql", "ALTER TABLE item ADD more text;\n")
	s.held("item", "SELECT count(*)::text FROM pgmigrations WHERE name = '1700000000002_b'")

	add(t, dir, "migrations/1700000000003_c.sql", "CREATE TABLE third ();\n")
	add(t, dir, "migrations/1700000000004_d.sql", "UPDATE item SET note = 'secret';\n")
	if r := s.lostRace("item"); r.ExitCode != 0 || len(r.Runs) != 2 || r.Runs[0].Committed || r.Runs[0].ExitCode == 0 {
		t.Fatalf("the guarded run is %+v, want two runs, the first failed and not committed\n%s", r, s.out.String())
	}
	if got := s.one("SELECT count(*)::text FROM pgmigrations"); got != "4" {
		t.Errorf("pgmigrations has %s rows, want 4", got)
	}
}

func add(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
