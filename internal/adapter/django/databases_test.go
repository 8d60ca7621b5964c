package django

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf')\nfrom django.core.management import execute_from_command_line\n" +
	"execute_from_command_line([])\n"

// apps are packages with one migration each, of the given operations.
func apps(files map[string]string, operations map[string]string) map[string]string {
	for app, text := range operations {
		files[app+"/__init__.py"], files[app+"/models.py"], files[app+"/migrations/__init__.py"] = "", "", ""
		files[app+"/migrations/0001_initial.py"] = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    operations = [\n" +
			text + "    ]\n"
	}
	return files
}

// Operations that the routers keep from the default database are rendered for the
// database that runs them. If that is not Postgres, they are not judged.
func TestDatabases(t *testing.T) {
	t.Parallel()
	thing := "        migrations.CreateModel('Thing', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField())]),\n"
	dir := writeProject(t, apps(map[string]string{
		"manage.py": manage,
		"conf.py": `SECRET_KEY = "x"
INSTALLED_APPS = ["shop", "metrics", "legacy", "mixed", "nowhere"]
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
        wanted = hints.get("target") or {"metrics": "metrics", "legacy": "legacy", "nowhere": "archive"}.get(app_label, "default")
        return db == wanted
`,
	}, map[string]string{
		"shop":    thing,
		"metrics": thing + "        migrations.AddField('thing', 'n', models.IntegerField(null=True, db_index=True)),\n",
		"legacy":  thing,
		"nowhere": thing + "        migrations.RunPython(migrations.RunPython.noop),\n        migrations.RunSQL(migrations.RunSQL.noop),\n" +
			"        migrations.RunPython(lambda apps, editor: print()),\n",
		"mixed": thing + "        migrations.RunSQL('ANALYZE metrics_thing', hints={'target': 'metrics'}),\n" +
			"        migrations.AlterField('thing', 'name', models.TextField(help_text='x')),\n",
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
		`nowhere.0001_initial on "": 0`,
		"CreateModel: no database of these settings takes it: the routers keep it from default, legacy, metrics",
		"RunPython: no database of these settings takes it: the routers keep it from default, legacy, metrics",
		`shop.0001_initial on "": 1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p.Database.Vendor != "postgresql" || p.Sessions["metrics"]["lock_timeout"] != "3s" {
		t.Errorf("default is %s, sessions %v", p.Database.Vendor, p.Sessions)
	}
}

// A backend whose schema editor makes several statements of one, each with its
// timeout, and takes no transaction: as django-pg-zero-downtime-migrations has it.
func TestBackendOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := writeProject(t, apps(map[string]string{
		"manage.py": manage,
		"conf.py": "SECRET_KEY = 'x'\nINSTALLED_APPS = ['app']\n" +
			"DATABASES = {'default': {'ENGINE': 'calm', 'NAME': 'x', 'OPTIONS': {'options': '-c lock_timeout=9s'}}}\n",
		"calm/__init__.py": "",
		"calm/base.py": "from django.db.backends.postgresql.base import DatabaseWrapper as Postgres\nfrom .schema import Editor\n\n\n" +
			"class DatabaseWrapper(Postgres):\n    SchemaEditorClass = Editor\n",
		"calm/schema.py": `from django.db.backends.ddl_references import Statement
from django.db.backends.postgresql.schema import DatabaseSchemaEditor


class Steps(list):
    def __str__(self):
        raise TypeError("several statements are no text")

    def __mod__(self, parts):
        return Steps(each % parts for each in self)


class Editor(DatabaseSchemaEditor):
    sql_create_index = Steps([
        DatabaseSchemaEditor.sql_create_index_concurrently,
        "COMMENT ON INDEX %(name)s IS 'built'",
    ])

    def __init__(self, connection, collect_sql=False, atomic=True):
        super().__init__(connection, collect_sql, atomic=False)

    def execute(self, sql, params=()):
        if not isinstance(sql, Statement) or not isinstance(sql.template, Steps):
            return super().execute(sql, params)
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT setting || unit FROM pg_settings WHERE name = 'lock_timeout'")
            before, = cursor.fetchone()
        self.execute("SET lock_timeout TO '1s'")
        for step in sql.template:
            super().execute(Statement(step, **sql.parts), params)
        self.execute("SET lock_timeout TO '%s'" % before)

    def remove_field(self, model, field):
        for name, kind, table, to, columns, others in self._get_constraints(None, model):
            if kind == "f" and field.column in columns:
                self.execute("ALTER TABLE %s DROP CONSTRAINT %s" % (table, name))
        for name, table, columns in self._get_indexes(None, model):
            if field.column in columns:
                self.execute("DROP INDEX CONCURRENTLY %s" % name)
        super().remove_field(model, field)

    def _get_constraints(self, cursor, model):
        raise NotImplementedError("asks the server")

    _get_indexes = _get_constraints
`,
	}, map[string]string{"app": `        migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True)), ("size", models.IntegerField())]),
        migrations.AddIndex("thing", models.Index(fields=["size"], name="by_size")),
        migrations.AddField("thing", "of", models.ForeignKey("self", models.CASCADE, null=True)),
        migrations.RunPython(lambda apps, editor: None),
        migrations.RemoveField("thing", "size"),
`}))
	p := render(t, Config{Dir: dir, Python: venv(t, "django-5.2-none")})
	m := p.find(t, "app.0001_initial")
	got := []string{fmt.Sprint("atomic ", m.Atomic)}
	for _, op := range m.Operations {
		got = append(got, op.Class+" "+op.Transaction)
	}
	for _, s := range m.Statements {
		got = append(got, fmt.Sprint(s.Op, " ", s.SQL))
	}
	want := []string{
		"atomic false",
		"CreateModel none", "AddIndex none", "AddField none", "RunPython operation", "RemoveField none",
		`0 CREATE TABLE "app_thing" ("id" bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "size" integer NOT NULL)`,
		`1 SET lock_timeout TO '1s'`,
		`1 CREATE INDEX CONCURRENTLY "by_size" ON "app_thing" ("size")`,
		`1 COMMENT ON INDEX "by_size" IS 'built'`,
		`1 SET lock_timeout TO '9s'`,
		`2 ALTER TABLE "app_thing" ADD COLUMN "of_id" bigint NULL CONSTRAINT "app_thing_of_id_2c49d3fc_fk_app_thing_id" REFERENCES "app_thing"("id") DEFERRABLE INITIALLY DEFERRED; SET CONSTRAINTS "app_thing_of_id_2c49d3fc_fk_app_thing_id" IMMEDIATE`,
		`4 DROP INDEX CONCURRENTLY by_size`,
		`4 ALTER TABLE "app_thing" DROP COLUMN "size" CASCADE`,
		`2 SET lock_timeout TO '1s'`,
		`2 CREATE INDEX CONCURRENTLY "app_thing_of_id_2c49d3fc" ON "app_thing" ("of_id")`,
		`2 COMMENT ON INDEX "app_thing_of_id_2c49d3fc" IS 'built'`,
		`2 SET lock_timeout TO '9s'`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A backend with a schema per tenant, which can only be imported when the apps are
// there: the apps of the tenants migrate in their schemas alone.
func TestTenants(t *testing.T) {
	t.Parallel()
	thing := "        migrations.CreateModel('Thing', [('id', models.BigAutoField(primary_key=True))]),\n" +
		"        migrations.AddField('thing', 'of', models.ForeignKey('self', models.CASCADE, null=True)),\n"
	files := map[string]string{
		"manage.py": manage,
		"conf.py": `SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "shared", "crm", "lab", "nobodys"]
