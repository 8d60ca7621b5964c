package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// alembicProject is a project with one revision, and a command in onward.yaml.
func alembicProject(t *testing.T, render string) map[string]string {
	t.Helper()
	venv := pgservertest.VenvPath(t, "alembic-1.20-psycopg")
	return map[string]string{
		"onward.yaml": "migrations:\n  - dir: db/versions\n    framework: alembic\n    render: " + render + "\n    python: " + venv + "\n",
		"alembic.ini": "[alembic]\nscript_location = db\n",
		"db/env.py": "from alembic import context\ncontext.configure(url='postgresql://localhost/x', literal_binds=True)\n" +
			"with context.begin_transaction():\n    context.run_migrations()\n",
		"db/versions/a1.py": "from alembic import op\nimport sqlalchemy as sa\nrevision = 'a1'\ndown_revision = None\n\n\ndef upgrade():\n" +
			"    op.create_table('account', sa.Column('id', sa.BigInteger, primary_key=True), sa.Column('email', sa.Text))\n",
		"app/models.py": "import sqlalchemy as sa\nfrom sqlalchemy.orm import mapped_column\nfrom app.base import Base\n\n\nclass Account(Base):\n" +
			"    __tablename__ = \"account\"\n    id = mapped_column(sa.BigInteger, primary_key=True)\n    email = mapped_column(sa.Text)\n",
	}
}

const alembicDrop = "from alembic import op\nrevision = 'b2'\ndown_revision = 'a1'\n\n\ndef upgrade():\n    op.drop_column('account', 'email')\n"

// auditAlembic audits a release that adds files to a project, with the onward.yaml of the working tree.
func auditAlembic(t *testing.T, base, added map[string]string, isConfigNamed bool) (text string) {
	t.Helper()
	dir := gittest.Commits(t, base, added)
	load := config.Load
	configPath := dir
	if isConfigNamed {
		load, configPath = config.LoadFile, filepath.Join(dir, "onward.yaml")
	}
	settings, err := load(configPath, Names())
	if err != nil {
		t.Fatal(err)
	}
	r, err := Changelog(t.Context(), Config{Dir: dir, Base: "HEAD~1", Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s:%d %s\n", f.Rule, f.Path, f.Line, f.Fact)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "  %s:%d\n", e.Path, e.Line)
		}
	}
	for _, o := range r.Opaque {
		fmt.Fprintf(&b, "not judged %s: %s\n", o.Path, o.Why)
	}
	return b.String()
}

