package audit

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The schema editor of django-pgtrigger drops and makes the triggers that an ALTER meets, and only triggers put rows into the tables of
// django-pghistory. The real packages run the same migrations on a server.
func TestTrackedByTriggers(t *testing.T) {
	t.Parallel()
	python := pgservertest.VenvPath(t, "django-5.2-pghistory", "bin", "python")
	archive := func(name string) string {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	base, head := archive("tracked_base.txtar"), archive("tracked_head.txtar")
	judged := func(head string) *onward.Report {
		return changelog0(t, Config{Dir: repository(t, base, head), Settings: &config.Config{Migrations: []config.Migrations{{Framework: "django", Python: python}}}})
	}
	report := judged(head)
	if !migrates(t, python, base+head) {
		t.Fatal("the real packages do not run the migrations")
	}
	for _, f := range report.Findings {
		if strings.Contains(f.Fact+f.Harm, "used in a trigger definition") || strings.Contains(f.Fact, "shop_bookevent") && f.Severity == onward.Error {
			t.Errorf("the finding is unexpected: %s %s: %s: %s", f.Severity, f.Rule, f.Fact, f.Harm)
		}
	}
	var sent []string
	for _, m := range report.Migrations {
		for _, s := range m.Statements {
			if strings.Contains(s.SQL, "keep") {
				sent = append(sent, strings.Join(strings.Fields(s.SQL)[:2], " "))
			}
		}
	}
	if want := []string{"DROP TRIGGER", "CREATE TRIGGER"}; !slices.Equal(sent, want) {
		t.Errorf("around the ALTER: %q, want %q", sent, want)
	}

	// A trigger that leaves the new column out fails.
	r := judged(strings.NewReplacer(`"pages", `, "", `NEW."pages", `, "").Replace(head))
	if !slices.ContainsFunc(r.Findings, func(f onward.Finding) bool {
		return f.Severity == onward.Error && strings.Contains(f.Fact, "shop_bookevent")
	}) {
		t.Errorf("triggers without the column: %v", found(r))
	}

	// Without the editor the server refuses, and so does onward.
	base = strings.Replace(base, "-- shop/__init__.py --", "PGTRIGGER_SCHEMA_EDITOR = False\n-- shop/__init__.py --", 1)
	if migrates(t, python, base+head) {
		t.Error("without the editor the real packages run the migrations")
	}
	if r = judged(head); r.Summary.Errors == 0 || !slices.ContainsFunc(r.Findings,
		func(f onward.Finding) bool { return strings.Contains(f.Fact+f.Harm, "used in a trigger definition") }) {
		t.Errorf("without the editor: %v", found(r))
	}
}

// migrates runs the migrations of an archive with Django itself.
func migrates(t *testing.T, python, archive string) bool {
	t.Helper()
	dir := gittest.NewDir(t, gittest.ReadArchive(archive))
	u, err := url.Parse(pgservertest.Database(t, onward.NewestMajor))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "manage.py", "migrate")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DB_NAME="+strings.TrimPrefix(u.Path, "/"), "DB_HOST="+u.Query().Get("host"), "DB_PORT="+u.Query().Get("port"),
		"DB_USER="+u.User.Username())
	talk, err := cmd.CombinedOutput()
	t.Logf("%s", talk[max(0, len(talk)-400):])
	return err == nil
}
