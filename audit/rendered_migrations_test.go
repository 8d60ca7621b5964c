package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// readProject reads a project from an archive: the files of the base, and those of head/.
func readProject(t *testing.T, name string) (base, added map[string]string) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	base, added = map[string]string{}, map[string]string{}
	for _, f := range archive.Files {
		if name, isHead := strings.CutPrefix(f.Name, "head/"); isHead {
			added[name] = string(f.Data)
			continue
		}
		base[f.Name] = string(f.Data)
	}
	return base, added
}

// auditRendered audits a release that adds files to a project, with the onward.yaml of the working tree.
func auditRendered(t *testing.T, base, added map[string]string) string {
	t.Helper()
	r, err := auditLast(t, gittest.Commits(t, base, added), Config{})
	if err != nil {
		return err.Error()
	}
	return describeCaptured(r)
}

// render: of a tool without an adapter prints the SQL of both revisions, and each statement is judged with its transaction, its migration
// and the line of its file.
func TestRenderEntityFramework(t *testing.T) {
	t.Parallel()
	base, added := readProject(t, "entity_framework.txtar")
	got := auditRendered(t, base, added)
	for _, want := range []string{
		"new 20240201000000_UrlIndex Migrations/20240201000000_UrlIndex.cs file\n",
		"new 20240301000000_Rating Migrations/20240301000000_Rating.cs none\n",
		"index-create-blocking Migrations/20240201000000_UrlIndex.cs:5 creating index IX_Blogs_Url blocks writes to Blogs\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Count(got, "index-create-blocking") != 1 || strings.Contains(got, "not judged") {
		t.Errorf("one index blocks, and all is judged:\n%s", got)
	}
}

// The base's onward.yaml names the command, and a new one is reported.
func TestRenderOfBase(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "ran")
	base, added := readProject(t, "entity_framework.txtar")
	added["onward.yaml"] = strings.Replace(base["onward.yaml"], "sh script.sh", "touch "+marker, 1)
	if got := auditRendered(t, base, added); !strings.Contains(got, "index-create-blocking") {
		t.Errorf("the base's command did not run:\n%s", got)
	}
	delete(base, "onward.yaml")
	if got := auditRendered(t, base, added); !strings.Contains(got, "render: runs only after it is at") {
		t.Errorf("the refusal is not reported:\n%s", got)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the branch's command ran")
	}
}

// A team's own command prints one migration. Without BEGIN, the transaction is a guess, unless it is configured.
func TestRenderEach(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"onward.yaml":            "postgres: 17\nmigrations:\n  - dir: steps\n    render: sh show.sh {id}\n",
		"show.sh":                "sed -n 's/^do: //p' steps/$1.step\n",
		"steps/2_users.step":     "do: CREATE TABLE users (id bigint PRIMARY KEY, email text);\n",
		"steps/1_extension.step": "do: CREATE EXTENSION citext;\n",
	}
	added := map[string]string{"steps/10_index.step": "why: it is slow\ndo: CREATE INDEX users_email ON users (email);\n"}
	got := auditRendered(t, base, added)
	for _, want := range []string{
		"new 10_index steps/10_index.step", "index-create-blocking steps/10_index.step:2 creating index users_email blocks writes to users\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	base["onward.yaml"] += "    transaction: none\n"
	added["steps/10_index.step"] = "do: CREATE INDEX CONCURRENTLY users_email ON users (email);\n"
	if got := auditRendered(t, base, added); !strings.Contains(got, "new 10_index steps/10_index.step none\n") || strings.Contains(got, "transaction-") {
		t.Errorf("transaction: is ignored:\n%s", got)
	}
}

// A command that fails makes the directory unreadable, with the last line that it printed.
func TestRenderFails(t *testing.T) {
	t.Parallel()
	base, added := readProject(t, "entity_framework.txtar")
	added["script.sh"] = "echo 'No project was found.' >&2\nexit 1\n"
	if got := auditRendered(t, base, added); !strings.Contains(got, "No project was found.") {
		t.Errorf("the failure is not reported:\n%s", got)
	}
}
