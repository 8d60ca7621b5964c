package django

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf')\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line([])\n"

// written puts the files of a project into a directory of the test's own.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// apps are packages with one migration each, of the given operations.
func apps(files map[string]string, operations map[string]string) map[string]string {
	for app, text := range operations {
		files[app+"/__init__.py"], files[app+"/models.py"], files[app+"/migrations/__init__.py"] = "", "", ""
		files[app+"/migrations/0001_initial.py"] = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    operations = [\n" + text + "    ]\n"
	}
	return files
}

// What the routers keep from the default database is rendered for the one that
// they leave it to; on one that is not Postgres it is not judged.
func TestDatabases(t *testing.T) {
	t.Parallel()
	thing := "        migrations.CreateModel('Thing', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField())]),\n"
	dir := written(t, apps(map[string]string{
		"manage.py": manage,
		"conf.py": `SECRET_KEY = "x"
INSTALLED_APPS = ["shop", "metrics", "legacy", "mixed"]
PG = "django.db.backends.postgresql"
DATABASES = {
    "legacy": {"ENGINE": "django.db.backends.mysql", "NAME": "l"},
    "metrics": {"ENGINE": PG, "NAME": "m", "OPTIONS": {"options": "-c lock_timeout=3s"}},
    "default": {"ENGINE": PG, "NAME": "d"},
}
DATABASE_ROUTERS = ["routers.ByApp"]
`,
		"routers.py": `class ByApp:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        wanted = hints.get("target") or {"metrics": "metrics", "legacy": "legacy"}.get(app_label, "default")
        return db == wanted
`,
	}, map[string]string{
		"shop":    thing,
		"metrics": thing + "        migrations.AddField('thing', 'n', models.IntegerField(null=True, db_index=True)),\n",
		"legacy":  thing,
		"mixed":   thing + "        migrations.RunSQL('ANALYZE metrics_thing', hints={'target': 'metrics'}),\n        migrations.AlterField('thing', 'name', models.TextField(help_text='x')),\n",
	}))
	p := render(t, Config{Dir: dir, Python: venv(t, "django-5.2-none")})
	var got []string
	for _, m := range p.Migrations {
		got = append(got, fmt.Sprintf("%s on %q: %d", m.ID(), m.Database, len(m.Statements)))
		for _, op := range m.Operations {
			if op.Opaque != "" {
				got = append(got, op.Class+": "+op.Opaque)
			}
		}
	}
	want := []string{
		`legacy.0001_initial on "": 0`,
		"CreateModel: it runs on the database legacy, which is not Postgres but mysql",
		`metrics.0001_initial on "metrics": 3`,
		`mixed.0001_initial on "": 2`,
		`shop.0001_initial on "": 1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p.Database.Vendor != "postgresql" || p.Sessions["metrics"]["lock_timeout"] != "3s" {
		t.Errorf("default is %s, sessions %v", p.Database.Vendor, p.Sessions)
	}
}
