package django

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

const imports = "from django.conf import settings\nfrom django.db import migrations, models\n"

// twoApps are two apps whose release goes to and fro between them: a swapped model, Python,
// SQL with a state of its own, an index.
var twoApps = map[string]string{
	"manage.py": "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\n" +
		"from django.core.management import execute_from_command_line\nimport sys\nexecute_from_command_line(sys.argv)\n",
	"conf.py": "SECRET_KEY = 'x'\nINSTALLED_APPS = ['accounts', 'shop']\nAUTH_USER_MODEL = 'accounts.User'\n" +
		"DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n" +
		"DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x', 'HOST': '/nowhere'}}\n",
	"accounts/__init__.py":            "",
	"accounts/models.py":              imports + "class User(models.Model):\n    nick = models.TextField(null=True)\n    motto = models.TextField(null=True)\n",
	"accounts/migrations/__init__.py": "",
	"accounts/migrations/0001_initial.py": imports + `class Migration(migrations.Migration):
    operations = [migrations.CreateModel("User", [("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID"))], options={"swappable": "AUTH_USER_MODEL"})]
`,
	"accounts/migrations/0002_nick.py": imports + `def fill(apps, editor):
    apps.get_model("accounts", "User").objects.update(nick="x")
class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.AddField("User", "nick", models.TextField(null=True)), migrations.RunPython(fill)]
`,
	"accounts/migrations/0003_motto.py": imports + `class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_nick"), ("shop", "0002_owner")]
    operations = [migrations.AddField("User", "motto", models.TextField(null=True))]
`,
	"shop/__init__.py": "",
	"shop/models.py": imports + `class Item(models.Model):
    title = models.TextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    size = models.TextField(null=True)
    colour = models.TextField(null=True)
    class Meta:
        indexes = [models.Index(fields=["title"], name="item_title_idx")]
`,
	"shop/migrations/__init__.py": "",
	"shop/migrations/0001_initial.py": imports + `class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")), ("title", models.TextField())])]
`,
	"shop/migrations/0002_owner.py": imports + `class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial"), ("accounts", "0002_nick"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.AddField("Item", "owner", models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)),
        migrations.RunSQL("ALTER TABLE shop_item ADD COLUMN size text", state_operations=[migrations.AddField("Item", "size", models.TextField(null=True))]),
        migrations.SeparateDatabaseAndState([migrations.RunSQL("ALTER TABLE shop_item ADD COLUMN colour text")], [migrations.AddField("Item", "colour", models.TextField(null=True))]),
        migrations.AddIndex("Item", models.Index(fields=["title"], name="item_title_idx")),
    ]
`,
}

// writeProject writes a project to a directory.
func writeProject(t *testing.T, files ...map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, list := range files {
		adaptertest.Text(list).WriteTo(t, dir)
	}
	return dir
}

// composed begins writing in the place of migrations of a project.
func composed(t *testing.T, dir string, replaced ...string) (adapter.Writing, error) {
	t.Helper()
	a := &Adapter{Python: venv(t, "django-5.2-none"), CacheDir: "-"}
	tree, source := adaptertest.Disk(t, dir), adapter.Source{Framework: framework}
	set, err := a.Load(context.Background(), tree, source)
	if err != nil {
		t.Fatal(err)
	}
	return a.Compose(context.Background(), tree, set, replaced)
}