// A branch must not choose what runs: its command runs after it is on the base, or if the user names the file.
func TestRenderCommandOfBase(t *testing.T) {
	t.Parallel()
	const usual = `"alembic upgrade {from}:{to} --sql"`
	base := alembicProject(t, usual)
	if got := auditAlembic(t, base, map[string]string{"db/versions/b2.py": alembicDrop}, false); !strings.Contains(got, "column-drop db/versions/b2.py:7") ||
		!strings.Contains(got, "app/models.py:9") {
		t.Errorf("the base's command runs, and the drop is shown with the deployed line:\n%s", got)
	}
	marker := filepath.Join(t.TempDir(), "ran")
	hostile := alembicProject(t, "touch "+marker)
	writes := "sandbox: {write: [" + filepath.Dir(marker) + "]}\n    render:"
	hostile["onward.yaml"] = strings.Replace(hostile["onward.yaml"], "render:", writes, 1)
	added := map[string]string{"db/versions/b2.py": alembicDrop, "onward.yaml": hostile["onward.yaml"]}
	if got := auditAlembic(t, base, added, false); !strings.Contains(got, "column-drop db/versions/b2.py:7") {
		t.Errorf("another command of the branch: the base's runs:\n%s", got)
	}
	withoutConfig := alembicProject(t, usual)
	delete(withoutConfig, "onward.yaml")
	if got := auditAlembic(t, withoutConfig, added, false); !strings.Contains(got, "not judged db/versions: render: runs only after it is at") {
		t.Errorf("a command that the base lacks does not run:\n%s", got)
	}
	// A base that the branch's file names proves nothing.
	dir := gittest.Commits(t, withoutConfig, added, map[string]string{"x": "y"})
	text := "base: HEAD~1\n" + hostile["onward.yaml"]
	if err := os.WriteFile(filepath.Join(dir, "onward.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	gittest.RunGit(t, dir, "branch", "-f", "trunk", "HEAD~2")
	settings, err := config.Load(dir, Names())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Changelog(t.Context(), Config{Dir: dir, Settings: settings}); err != nil {
		t.Logf("the default branch is not known: %v", err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command of the branch ran")
	}
	// The same file runs its command if the user names it, so the check above can fail.
	if settings, err = config.LoadFile(filepath.Join(dir, "onward.yaml"), Names()); err != nil {
		t.Fatal(err)
	}
	_, err = Changelog(t.Context(), Config{Dir: dir, Settings: settings})
	if _, missing := os.Stat(marker); missing != nil {
		t.Errorf("a named file's command did not run: %v", err)
	}
	added["onward.yaml"] = base["onward.yaml"]
	if got := auditAlembic(t, withoutConfig, added, true); !strings.Contains(got, "column-drop db/versions/b2.py:7") {
		t.Errorf("a file that the user names:\n%s", got)
	}
}

// readPageBlocks returns the blocks of code of a framework's page, by their language.
func readPageBlocks(t *testing.T, page string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile("../docs/frameworks/" + page + ".md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, part := range strings.Split(string(data), "\n```")[1:] {
		if language, text, _ := strings.Cut(part, "\n"); language != "" {
			blocks[language] = append(blocks[language], text)
		}
	}
	return blocks
}

// comparePage compares the finding that a page shows with the only one of a report.
func comparePage(t *testing.T, text, file string, r *onward.Report) {
	t.Helper()
	plain := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	page := plain(text)
	found := 0
	for _, f := range r.Findings {
		if f.Severity < onward.Warning {
			continue
		}
		found++
		want := fmt.Sprintf("%s %s %s:%d:%d %s %s instead: %s", f.Severity, f.Rule, file, f.Line, f.Column, f.Fact, f.Harm, f.Instead)
		if plain(want) != page {
			t.Errorf("the page says\n%s\nand onward\n%s", page, plain(want))
		}
	}
	if found != 1 {
		t.Errorf("%d findings, the page has 1", found)
	}
}

// TestAlembicPage runs the example of the page about Alembic, in the dangerous and in the safe form.
func TestAlembicPage(t *testing.T) {
	t.Parallel()
	blocks := readPageBlocks(t, "alembic")
	if len(blocks["python"]) != 2 || len(blocks["text"]) != 1 || len(blocks["yaml"]) != 1 {
		t.Fatalf("the page has other blocks: %v", blocks)
	}
	c, err := config.Decode([]byte(blocks["yaml"][0]), "onward.yaml", Names())
	if err != nil || len(c.Migrations) != 1 || c.Migrations[0].Render == "" {
		t.Fatalf("the page's onward.yaml: %v", err)
	}
	base := alembicProject(t, `"`+c.Migrations[0].Render+`"`)
	base["db/versions/a1.py"] = strings.ReplaceAll(base["db/versions/a1.py"], "'account'", "'orders'")
	delete(base, "app/models.py")
	head := "from alembic import op\n\nrevision = \"b2\"\ndown_revision = \"a1\"\n\n\n"
	run := func(example string) *onward.Report {
		return reportOf(t, base, map[string]string{"db/versions/b2.py": head + example})
	}
	comparePage(t, blocks["text"][0], "migrations/versions/b2.py", run(blocks["python"][0]))
	if r := run(blocks["python"][1]); len(r.Findings) != 0 || len(r.Migrations) != 1 || len(r.Migrations[0].Statements) != 1 {
		t.Errorf("the safe version: %+v", r.Findings)
	}
}
