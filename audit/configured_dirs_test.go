package audit

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
)

// A configured directory without migrations is a mistake of the configuration,
// and no release without migrations.
func TestNamedDirectory(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE t (id int);\n-- empty/README --\nx\n",
		"-- migrations/00002_b.sql --\n-- +goose Up\nDROP TABLE t;\n-- later/00001_a.sql --\n-- +goose Up\nSELECT 1;\n")
	for configured, want := range map[string]string{
		"migration": "there are no goose migrations in migration, neither at main nor at feature; " +
			"what looks like migrations is in later (goose), migrations (goose)",
		"empty":      "there are no goose migrations in empty",
		"migrations": "", "later": "", "migrations/": "",
	} {
		_, err := Changelog(context.Background(), Config{Dir: dir, Base: "main", Settings: &config.Config{
			Migrations: []config.Migrations{{Dir: configured, Framework: "goose"}},
		}})
		var input *config.InputError
		if want == "" && err != nil || want != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), want)) {
			t.Errorf("Changelog with the directory %s = %v, want %q", configured, err, want)
		}
	}
}

// The directory of a project's migrations is not the project: nothing would be rendered, and every release pass.
func TestNamedDirectoryOfProject(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- web/manage.py --\nimport os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"+
		"-- web/app/migrations/__init__.py --\n\n"+
		"-- web/app/migrations/0001_initial.py --\nfrom django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    operations = []\n",
		"-- web/app/migrations/0002_more.py --\nfrom django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"+
			"    dependencies = [('app', '0001_initial')]\n    operations = []\n")
	for _, m := range []config.Migrations{
		{Dir: "web/app/migrations"}, {
			Dir:       "web/app/migrations",
			Framework: "django",
		}, {Dir: "web/app", Framework: "django"}, {Dir: "app/migrations"}, {Dir: "nowhere", Framework: "django"},
	} {
		_, err := Changelog(context.Background(), Config{Dir: dir, Base: "main", Settings: &config.Config{Migrations: []config.Migrations{m}}})
		var input *config.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), "what looks like migrations is in web (django)") {
			t.Errorf("Changelog with %+v = %v, want an InputError that lists web (django)", m, err)
		}
	}
}
