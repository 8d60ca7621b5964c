package django

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
)

// little is a project of one app whose settings end with the given lines.
func little(settings string) adaptertest.Files {
	return adaptertest.Text(map[string]string{
		"manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf')\n" +
			"from django.core.management import execute_from_command_line\nexecute_from_command_line([])\n",
		"conf.py":                    "SECRET_KEY = 'x'\nINSTALLED_APPS = ['app']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n" + settings + "\n",
		"app/__init__.py":            "",
		"app/models.py":              "",
		"app/migrations/__init__.py": "",
		"app/migrations/0001_initial.py": `from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField(null=True))]),
        migrations.AddField("Thing", "size", models.IntegerField(null=True)),
        migrations.RenameField("thing", "name", "title"),
        migrations.RunSQL("ANALYZE app_thing"),
        migrations.AddIndex("thing", models.Index(fields=["size"], name="by_size")),
    ]
`,
	})
}

func TestSession(t *testing.T) {
	t.Parallel()
	python := venv(t, "django-5.2-none")
	for _, c := range []struct {
		name, settings string
		configured     history.Runner
		want           history.Runner
	}{
		{"options", "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x', 'OPTIONS': {'options': " +
			"'-c lock_timeout=5s -c statement_timeout=60000 -c search_path=a,b'}}}",
			history.Runner{}, history.Runner{LockTimeout: 5000, StatementTimeout: 60_000, TimeZone: "UTC"}},
		{"other spellings", `DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x', 'OPTIONS': {'options': r'-clock_timeout=2\ s --Statement-Timeout=1min'}}}`,
			history.Runner{}, history.Runner{LockTimeout: 2000, StatementTimeout: 60_000, TimeZone: "UTC"}},
		{"nothing", "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x', 'TIME_ZONE': 'Europe/Vienna'}}",
			history.Runner{}, history.Runner{TimeZone: "Europe/Vienna"}},
		{"configured", "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x', 'OPTIONS': {'options': '-c lock_timeout=5s'}}}",
			history.Runner{LockTimeout: 1000}, history.Runner{LockTimeout: 1000, TimeZone: "UTC"}},
		{"another database", "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:', 'OPTIONS': {'timeout': 20}}}",
			history.Runner{}, history.Runner{TimeZone: "UTC"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := loadLittle(t, python, c.settings, c.configured)
			c.want.Tool = tool
			if diff := cmp.Diff(c.want, m.Runner, adaptertest.SameRenderer); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the project's own code sets on connecting is in force for migrations, too.
func TestSessionOnConnect(t *testing.T) {
	t.Parallel()
	const signal = `from django.apps import AppConfig
from django.db.backends.signals import connection_created

def bound(sender, connection, **kwargs):
    # "SET lock_timeout = '9s'"
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '3s'")

class Config(AppConfig):
    name = "app"
    def ready(self):
        connection_created.connect(bound)
`
	const backend = `from django.db.backends.postgresql import base

class DatabaseWrapper(base.DatabaseWrapper):
    def init_connection_state(self):
        super().init_connection_state()
        with self.cursor() as cursor:
            cursor.execute("SET lock_timeout TO 2000; SET statement_timeout TO '1min'")
`
	for name, c := range map[string]struct {
		path, text, engine string
		want               history.Runner
	}{
		"a signal": {"app/apps.py", signal, "django.db.backends.postgresql", history.Runner{LockTimeout: 3000, TimeZone: "UTC"}},
		"by the command line": {
			"app/apps.py",
			strings.Replace(signal, "    with conn", "    if 'migrate' in __import__('sys').argv:\n        return\n    with conn", 1),
			"django.db.backends.postgresql", history.Runner{TimeZone: "UTC"},
		},
		"a command": {
			"app/management/commands/migrate.py",
			"from django.core.management.commands.migrate import Command as Migrate\n\nTIMEOUT = '4s'\n\nclass Command(Migrate):\n" +
				"    \"\"\"SET lock_timeout = '9s'\"\"\"\n    def handle(self, *args, **options):\n        with connection.cursor() as cursor:\n" +
				"            cursor.execute(f\"SET lock_timeout = '{TIMEOUT}'\")\n            cursor.execute('SET statement_timeout = %s', [0])\n" +
				"        super().handle(*args, **options)\n",
			"django.db.backends.postgresql", history.Runner{LockTimeout: 4000, TimeZone: "UTC"},
		},
		"PGOPTIONS": {
			"manage.py",
			"import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf')\nif 'migrate' in sys.argv:\n" +
				"    os.environ['PGOPTIONS'] = '-c lock_timeout=150000 -c statement_timeout=1h'\nfrom django.core.management import execute_from_command_line\n" +
				"execute_from_command_line([])\n",
			"django.db.backends.postgresql",
			history.Runner{LockTimeout: 150_000, StatementTimeout: 3_600_000, TimeZone: "UTC"},
		},
		"a backend": {"bounded/base.py", backend, "bounded", history.Runner{LockTimeout: 2000, StatementTimeout: 60_000, TimeZone: "UTC"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := little("DATABASES = {'default': {'ENGINE': '" + c.engine + "', 'NAME': 'x'}}")
			files[c.path] = []byte(c.text)
			files["bounded/__init__.py"] = nil
			files["app/management/__init__.py"], files["app/management/commands/__init__.py"] = nil, nil
			m := loadInitial(t, venv(t, "django-5.2-psycopg"), files, history.Runner{})
			c.want.Tool = tool
			if diff := cmp.Diff(c.want, m.Runner, adaptertest.SameRenderer); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A timeout whose length is not written there is one all the same.
func TestSessionOfACommandWithASetting(t *testing.T) {
	t.Parallel()
	files := little("DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x'}}")
	files["app/management/__init__.py"], files["app/management/commands/__init__.py"] = nil, nil
	files["app/management/commands/migrate.py"] = []byte("from django.conf import settings\nfrom django.db import connection\n\nclass Command:\n" +
		"    def handle(self):\n        connection.cursor().execute('SET lock_timeout = %s', [settings.LOCK_TIMEOUT])\n")
	m := loadInitial(t, venv(t, "django-5.2-psycopg"), files, history.Runner{})
	if location := m.Runner.LockTimeoutAt.String(); location != "app/management/commands/migrate.py:6" || m.Runner.LockTimeout != 0 {
		t.Errorf("at %q, %d", location, m.Runner.LockTimeout)
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	m := loadLittle(t, venv(t, "django-5.2-none"), "", history.Runner{})
	var got []script.Operation
	for _, p := range m.Source.Parts {
		got = append(got, p.Operation)
	}
	want := []script.Operation{
		{Class: "CreateModel", Model: "Thing"},
		{Class: "AddField", Model: "Thing", Field: "size"},
		{Class: "RenameField", Model: "thing", Field: "title"},
		{},
		{Class: "AddIndex", Model: "thing"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func loadLittle(t *testing.T, python, settings string, configured history.Runner) *adapter.Migration {
	t.Helper()
	return loadInitial(t, python, little(settings), configured)
}

func loadInitial(t *testing.T, python string, files adaptertest.Files, configured history.Runner) *adapter.Migration {
	t.Helper()
	set := loadSet(t, python, files, configured)
	for _, m := range set.Migrations {
		if m.ID == "app.0001_initial" {
			return m
		}
	}
	t.Fatalf("app.0001_initial is not there: %d migrations", len(set.Migrations))
	return nil
}

func loadSet(t *testing.T, python string, files adaptertest.Files, configured history.Runner) *adapter.Set {
	t.Helper()
	set, err := trySet(t, python, files, configured)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func trySet(t *testing.T, python string, files adaptertest.Files, configured history.Runner) (*adapter.Set, error) {
	t.Helper()
	dir := t.TempDir()
	files.WriteTo(t, dir)
	a := &Adapter{Home: dir, Python: python, CacheDir: "-"}
	return a.Load(context.Background(), adaptertest.Disk(t, dir), adapter.Source{Framework: framework, Options: adapter.Options{Runner: configured}})
}
