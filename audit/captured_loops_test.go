package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// loopProject is a project with a real tool, whose head has loops over rows.
type loopProject struct{ base, head map[string]string }

func alembicLoops(t *testing.T) loopProject {
	program := pgservertest.VenvPath(t, "alembic-1.20-psycopg", "bin", "alembic")
	revision := func(id, before, body string) string {
		return "import sqlalchemy as sa\nfrom alembic import op\nrevision = '" + id + "'\ndown_revision = " + before + "\n\n\ndef upgrade():\n" + body
	}
	return loopProject{
		base: map[string]string{
			"onward.yaml": "postgres: 17\nmigrations:\n  - dir: db/versions\n    framework: alembic\n    capture: " + program + " upgrade head\n" +
				"    environment: {SQLALCHEMY_URL: 'postgresql+psycopg://{user}:{password}@{host}:{port}/{database}'}\n",
			"alembic.ini": "[alembic]\nscript_location = db\n",
			"db/env.py": "import os\nimport sqlalchemy as sa\nfrom alembic import context\nengine = sa.create_engine(os.environ['SQLALCHEMY_URL'])\n" +
				"with engine.connect() as connection:\n    context.configure(connection=connection)\n    with context.begin_transaction():\n" +
				"        context.run_migrations()\n",
			"db/versions/a1_users.py": revision("a1", "None", "    op.create_table('users', sa.Column('id', sa.BigInteger, primary_key=True), "+
				"sa.Column('email', sa.Text), sa.Column('name', sa.Text))\n"),
		},
		head: map[string]string{
			"db/versions/b2_fill.py": revision("b2", "'a1'", "    bind = op.get_bind()\n    for row in bind.execute(sa.text('SELECT id FROM users')).all():\n"+
				"        bind.execute(sa.text(\"UPDATE users SET name = 'filled' WHERE id = :id\"), {'id': row.id})\n"),
			"db/versions/c3_none.py": revision("c3", "'b2'", "    bind = op.get_bind()\n    for row in bind.execute(sa.text(\"SELECT id FROM users WHERE id < 0\")).all():\n"+
				"        bind.execute(sa.text(\"DELETE FROM users WHERE id = :id\"), {'id': row.id})\n"),
			"db/versions/d4_empty.py": revision("d4", "'c3'", "    if sa is None:\n        op.execute('DROP TABLE users')\n"),
		},
	}
}

func djangoLoops(t *testing.T) loopProject {
	python := pgservertest.VenvPath(t, "django-5.2-psycopg", "bin", "python")
	migration := func(before, operations string) string {
		return "from django.db import migrations, models\n\n\ndef fill(apps, schema_editor):\n    for u in apps.get_model('shop', 'User').objects.all():\n" +
			"        u.name = 'filled'\n        u.save()\n\n\ndef none(apps, schema_editor):\n    for u in apps.get_model('shop', 'User').objects.filter(id__lt=0):\n" +
			"        u.delete()\n\n\ndef empty(apps, schema_editor):\n    pass\n\n\nclass Migration(migrations.Migration):\n    dependencies = [" + before + "]\n" +
			"    operations = [" + operations + "]\n"
	}
	run := func(f string) string { return "migrations.RunPython(" + f + ", migrations.RunPython.noop)" }
	return loopProject{
		base: map[string]string{
			"onward.yaml": "postgres: 17\nmigrations:\n  - dir: .\n    framework: django\n    capture: " + python + " manage.py migrate\n" +
				"    environment: {DJANGO_SETTINGS_MODULE: settings}\n",
			"manage.py": "import sys\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
			"settings.py": "import os\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nDATABASES = {'default': {" +
				"'ENGINE': 'django.db.backends.postgresql', 'HOST': os.environ.get('PGHOST'), 'PORT': os.environ.get('PGPORT'), " +
				"'USER': os.environ.get('PGUSER'), 'PASSWORD': os.environ.get('PGPASSWORD'), 'NAME': os.environ.get('PGDATABASE')}}\n",
			"shop/__init__.py": "\n", "shop/migrations/__init__.py": "\n",
			"shop/models.py": "from django.db import models\n\n\nclass User(models.Model):\n    email = models.TextField()\n    name = models.TextField(null=True)\n",
			"shop/migrations/0001_initial.py": migration("", "migrations.CreateModel('User', [('id', models.BigAutoField(primary_key=True)), "+
				"('email', models.TextField()), ('name', models.TextField(null=True))])"),
		},
		head: map[string]string{
			"shop/migrations/0002_fill.py":  migration("('shop', '0001_initial')", run("fill")),
			"shop/migrations/0003_none.py":  migration("('shop', '0002_fill')", run("none")),
			"shop/migrations/0004_empty.py": migration("('shop', '0003_none')", run("empty")),
		},
	}
}

// A loop of a real tool sends its statements, because the tables have generated rows. A loop that found no row and a migration that
// sent nothing are reported.
func TestCaptureLoops(t *testing.T) {
	t.Parallel()
	for name, makeProject := range map[string]func(*testing.T) loopProject{"alembic": alembicLoops, "django": djangoLoops} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := makeProject(t)
			r := reportOf(t, p.base, p.head)
			updates := 0
			for _, m := range r.Migrations {
				for _, st := range m.Statements {
					if strings.HasPrefix(strings.ToUpper(st.SQL), "UPDATE") && strings.Contains(st.SQL, "filled") {
						updates++
					}
				}
			}
			got := describeCaptured(r)
			if updates != 3 || strings.Count(got, "the query found no row") != 1 || strings.Count(got, "it sent no statement") != 1 {
				t.Errorf("%d updates, in:\n%s", updates, got)
			}
		})
	}
}
