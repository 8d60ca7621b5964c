package audit

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func djangoMigration(before, operations string, more ...string) string {
	return "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [" + before + "]\n" +
		strings.Join(more, "") + "    operations = [" + operations + "]\n"
}

const (
	addCity  = "migrations.AddField('Pier', 'city', models.TextField(null=True))"
	addDepth = "migrations.AddField('Pier', 'depth', models.IntegerField(null=True))"
	addArm   = "migrations.AddField('Crane', 'arm', models.TextField(null=True))"
	addLeg   = "migrations.AddField('Crane', 'leg', models.TextField(null=True))"
	pier1    = "('shop', '0001_start')"
)

var djangoRevisions = pythonTool{
	venvs: []string{"django-4.2-psycopg2", "django-5.2-psycopg", "django-6.0-psycopg"},
	project: func(t *testing.T, venv string) map[string]string {
		return map[string]string{
			"onward.yaml": "migrations:\n  - dir: .\n    framework: django\n    python: " + pgservertest.VenvPath(t, venv, "bin", "python") + "\n",
			"manage.py": "import os, sys\nfrom django.core.management import execute_from_command_line\n" +
				"os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\nexecute_from_command_line(sys.argv)\n",
			"settings.py": "import os\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['shop', 'port']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n" +
				"DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': os.environ.get('DB_HOST'), 'PORT': os.environ.get('DB_PORT'), " +
				"'USER': os.environ.get('DB_USER'), 'NAME': os.environ.get('DB_NAME')}}\n",
			"shop/__init__.py": "# the shop\n", "shop/migrations/__init__.py": "# of the shop\n",
			"port/__init__.py": "# the port\n", "port/migrations/__init__.py": "# of the port\n",
			"port/migrations/0001_start.py": djangoMigration("", "migrations.CreateModel('Crane', [('id', models.BigAutoField(primary_key=True))])"),
			"shop/migrations/0001_start.py": djangoMigration("", "migrations.CreateModel('Pier', [('id', models.BigAutoField(primary_key=True)), "+
				"('berth', models.TextField(null=True)), ('tide', models.TextField(null=True))])"),
		}
	},
	run: func(t *testing.T, venv, dir string, u *url.URL) (ran []string, refused string) {
		talk, failed := runPython(t, dir, []string{"DB_NAME=" + strings.TrimPrefix(u.Path, "/"), "DB_HOST=" + u.Query().Get("host"),
			"DB_PORT=" + u.Query().Get("port"), "DB_USER=" + u.User.Username()}, filepath.Join(venv, "bin", "python"), "manage.py", "migrate")
		for _, m := range regexp.MustCompile(`(?m)Applying (\S+)\.\.\. OK`).FindAllStringSubmatch(talk, -1) {
			ran = append(ran, m[1])
		}
		if failed {
			refused = lastLine(talk)
		}
		return ran, refused
	},
	moments: map[string]pythonMoment{
		"behind the base, another app": {
			base:  map[string]string{"port/migrations/0002_arm.py": djangoMigration("('port', '0001_start')", addArm)},
			head:  map[string]string{"shop/migrations/0002_city.py": djangoMigration(pier1, addCity)},
			ahead: 1,
		},
		"behind the base, the same number": {
			base:  map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			head:  map[string]string{"shop/migrations/0002_city.py": djangoMigration(pier1, addCity)},
			want:  []string{"error release-leaves-conflict"},
			ahead: 1,
		},
		"the same number, merged": {
			base: map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			head: map[string]string{
				"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth),
				"shop/migrations/0002_city.py":  djangoMigration(pier1, addCity),
				"shop/migrations/0003_merge.py": djangoMigration("('shop', '0002_city'), ('shop', '0002_depth')", ""),
			},
		},
		"only the base went": {
			base:  map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			ahead: 1,
		},
		"the base's column": {
			base: map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			head: map[string]string{"port/migrations/0002_again.py": djangoMigration("('port', '0001_start')",
				"migrations.RunSQL('ALTER TABLE shop_pier ADD COLUMN depth int')")},
			want:  []string{"error release-statement-fails"},
			ahead: 1,
		},
		"a cherry-pick": {
			base: map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			head: map[string]string{
				"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth),
				"shop/migrations/0003_city.py":  djangoMigration("('shop', '0002_depth')", addCity),
			},
		},
		"a cherry-pick that skips one": {
			base: map[string]string{"shop/migrations/0003_city.py": djangoMigration(pier1, addCity)},
			head: map[string]string{
				"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth),
				"shop/migrations/0003_city.py":  djangoMigration("('shop', '0002_depth')", addCity),
			},
			want: []string{"error release-runner-refuses"},
		},
		"another directory": {
			headDir: "web",
			head:    map[string]string{"web/shop/migrations/0002_city.py": djangoMigration(pier1, addCity)},
		},
		"another directory, behind the base": {
			headDir: "web",
			base:    map[string]string{"port/migrations/0002_arm.py": djangoMigration("('port', '0001_start')", addArm)},
			head:    map[string]string{"web/shop/migrations/0002_city.py": djangoMigration(pier1, addCity)},
			ahead:   1,
		},
		"a squash": {
			base: map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			head: map[string]string{
				"shop/migrations/0002_depth.py":    djangoMigration(pier1, addDepth),
				"shop/migrations/0001_squashed.py": djangoSquash,
				"shop/migrations/0003_city.py":     djangoMigration("('shop', '0001_squashed')", addCity),
			},
		},
		"a squash that deletes": {
			base: map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			head: map[string]string{
				"shop/migrations/0001_start.py":    "",
				"shop/migrations/0001_squashed.py": djangoSquash,
				"shop/migrations/0003_city.py":     djangoMigration("('shop', '0001_squashed')", addCity),
			},
			ahead: 1,
		},
		"a squash of one that the base lacks": {
			head: map[string]string{
				"shop/migrations/0001_squashed.py": djangoSquash,
				"shop/migrations/0002_depth.py":    djangoMigration(pier1, addDepth),
			},
		},
		"a squash of one that the base lacks, deleted": {
			head: map[string]string{"shop/migrations/0001_start.py": "", "shop/migrations/0001_squashed.py": djangoSquash},
			want: []string{"error release-runner-refuses"},
		},
		"a deleted leaf": {
			base: map[string]string{"settings.local": "x\n"},
			head: map[string]string{"port/migrations/0001_start.py": ""},
		},
		"a deleted parent": {
			base:  map[string]string{"shop/migrations/0002_depth.py": djangoMigration(pier1, addDepth)},
			head:  map[string]string{"shop/migrations/0001_start.py": ""},
			want:  []string{"error release-migration-deleted"},
			ahead: 1,
		},
		"a squash of one that the base lacks, deleted, and another follows": {
			head: map[string]string{
				"shop/migrations/0001_start.py": "", "shop/migrations/0001_squashed.py": djangoSquash,
				"shop/migrations/0003_city.py": djangoMigration("('shop', '0001_squashed')", addCity),
			},
			want: []string{"error release-runner-refuses"},
		},
		"a new squash of new ones": {
			head: map[string]string{
				"port/migrations/0002_arm.py": djangoMigration("('port', '0001_start')", addArm),
				"port/migrations/0003_leg.py": djangoMigration("('port', '0002_arm')", addLeg),
				"port/migrations/0002_both.py": djangoMigration("('port', '0001_start')", addArm+", "+addLeg,
					"    replaces = [('port', '0002_arm'), ('port', '0003_leg')]\n"),
			},
			skipped: []string{"port.0002_arm", "port.0003_leg"},
		},
		"the base's code": {
			base: map[string]string{"shop/tides.py": "def tides(cursor):\n    cursor.execute(\"SELECT id, tide FROM shop_pier\")\n"},
			head: map[string]string{"shop/migrations/0002_tide.py": djangoMigration(pier1, "migrations.RemoveField('Pier', 'tide')")},
			want: []string{"error column-drop"},
		},
	},
}

const djangoSquash = `from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [('shop', '0001_start'), ('shop', '0002_depth')]
    dependencies = []
    operations = [
        migrations.CreateModel('Pier', [
            ('id', models.BigAutoField(primary_key=True)), ('berth', models.TextField(null=True)), ('tide', models.TextField(null=True)),
            ('depth', models.IntegerField(null=True)),
        ]),
    ]
`
