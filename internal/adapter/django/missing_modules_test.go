package django

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// A revision that needs packages which are not there any more has models all the
// same; what the packages give them is missing.
func TestModelsOfARevisionThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	adaptertest.Text(map[string]string{
		"manage.py": `import os
from dotenv_of_nobody import load
load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf")
from django.core.management import execute_from_command_line
execute_from_command_line([])
`,
		"conf.py": `import environ_of_nobody
from pathlib import Path
env = environ_of_nobody.Env(DEBUG=(bool, False))
SECRET_KEY = env("SECRET_KEY")
STATIC_ROOT = Path(env("ROOT")) / "static"
from datetime import datetime
from django.utils import timezone
SINCE = datetime(2020, 1, 1, tzinfo=timezone.utc)
DATABASES = {"default": env.db("DATABASE_URL")}
INSTALLED_APPS = ["gone_app", "gone_app.deeper", "django.contrib.contenttypes", "shop"] + env.list("MORE")
`,
		"shop/__init__.py": "",
		"shop/models.py": `from django.db import models
from django.utils.text import no_such_name
from gone_app.fields import ColorField, Mixin, tracked
try:
    import optional_of_nobody
except ImportError:
    optional_of_nobody = None

class Item(Mixin, models.Model):
    name = models.CharField(max_length=no_such_name.LENGTH or 9)
    color = ColorField(default="red")
    if optional_of_nobody:
        more = models.TextField()

    class Meta:
        index_together = [["name", "id"]]

    @tracked
    def price(self):
        return 1
`,
		"shop/migrations/__init__.py":     "",
		"shop/migrations/0001_initial.py": "from django.db import migrations\nclass Migration(migrations.Migration):\n    operations = []\n",
	}).WriteTo(t, dir)
	a := &Adapter{Home: dir, Python: venv(t, "django-5.2-none"), CacheDir: "-"}
	tree := adaptertest.Disk(t, dir)
	sources := a.Detect(tree)
	if len(sources) != 1 {
		t.Fatalf("sources: %v", sources)
	}
	_, cause := a.Load(context.Background(), tree, sources[0])
	if cause == nil {
		t.Fatal("it came up")
	}
	models, missingModules, err := a.Models(context.Background(), tree, sources[0], cause)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"environ_of_nobody", "utc of django.utils.timezone", "gone_app", "no_such_name of django.utils.text",
		"index_together of django.db.models.options",
	}, missingModules); diff != "" {
		t.Error("stood in for:", diff)
	}
	var shop []adapter.Model
	for _, m := range models {
		if m.Table == "shop_item" {
			shop = append(shop, m)
		}
	}
	want := []adapter.Model{{Name: "shop.Item", Path: "shop/models.py", Line: 9, Table: "shop_item", Columns: []adapter.ModelColumn{
		{Field: "id", Column: "id", Line: 9}, {Field: "name", Column: "name", Line: 10},
	}}}
	if diff := cmp.Diff(want, shop); diff != "" {
		t.Error("models:", diff)
	}
}

// An error other than a failed import is no reason to try again.
func TestModelsOfAProjectThatIsBroken(t *testing.T) {
	t.Parallel()
	a := &Adapter{Home: t.TempDir(), Python: venv(t, "django-5.2-none"), CacheDir: "-"}
	cause := &Error{Kind: "settings", Message: "ValueError: no"}
	if _, _, err := a.Models(context.Background(), adaptertest.Disk(t, a.Home), adapter.Source{}, cause); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
