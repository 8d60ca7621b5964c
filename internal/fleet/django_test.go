package fleet_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// djangoProject is a project of django-tenants: a shared app with the tenants, and an app that each tenant has.
var djangoProject = map[string]string{
	"manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\nfrom django.core.management import execute_from_command_line\n" +
		"execute_from_command_line(sys.argv)\n",
	"conf.py": "import os\nSECRET_KEY = 'x'\nUSE_TZ = True\n" +
		"SHARED_APPS = ['django_tenants', 'customers', 'django.contrib.contenttypes']\nTENANT_APPS = ['shop']\n" +
		"INSTALLED_APPS = SHARED_APPS + TENANT_APPS\nTENANT_MODEL = 'customers.Client'\nTENANT_DOMAIN_MODEL = 'customers.Domain'\n" +
		"DATABASE_ROUTERS = ['django_tenants.routers.TenantSyncRouter']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n" +
		"DATABASES = {'default': {'ENGINE': 'django_tenants.postgresql_backend', 'NAME': os.environ['PGDATABASE'], 'USER': os.environ['PGUSER'],\n" +
		"    'HOST': os.environ['PGHOST'], 'PORT': os.environ['PGPORT']}}\n",
	"customers/__init__.py": "", "customers/migrations/__init__.py": "",
	"customers/models.py": "from django.db import models\nfrom django_tenants.models import DomainMixin, TenantMixin\n\n\nclass Client(TenantMixin):\n" +
		"    auto_create_schema = True\n\n\nclass Domain(DomainMixin):\n    pass\n",
	"shop/__init__.py": "", "shop/migrations/__init__.py": "",
	"shop/models.py": "from django.db import models\n\n\nclass Item(models.Model):\n    name = models.TextField()\n",
	"create_tenants.py": "import os, django\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\ndjango.setup()\nfrom customers.models import Client\n" +
		"Client(schema_name='public').save()\nfor n in range(3):\n    Client(schema_name='tenant_%d' % n).save(verbosity=0)\n",
}

// The command of django-tenants for one schema runs in each tenant, with the project's own settings.
func TestDjangoTenants(t *testing.T) {
	t.Parallel()
	python := pgservertest.VenvPath(t, "django-5.2-tenants", "bin", "python")
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range djangoProject {
		write(name, text)
	}
	db := serveOnPort(t, pgservertest.Database(t, onward.NewestMajor))
	cfg, err := pgconn.ParseConfig(db)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(db, "postgres://postgres@"), ":")
	port, _, _ = strings.Cut(port, "/")
	env := append(os.Environ(), "PGHOST=127.0.0.1", "PGPORT="+port, "PGUSER=postgres", "PGDATABASE="+cfg.Database, "PGSSLMODE=disable")
	manage := func(args ...string) {
		t.Helper()
		cmd := exec.Command(python, args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("run python %v: %v\n%s", args, err, out)
		}
	}
	manage("manage.py", "makemigrations", "customers", "shop", "-v", "0")
	manage("manage.py", "migrate_schemas", "--shared", "-v", "0")
	manage("create_tenants.py")
	write("shop/migrations/0002_note.py", "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"+
		"    dependencies = [('shop', '0001_initial')]\n"+
		"    operations = [migrations.AddField('item', 'note', models.TextField(null=True))]\n")
	c, seen := newConfig(t, db, "")
	base := guard.Config{
		Command: []string{"sh", "-c", python + ` manage.py migrate_schemas --schema="$ONWARD_SCHEMA" -v 0`}, Dir: dir, Env: env, Out: seen, Err: seen,
		Within: time.Minute,
	}
	c.Work = fleet.GuardCommand(base, "")
	c.Verify = "SELECT EXISTS (SELECT FROM django_migrations WHERE name = '0002_note')"
	c.List = func(ctx context.Context) ([]*fleet.Target, error) {
		return fleet.ListTargets(ctx, fleet.Source{Text: "query:SELECT schema_name FROM customers_client WHERE schema_name <> 'public' ORDER BY id", DB: db})
	}
	r, err := fleet.Run(t.Context(), c)
	if err != nil || r.State != onward.RolloutDone || len(r.Targets) != 3 {
		t.Fatalf("run the release: rollout %+v, error %v, want 3 targets done\n%s", r, err, seen)
	}
	conn := pgservertest.Connect(t, db)
	var columns int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM information_schema.columns WHERE table_schema LIKE 'tenant\_%' AND table_name = 'shop_item'
		AND column_name = 'note'`).Scan(&columns); err != nil || columns != 3 {
		t.Errorf("%d tenants have the column: %v", columns, err)
	}
}

// serveOnPort returns an address with a host and a port for a server that has a socket: Django knows no other.
func serveOnPort(t *testing.T, db string) string {
	t.Helper()
	server, err := wire.ParseServer(db)
	if err != nil {
		t.Fatal(err)
	}
	front, err := wire.Listen(t.Context(), wire.Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = front.Close() })
	cfg, err := pgconn.ParseConfig(db)
	if err != nil {
		t.Fatal(err)
	}
	return "postgres://postgres@" + front.Addr().String() + "/" + cfg.Database + "?sslmode=disable"
}