DATABASES = {"default": {"ENGINE": "postgres_tenants", "NAME": "x"}}
DATABASE_ROUTERS = ["postgres_tenants.router.Router"]
`,
		"postgres_tenants/__init__.py": "",
		"postgres_tenants/router.py": `from django.db import connections

APPS = {"public": ["contenttypes", "shared"], "sales": ["crm"], "research": ["lab"]}


class Router:
    def allow_migrate(self, db, app_label, **hints):
        return None if app_label in APPS[connections[db].kind] else False
`,
		"postgres_tenants/base.py": `from django.contrib.contenttypes.models import ContentType
from django.db.backends.postgresql import base
from django.db.backends.postgresql.introspection import DatabaseIntrospection


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.introspection = DatabaseIntrospection(self)
        self.set_schema_to_public()

    def set_schema(self, schema_name, tenant_type="sales"):
        self.schema_name, self.kind = schema_name, tenant_type
        ContentType.objects.clear_cache()

    def set_schema_to_public(self):
        self.set_schema("public", "public")
`,
	}
	operations := map[string]string{"shared": thing, "crm": thing + "        migrations.RemoveField('thing', 'of'),\n", "lab": thing, "nobodys": thing}
	got := map[string]map[string]int{}
	for name, types := range map[string]string{"one kind": "", "kinds": "TENANT_TYPES = {'public': {}, 'sales': {}, 'research': {}}\n"} {
		project := apps(maps.Clone(files), operations)
		project["conf.py"] += types
		p := render(t, Config{Dir: writeProject(t, project), Python: venv(t, "django-5.2-none")})
		got[name] = map[string]int{}
		for _, m := range p.Migrations {
			if m.App != "contenttypes" {
				got[name][m.App] = len(m.Statements)
			}
			for _, op := range m.Operations {
				if isReported := op.Elsewhere && op.Opaque != ""; isReported != (len(m.Statements) == 0) {
					t.Errorf("%s: %s of %s: %s", name, op.Class, m.ID(), op.Opaque)
				}
			}
		}
	}
	want := map[string]map[string]int{
		"one kind": {"shared": 3, "crm": 4, "lab": 0, "nobodys": 0},
		"kinds":    {"shared": 3, "crm": 4, "lab": 3, "nobodys": 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
