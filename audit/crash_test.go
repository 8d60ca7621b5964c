package audit

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/report"
)

// Where Python dies over the base, its models are lost, and every report says so where
// its reader looks last. A run that names what is SQL starts no Python.
func TestModelsOfTheBaseAreLost(t *testing.T) {
	python := pgservertest.VenvPath(t, "django-5.2-none", "bin", "python")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := repository(t, `-- manage.py --
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf")
from django.core.management import execute_from_command_line
execute_from_command_line([])
-- conf.py --
import os, signal
os.kill(os.getpid(), signal.SIGSEGV)
-- shop/__init__.py --
#
-- shop/models.py --
#
-- shop/migrations/__init__.py --
#
-- shop/migrations/0001_initial.py --
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True))])]
-- sql/1.sql --
CREATE TABLE a (id bigint PRIMARY KEY);
`, `-- conf.py --
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
-- shop/migrations/0002_more.py --
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))])]
-- sql/2.sql --
CREATE TABLE b (id bigint PRIMARY KEY);
`)
	t.Chdir(dir)
	settings := config.Default()
	settings.Migrations = []config.Migrations{{Framework: "django", Python: python}}
	r, err := Changelog(t.Context(), Config{Dir: dir, Base: "main", Head: "feature", Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	// The directory beside the configured one is listed, too.
	if len(r.Opaque) != 2 || r.Opaque[1].Path != "sql" || !r.Opaque[0].Usage ||
		!strings.Contains(r.Opaque[0].Why, "Python ended by signal 11 (SIGSEGV) at conf.py:2 in <module>, and so it did when it was started again") {
		t.Errorf("the unread parts are %+v, want the crash of Python, and the directory sql", r.Opaque)
	}
	const searched = "if what could be read of the code at main is all that it uses (some of its files, or its models, could not be read)"
	for _, format := range report.Formats() {
		var b bytes.Buffer
		if err := report.Write(&b, format, r, report.Options{Width: 100}); err != nil {
			t.Fatal(err)
		}
		text, want := strings.Join(strings.Fields(b.String()), " "), searched
		switch format { // which have no place for a verdict
		case report.FormatGitLab, report.FormatJUnit, report.FormatCheckstyle, report.FormatGCC:
			want = "its models and its deleted migrations are not known"
		}
		if format == report.FormatTerminal {
			lines := strings.Split(strings.TrimSpace(b.String()), "\n")
			text = strings.Join(lines[:min(3, len(lines))], " ")
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say it:\n%s", format, b.String())
		}
	}

	settings.Migrations = []config.Migrations{{Dir: "sql", Framework: "sql", Python: python}}
	r, err = Changelog(t.Context(), Config{Dir: dir, Base: "main", Head: "feature", Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Migrations) != 1 || len(r.Opaque) != 0 {
		t.Errorf("the migrations are %+v, want 1; the unread parts are %+v, want none", r.Migrations, r.Opaque)
	}
}

// A head that cannot be loaded is reported immediately: its base may take minutes.
func TestHeadFailsBeforeItsBase(t *testing.T) {
	python := pgservertest.VenvPath(t, "django-5.2-none", "bin", "python")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := repository(t, `-- manage.py --
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf")
from django.core.management import execute_from_command_line
execute_from_command_line([])
-- conf.py --
import time
time.sleep(600)
-- shop/migrations/0001_initial.py --
from django.db import migrations, models
`, `-- conf.py --
import nothing_of_the_kind
`)
	t.Chdir(dir)
	settings := config.Default()
	settings.Migrations = []config.Migrations{{Framework: "django", Python: python}}
	start := time.Now()
	_, err := Changelog(t.Context(), Config{Dir: dir, Base: "main", Head: "feature", Settings: settings})
	if err == nil || !strings.Contains(err.Error(), "nothing_of_the_kind") || time.Since(start) > 2*time.Minute {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
