package django

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// django-safemigrate runs some migrations when the deploy is over.
func TestAfterDeploy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings string
		want     map[string]bool
	}{
		"installed":     {"INSTALLED_APPS = ['shop', 'django_safemigrate']", map[string]bool{"0002_after": true, "0003_method": true, "0004_old": true}},
		"not installed": {"INSTALLED_APPS = ['shop']", map[string]bool{}},
		"disabled":      {"INSTALLED_APPS = ['shop', 'django_safemigrate']\nSAFEMIGRATE = 'disabled'", map[string]bool{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			migration := func(safe string) string {
				return "from django.db import migrations\nfrom django_safemigrate import Old, Safe\nclass Migration(migrations.Migration):\n    " + safe + "\n"
			}
			adaptertest.Text(map[string]string{
				"manage.py": "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\n",
				"conf.py":   tc.settings + "\n",
				"django_safemigrate/__init__.py": `from enum import Enum
class When(Enum):
    BEFORE_DEPLOY = "before_deploy"
    AFTER_DEPLOY = "after_deploy"
class Old(Enum):
    after_deploy = "after_deploy"
class Safe:
    def __init__(self, when):
        self.when = when
    @classmethod
    def before_deploy(cls):
        return cls(When.BEFORE_DEPLOY)
    @classmethod
    def after_deploy(cls, delay=None):
        return cls(When.AFTER_DEPLOY)
`,
				"shop/__init__.py":               "",
				"shop/migrations/__init__.py":    "",
				"shop/migrations/0001_before.py": migration("safe = Safe.before_deploy()"),
				"shop/migrations/0002_after.py":  migration("safe, dependencies = Safe.after_deploy(delay=3), [('shop', '0001_before')]"),
				"shop/migrations/0003_method.py": migration("safe, dependencies = Safe.after_deploy, [('shop', '0002_after')]"),
				"shop/migrations/0004_old.py":    migration("safe, dependencies = Old.after_deploy, [('shop', '0003_method')]"),
				"shop/migrations/0005_always.py": migration("dependencies = [('shop', '0004_old')]"),
			}).WriteTo(t, dir)
			got := map[string]bool{}
			for _, m := range render(t, Config{Dir: dir, Python: venv(t, "django-5.2-none")}).Migrations {
				if m.AfterDeploy {
					got[m.Name] = true
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