// Django accepts the migrations that replace migrations of two apps: each depends on the
// one before it, the state is the same as theirs, and the SQL is identical.
func TestCompose(t *testing.T) {
	t.Parallel()
	dir := writeProject(t, twoApps)
	replaced := []string{"accounts.0002_nick", "shop.0002_owner", "accounts.0003_motto"}
	w, err := composed(t, dir, replaced...)
	if err != nil {
		t.Fatal(err)
	}
	odd := `COMMENT ON COLUMN accounts_user.nick IS 'a\n""" b\"';` + "\n"
	const alone = "CREATE INDEX CONCURRENTLY \"item_title_idx\" ON \"shop_item\" (\"title\");\n"
	p := &onward.Plan{Name: "nick", Steps: []onward.PlanStep{
		{ID: "01-expand", Phase: onward.Expand, Migration: replaced[0], Transaction: onward.TransactionFile, SQL: "BEGIN;\n" + odd + "COMMIT;\n", Undo: odd},
		{ID: "02-expand", Phase: onward.Expand, Migration: replaced[1], Transaction: onward.TransactionNone, SQL: alone, Undo: "SELECT 1;\nSELECT 2;\n"},
		{ID: "03-contract", Phase: onward.Contract, Migration: replaced[2], Transaction: onward.TransactionFile, SQL: "BEGIN;\nSELECT 3;\nCOMMIT;\n"},
	}}
	textByPath := map[string]string{}
	keep := func(files []adapter.Written, err error) []onward.PlanFile {
		t.Helper()
		var out []onward.PlanFile
		for _, f := range files {
			textByPath[f.Path] = f.Text
			out = append(out, onward.PlanFile{Path: f.Path})
		}
		if err != nil || len(files) == 0 {
			t.Fatalf("compose: %v; its files: %v", err, files)
		}
		return out
	}
	for i := range 2 {
		p.Steps[i].Files = keep(w.Files(p, &p.Steps[i], "nick_"+p.Steps[i].ID))
	}
	p.Files = keep(w.Rest(p))
	p.Steps[2].Files = keep(w.Files(p, &p.Steps[2], "nick_"+p.Steps[2].ID))
	for _, replacedFile := range []string{"accounts/migrations/0002_nick.py", "accounts/migrations/0003_motto.py", "shop/migrations/0002_owner.py"} {
		if err := os.Remove(filepath.Join(dir, replacedFile)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range textByPath {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := render(t, Config{Dir: dir, Python: venv(t, "django-5.2-none")})
	after := map[string][][2]string{}
	for _, m := range got.Migrations {
		if textByPath[m.Path] != "" {
			after[m.ID()] = m.Dependencies
		}
	}
	if diff := cmp.Diff(map[string][][2]string{
		"accounts.0004_nick_01_expand":   {{"accounts", "0001_initial"}, {"shop", "0001_initial"}, {"accounts", "__first__"}},
		"shop.0003_nick_02_expand":       {{"shop", "0001_initial"}, {"accounts", "0004_nick_01_expand"}},
		"accounts.0005_nick_state":       {{"accounts", "0004_nick_01_expand"}, {"shop", "0003_nick_02_expand"}},
		"shop.0004_owner_state":          {{"shop", "0003_nick_02_expand"}, {"accounts", "0005_nick_state"}},
		"accounts.0006_motto_state":      {{"accounts", "0005_nick_state"}, {"shop", "0004_owner_state"}},
		"accounts.0007_nick_03_contract": {{"accounts", "0006_motto_state"}, {"shop", "0003_nick_02_expand"}},
	}, after); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	first, second := got.find(t, "accounts.0004_nick_01_expand"), got.find(t, "shop.0003_nick_02_expand")
	if len(first.Statements) != 1 || first.Statements[0].SQL != "\n"+odd || !first.Atomic {
		t.Errorf("Django reads %+v, want the one atomic statement %q", first, odd)
	}
	if len(second.Statements) != 1 || second.Statements[0].SQL != "\n"+alone || second.Atomic || strings.Count(textByPath[second.Path], `"""`) != 6 {
		t.Errorf("Django reads %+v, want the one statement %q outside a transaction:\n%s", second, alone, textByPath[second.Path])
	}
	if len(got.Errors) > 0 || len(got.Conflicts) > 0 {
		t.Errorf("Django reports errors %+v and conflicts %+v, want none", got.Errors, got.Conflicts)
	}
	cmd := exec.CommandContext(t.Context(), venv(t, "django-5.2-psycopg"), "manage.py", "makemigrations", "--check", "--dry-run")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the models are ahead of what was written: %v\n%s", err, out)
	}
	for _, name := range slices.Sorted(maps.Keys(textByPath)) {
		if strings.Contains(textByPath[name], "RunPython") {
			t.Errorf("%s runs Python:\n%s", name, textByPath[name])
		}
	}
}

// A migration that cannot be written again is reported.
func TestComposeRefuses(t *testing.T) {
	t.Parallel()
	field := func(text string) map[string]string {
		return map[string]string{"shop/migrations/0003_more.py": imports +
			"def words():\n    return 'x'\nclass Migration(migrations.Migration):\n    dependencies = [('shop', '0002_owner')]\n" +
			"    operations = [migrations.AddField('Item', 'more', models.TextField(default=" + text + "))]\n"}
	}
	for name, tc := range map[string]struct {
		more     map[string]string
		replaced []string
		want     string
	}{
		"a lambda": {field("lambda: 'x'"), []string{"shop.0003_more"}, "the state of shop.0003_more cannot be written anew: AddField: "},
		"a function of the file": {
			field("words"), []string{"shop.0003_more"},
			"AddField needs something of the migration shop.migrations.0003_more itself: move that to a module that others can import",
		},
		"one that is followed": {nil, []string{"accounts.0002_nick", "accounts.0003_motto"}, "shop.0002_owner depends on accounts.0002_nick, which is to go"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := composed(t, writeProject(t, twoApps, tc.more), tc.replaced...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}
