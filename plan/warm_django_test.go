package plan_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// TestWarmDjango counts the starts of Python. A second report on the same release starts none, even if it has the files of the safe form. Another
// module or file of the search path starts it again.
func TestWarmDjango(t *testing.T) {
	t.Parallel()
	d := newDjango(t, nil)
	site, count := t.TempDir(), filepath.Join(t.TempDir(), "starts")
	gittest.WriteFiles(t, site, map[string]string{"sitecustomize.py": "open(" + strconv.Quote(count) + ", 'a').write('x')\n"})
	d.audit.Settings.Migrations[0].Environment = []string{"PYTHONPATH=" + site}
	d.write("shop/migrations/0002_code.py", `from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AlterField("coupon", "code", models.CharField(max_length=10))]
`)
	countStarts := func() int {
		t.Helper()
		if err := os.WriteFile(count, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := plan.Changelog(t.Context(), d.audit, true)
		if err != nil {
			t.Fatal(err)
		}
		if !hasFiles(r) {
			t.Errorf("no finding has the files of its safe form: %+v", r.Findings)
		}
		data, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		return len(data)
	}
	check := func(label string, starts bool) {
		t.Helper()
		if n := countStarts(); (n > 0) != starts {
			t.Errorf("%s: %d starts", label, n)
		}
	}
	check("the first run", true)
	check("the second run", false)
	for _, args := range [][]string{{"add", "-A"}, {"commit", "-qm", "release"}} {
		gittest.RunGit(t, d.root, args...)
	}
	d.audit.Base, d.audit.Head = "HEAD~1", "HEAD"
	check("the release is committed, with the same files", false)
	gittest.WriteFiles(t, site, map[string]string{"package-2.0.dist-info": ""})
	check("another package", true)
	gittest.WriteFiles(t, filepath.Dir(count), map[string]string{"other": ""})
	check("a file elsewhere", false)
	gittest.WriteFiles(t, site, map[string]string{
		"sitecustomize.py": "import sys\nsys.path.append('/nowhere')\nopen(" + strconv.Quote(count) + ", 'a').write('x')\n",
	})
	check("another search path", true)
	check("the second run with it", false)
}

func hasFiles(r *onward.Report) bool {
	for _, f := range r.Findings {
		if len(f.Files) > 0 {
			return true
		}
	}
	return false
}
